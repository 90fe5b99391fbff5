import { httpFromEnvironment } from '../../http/identity/from-environment.ts';
import { createHandler } from '../../queries/statement/get-statement.ts';
import { storeFromEnvironment } from '../../store/from-environment.ts';

export const handler = createHandler({
  store: storeFromEnvironment(),
  clock: Date.now,
  ...httpFromEnvironment(),
});
