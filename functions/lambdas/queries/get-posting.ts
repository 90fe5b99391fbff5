import { httpFromEnvironment } from '../../http/identity/from-environment.ts';
import { createHandler } from '../../queries/get-posting.ts';
import { storeFromEnvironment } from '../../store/from-environment.ts';

export const handler = createHandler({
  store: storeFromEnvironment(),
  ...httpFromEnvironment(),
});
