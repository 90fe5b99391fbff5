import { telemetryFromEnvironment } from '../../runtime/telemetry.ts';
import { storeFromEnvironment } from '../../store/from-environment.ts';
import { createHandler } from '../../transfers/carry-out-transfers.ts';
import { transferWorkflowFromEnvironment } from '../../transfers/from-environment.ts';

/**
 * How long a step may take here, in milliseconds. What takes longer is left to the workflow: one account that cannot be
 * written to must not hold up the transfers of the others.
 */
const STEP_BUDGET_MS = 5_000;

/**
 * How long a batch goes on, in milliseconds. A step that is begun last takes 9 s and a start 13 s: that is within the 60 s of the
 * function.
 */
const BUDGET_MS = { steps: 25_000, starts: 40_000 };

/** What Lambda calls, for those records of the events table's stream that hold a reservation. */
export const handler = createHandler({
  store: storeFromEnvironment({ budget: STEP_BUDGET_MS }),
  workflow: transferWorkflowFromEnvironment(),
  telemetry: telemetryFromEnvironment(),
  clock: Date.now,
  budget: BUDGET_MS,
});
