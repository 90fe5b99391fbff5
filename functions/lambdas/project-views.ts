import { setTimeout } from 'node:timers/promises';
import { createHandler } from '../projections/project-views.ts';
import { createViewWriter } from '../projections/view-writer.ts';
import { createDocumentClient } from '../runtime/dynamodb.ts';
import { environmentVariable } from '../runtime/environment.ts';
import { telemetryFromEnvironment } from '../runtime/telemetry.ts';
import { storeFromEnvironment } from '../store/from-environment.ts';

/** What Lambda calls, for the events table's stream. */
export const handler = createHandler({
  store: storeFromEnvironment(),
  writer: createViewWriter({
    client: createDocumentClient({ attempts: 4 }),
    table: environmentVariable('VIEWS_TABLE'),
    random: Math.random,
    sleep: (milliseconds) => setTimeout(milliseconds),
  }),
  telemetry: telemetryFromEnvironment(),
});
