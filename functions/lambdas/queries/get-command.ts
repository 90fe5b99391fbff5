import { httpFromEnvironment } from '../../http/identity/from-environment.ts';
import { createHandler } from '../../queries/get-command.ts';
import { budgets } from '../../runtime/budgets.ts';
import { storeFromEnvironment } from '../../store/from-environment.ts';
import { endOfHoldFromEnvironment } from '../../transfers/from-environment.ts';

export const handler = createHandler({
  store: storeFromEnvironment({ budget: budgets.getCommand }),
  endOfHold: endOfHoldFromEnvironment(),
  clock: Date.now,
  ...httpFromEnvironment(),
});
