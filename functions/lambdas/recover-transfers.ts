import { createDocumentClient } from '../runtime/dynamodb.ts';
import { environmentVariable } from '../runtime/environment.ts';
import { telemetryFromEnvironment } from '../runtime/telemetry.ts';
import { storeFromEnvironment } from '../store/from-environment.ts';
import { transferWorkflowFromEnvironment } from '../transfers/from-environment.ts';
import { createHandler } from '../transfers/recover-transfers.ts';
import { accountsThatReserved } from '../transfers/reservations.ts';
import { viewsFromEnvironment } from '../views/from-environment.ts';

const client = createDocumentClient({ attempts: 4 });
const eventsTable = environmentVariable('EVENTS_TABLE');

/** What Lambda calls: every minute, or by hand. */
export const handler = createHandler({
  views: viewsFromEnvironment(),
  store: storeFromEnvironment(),
  accounts: () => accountsThatReserved(client, eventsTable),
  workflow: transferWorkflowFromEnvironment(),
  telemetry: telemetryFromEnvironment(),
  clock: Date.now,
});
