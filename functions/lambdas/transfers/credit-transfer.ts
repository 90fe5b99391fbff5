import { telemetryFromEnvironment } from '../../runtime/telemetry.ts';
import { storeFromEnvironment } from '../../store/from-environment.ts';
import { createHandler } from '../../transfers/credit-transfer.ts';

/**
 * How long the source is read, the record, and then the credit tried, in milliseconds each. A last request may take 4 s more: that is
 * within the 30 s of the function.
 */
const BUDGET_MS = 5_000;

/** What the state machine calls. */
export const handler = createHandler({
  store: storeFromEnvironment({ budget: BUDGET_MS }),
  telemetry: telemetryFromEnvironment(),
});
