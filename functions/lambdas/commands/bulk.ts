import { randomBytes } from 'node:crypto';
import { createHandler } from '../../commands/bulk/bulk.ts';
import { httpFromEnvironment } from '../../http/identity/from-environment.ts';
import { createIds } from '../../http/ids.ts';
import { budgets } from '../../runtime/budgets.ts';
import { storeFromEnvironment } from '../../store/from-environment.ts';

export const handler = createHandler({
  store: storeFromEnvironment({ budget: budgets.bulk.step }),
  newId: createIds({ clock: Date.now, random: randomBytes }),
  clock: Date.now,
  budget: budgets.bulk.accounts,
  ...httpFromEnvironment(),
});
