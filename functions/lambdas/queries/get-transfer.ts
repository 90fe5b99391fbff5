import { createHandler } from '../../queries/get-transfer.ts';
import { budgets } from '../../runtime/budgets.ts';
import { httpTelemetryFromEnvironment } from '../../runtime/telemetry.ts';
import { recordsFromEnvironment } from '../../store/from-environment.ts';
import { viewsFromEnvironment } from '../../views/from-environment.ts';

export const handler = createHandler({
  store: recordsFromEnvironment({ budget: budgets.getTransfer }),
  views: viewsFromEnvironment({ budget: budgets.getTransfer }),
  telemetry: httpTelemetryFromEnvironment(),
});
