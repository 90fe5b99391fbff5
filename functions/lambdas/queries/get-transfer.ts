import { createHandler } from '../../queries/get-transfer.ts';
import { httpTelemetryFromEnvironment } from '../../runtime/telemetry.ts';
import { recordsFromEnvironment } from '../../store/from-environment.ts';
import { viewsFromEnvironment } from '../../views/from-environment.ts';

/** How long the views, and then the record, are asked, in milliseconds: within the 25 s of the function. */
const BUDGET_MS = 5_000;

export const handler = createHandler({
  store: recordsFromEnvironment({ budget: BUDGET_MS }),
  views: viewsFromEnvironment({ budget: BUDGET_MS }),
  telemetry: httpTelemetryFromEnvironment(),
});
