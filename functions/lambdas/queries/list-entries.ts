import { httpFromEnvironment } from '../../http/identity/from-environment.ts';
import { createHandler } from '../../queries/list-entries.ts';
import { budgets } from '../../runtime/budgets.ts';
import { storeFromEnvironment } from '../../store/from-environment.ts';

export const handler = createHandler({
  store: storeFromEnvironment({ budget: budgets.list }),
  ...httpFromEnvironment(),
});
