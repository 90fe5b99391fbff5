import { createHandler } from '../../projections/project-views.ts';
import { createViewWriter } from '../../projections/view-writer.ts';
import { budgets } from '../../runtime/budgets.ts';
import { withBareErrors } from '../../runtime/log/described-error.ts';
import { telemetryFromEnvironment } from '../../runtime/telemetry.ts';
import { viewsTableFromEnvironment } from '../../views/from-environment.ts';

/** What Lambda calls for the events table's stream. */
export const handler = withBareErrors(
  createHandler({
    writer: createViewWriter(viewsTableFromEnvironment()),
    telemetry: telemetryFromEnvironment(),
    clock: Date.now,
    budget: budgets.projectViews,
  }),
);
