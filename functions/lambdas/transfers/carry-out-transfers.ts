import { setTimeout } from 'node:timers/promises';
import { budgets } from '../../runtime/budgets.ts';
import { withBareErrors } from '../../runtime/log/described-error.ts';
import { telemetryFromEnvironment } from '../../runtime/telemetry.ts';
import { storeFromEnvironment } from '../../store/from-environment.ts';
import { createHandler } from '../../transfers/carry-out-transfers.ts';
import { transferWorkflowFromEnvironment } from '../../transfers/from-environment.ts';

/** What Lambda calls, for those records of the events table's stream that hold a reservation. */
export const handler = withBareErrors(
  createHandler({
    store: storeFromEnvironment({ budget: budgets.carryOutStep }),
    workflow: transferWorkflowFromEnvironment(),
    telemetry: telemetryFromEnvironment(),
    clock: Date.now,
    random: Math.random,
    sleep: (milliseconds) => setTimeout(milliseconds),
    budget: budgets.carryOut,
  }),
);
