import { telemetryFromEnvironment } from '../runtime/telemetry.ts';
import { storeFromEnvironment } from '../store/from-environment.ts';
import { createHandler } from '../transfers/carry-out-transfers.ts';
import { transferWorkflowFromEnvironment } from '../transfers/from-environment.ts';

/**
 * How long a step may take here, in milliseconds. What takes longer is left to the workflow: one account that cannot be
 * written to must not hold up the transfers of the others.
 */
const BUDGET_MS = 5_000;

/** What Lambda calls, for those records of the events table's stream that hold a reservation. */
export const handler = createHandler({
  store: storeFromEnvironment({ budget: BUDGET_MS }),
  workflow: transferWorkflowFromEnvironment(),
  telemetry: telemetryFromEnvironment(),
});
