import { createHandler } from '../../queries/list-entries.ts';
import { httpTelemetryFromEnvironment } from '../../runtime/telemetry.ts';
import { storeFromEnvironment } from '../../store/from-environment.ts';
import { viewsFromEnvironment } from '../../views/from-environment.ts';

/**
 * How long the views, and then the store, are asked, in milliseconds. A last request to each may take 4 s more: that is within the
 * 15 s of the function.
 */
const BUDGET_MS = 3_000;

export const handler = createHandler({
  store: storeFromEnvironment({ budget: BUDGET_MS }),
  views: viewsFromEnvironment({ budget: BUDGET_MS }),
  telemetry: httpTelemetryFromEnvironment(),
});
