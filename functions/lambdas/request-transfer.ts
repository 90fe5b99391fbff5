import { randomBytes } from 'node:crypto';
import { createHandler } from '../commands/request-transfer.ts';
import { createIds } from '../http/ids.ts';
import { machineTime } from '../http/polling.ts';
import { createDocumentClient } from '../runtime/dynamodb.ts';
import { environmentVariable } from '../runtime/environment.ts';
import { findRecord } from '../store/deciding/command-record.ts';
import { storeFromEnvironment } from '../store/from-environment.ts';
import { viewsFromEnvironment } from '../views/from-environment.ts';

const client = createDocumentClient({ attempts: 4 });
const commandsTable = environmentVariable('COMMANDS_TABLE');

export const handler = createHandler({
  store: storeFromEnvironment(),
  isTaken: async (key) => (await findRecord({ client, commandsTable }, key)) !== undefined,
  views: viewsFromEnvironment(),
  newId: createIds({ clock: Date.now, random: randomBytes }),
  time: machineTime,
});
