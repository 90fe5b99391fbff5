import { createHandler } from '../../queries/list-transfers.ts';
import { budgets } from '../../runtime/budgets.ts';
import { storeFromEnvironment } from '../../store/from-environment.ts';
import { viewsFromEnvironment } from '../../views/from-environment.ts';
import { lateTelemetry, requestTelemetry } from '../telemetry.ts';

export const handler = createHandler({
  store: storeFromEnvironment({ budget: budgets.list }),
  views: viewsFromEnvironment({ budget: budgets.list, telemetry: lateTelemetry() }),
  telemetry: requestTelemetry(),
});
