import { createHandler } from '../../projections/project-views.ts';
import { createViewWriter } from '../../projections/view-writer.ts';
import { budgets } from '../../runtime/budgets.ts';
import { telemetryFromEnvironment } from '../../runtime/telemetry.ts';
import { storeFromEnvironment } from '../../store/from-environment.ts';
import { viewsTableFromEnvironment } from '../../views/from-environment.ts';

/** What Lambda calls, for the events table's stream, or by hand with `{"accounts":["a","b"]}`. */
export const handler = createHandler({
  store: storeFromEnvironment(),
  writer: createViewWriter(viewsTableFromEnvironment()),
  telemetry: telemetryFromEnvironment(),
  clock: Date.now,
  budget: budgets.projectViews,
});
