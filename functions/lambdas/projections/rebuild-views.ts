import { createHandler } from '../../projections/rebuild-views.ts';
import { createViewWriter } from '../../projections/view-writer.ts';
import { budgets } from '../../runtime/budgets.ts';
import { createDocumentClient } from '../../runtime/dynamodb.ts';
import { environmentVariable } from '../../runtime/environment.ts';
import { withBareErrors } from '../../runtime/log/described-error.ts';
import { telemetryFromEnvironment } from '../../runtime/telemetry.ts';
import { storeFromEnvironment } from '../../store/from-environment.ts';
import { viewsTableFromEnvironment } from '../../views/from-environment.ts';

const views = viewsTableFromEnvironment();

/** What Lambda calls, by hand: `npm run rebuild`. */
export const handler = withBareErrors(
  createHandler({
    events: {
      client: createDocumentClient({ attempts: 1 }),
      table: environmentVariable('EVENTS_TABLE'),
    },
    views,
    store: storeFromEnvironment(),
    writer: createViewWriter(views),
    telemetry: telemetryFromEnvironment(),
    budget: budgets.rebuild.pages,
    grace: budgets.rebuild.lastPage,
  }),
);
