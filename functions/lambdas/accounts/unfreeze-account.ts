import { createHandler } from '../../commands/accounts/unfreeze-account.ts';
import { httpFromEnvironment } from '../../http/identity/from-environment.ts';
import { storeFromEnvironment } from '../../store/from-environment.ts';

export const handler = createHandler({
  store: storeFromEnvironment(),
  ...httpFromEnvironment(),
});
