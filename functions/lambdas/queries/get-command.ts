import { createHandler } from '../../queries/get-command.ts';
import { budgets } from '../../runtime/budgets.ts';
import { storeFromEnvironment } from '../../store/from-environment.ts';
import { requestTelemetry } from '../telemetry.ts';

export const handler = createHandler({
  store: storeFromEnvironment({ budget: budgets.getCommand }),
  clock: Date.now,
  telemetry: requestTelemetry(),
});
