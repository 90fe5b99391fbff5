import { createHandler } from '../../projections/project-views.ts';
import { createViewWriter } from '../../projections/view-writer.ts';
import { telemetryFromEnvironment } from '../../runtime/telemetry.ts';
import { storeFromEnvironment } from '../../store/from-environment.ts';
import { viewsTableFromEnvironment } from '../../views/from-environment.ts';

/**
 * How long a batch goes on sending requests, in milliseconds. Reading a stream may begin just before and takes the store's 8 s, and a
 * last request 4 s: that is within the 60 s of the function.
 */
const BUDGET_MS = 40_000;

/** What Lambda calls, for the events table's stream, or by hand with `{"accounts":["a","b"]}`. */
export const handler = createHandler({
  store: storeFromEnvironment(),
  writer: createViewWriter(viewsTableFromEnvironment()),
  telemetry: telemetryFromEnvironment(),
  clock: Date.now,
  budget: BUDGET_MS,
});
