import { setTimeout } from 'node:timers/promises';
import { createDocumentClient } from '../../runtime/dynamodb.ts';
import { environmentVariable } from '../../runtime/environment.ts';
import { telemetryFromEnvironment } from '../../runtime/telemetry.ts';
import { storeFromEnvironment } from '../../store/from-environment.ts';
import { transferWorkflowFromEnvironment } from '../../transfers/from-environment.ts';
import { createHandler } from '../../transfers/recover-transfers.ts';
import { accountsThatReserved } from '../../transfers/reservations.ts';
import { viewsFromEnvironment } from '../../views/from-environment.ts';

/**
 * How long a call goes on beginning things, in milliseconds. What is begun last, reading an account and asking for and starting an
 * execution, takes less than 50 s: that is within the 300 s of the function.
 */
const BUDGET_MS = 240_000;

/** How long one page of the views or the events is asked for, in milliseconds. */
const PAGE_BUDGET_MS = 8_000;

const telemetry = telemetryFromEnvironment();
const scanned = {
  client: createDocumentClient({ attempts: 1 }),
  eventsTable: environmentVariable('EVENTS_TABLE'),
  clock: Date.now,
  random: Math.random,
  sleep: (milliseconds: number) => setTimeout(milliseconds),
  budget: PAGE_BUDGET_MS,
};

/** What Lambda calls: every minute, or by hand. */
export const handler = createHandler({
  views: viewsFromEnvironment({ budget: PAGE_BUDGET_MS, telemetry }),
  store: storeFromEnvironment(),
  accounts: (after) => accountsThatReserved(scanned, after),
  workflow: transferWorkflowFromEnvironment(),
  telemetry,
  clock: Date.now,
  budget: BUDGET_MS,
});
