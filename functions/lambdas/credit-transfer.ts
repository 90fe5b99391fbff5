import { createDocumentClient } from '../runtime/dynamodb.ts';
import { environmentVariable } from '../runtime/environment.ts';
import { telemetryFromEnvironment } from '../runtime/telemetry.ts';
import { findRecord } from '../store/deciding/command-record.ts';
import { storeFromEnvironment } from '../store/from-environment.ts';
import { createHandler } from '../transfers/credit-transfer.ts';

const client = createDocumentClient({ attempts: 4 });
const commandsTable = environmentVariable('COMMANDS_TABLE');

/** What the state machine calls. */
export const handler = createHandler({
  store: storeFromEnvironment(),
  find: (key) => findRecord({ client, commandsTable }, key),
  telemetry: telemetryFromEnvironment(),
});
