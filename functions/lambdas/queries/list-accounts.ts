import { httpFromEnvironment } from '../../http/identity/from-environment.ts';
import { createHandler } from '../../queries/list-accounts.ts';
import { budgets } from '../../runtime/budgets.ts';
import { storeFromEnvironment } from '../../store/from-environment.ts';
import { viewsFromEnvironment } from '../../views/from-environment.ts';

export const handler = createHandler({
  store: storeFromEnvironment(),
  views: viewsFromEnvironment({ budget: budgets.list }),
  ...httpFromEnvironment(),
});
