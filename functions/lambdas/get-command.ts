import { createHandler } from '../queries/get-command.ts';
import { createDocumentClient } from '../runtime/dynamodb.ts';
import { environmentVariable } from '../runtime/environment.ts';
import { findRecord } from '../store/deciding/command-record.ts';
import { storeFromEnvironment } from '../store/from-environment.ts';

const client = createDocumentClient({ attempts: 4 });
const commandsTable = environmentVariable('COMMANDS_TABLE');

export const handler = createHandler({
  find: (key) => findRecord({ client, commandsTable }, key),
  decide: storeFromEnvironment().decidePending,
  clock: Date.now,
});
