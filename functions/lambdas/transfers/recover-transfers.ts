import { setTimeout } from 'node:timers/promises';
import { budgets } from '../../runtime/budgets.ts';
import { createDocumentClient } from '../../runtime/dynamodb.ts';
import { environmentVariable } from '../../runtime/environment.ts';
import { withBareErrors } from '../../runtime/log/described-error.ts';
import { telemetryFromEnvironment } from '../../runtime/telemetry.ts';
import { storeFromEnvironment } from '../../store/from-environment.ts';
import { transferWorkflowFromEnvironment } from '../../transfers/from-environment.ts';
import { createHandler } from '../../transfers/recover-transfers.ts';
import { accountsThatReserved } from '../../transfers/reservations.ts';
import { viewsFromEnvironment } from '../../views/from-environment.ts';

const telemetry = telemetryFromEnvironment();
const scanned = {
  client: createDocumentClient({ attempts: 1 }),
  eventsTable: environmentVariable('EVENTS_TABLE'),
  clock: Date.now,
  random: Math.random,
  sleep: (milliseconds: number) => setTimeout(milliseconds),
  budget: budgets.recoverPage,
};

/** What Lambda calls: every minute, or by hand. */
export const handler = withBareErrors(
  createHandler({
    views: viewsFromEnvironment({ budget: budgets.recoverPage, telemetry }),
    store: storeFromEnvironment(),
    accounts: (after) => accountsThatReserved(scanned, after),
    workflow: transferWorkflowFromEnvironment(),
    telemetry,
    clock: Date.now,
    budget: budgets.recover,
  }),
);
