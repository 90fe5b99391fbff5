import { untilNoneWaits } from '../audit/commands.ts';
import { auditLedger } from '../audit/ledger.ts';
import { plantAccounts } from '../load/plant.ts';
import { OPENING_BALANCE } from '../load/workload.ts';
import { createMeter, meteredClient } from '../metering.ts';
import type { Contestant } from './contestant.ts';
import { startPendingTaker } from './pending-taker.ts';
import { createStoreCaller } from './store-caller.ts';
import { transferInSteps } from './transfer-steps.ts';

/** Holdfast's store as it is: callers that share nothing, and commands that queue for hot accounts. */
export const holdfastStore = (): Contestant => storeContestant("Holdfast's store", true);

/** Plain optimistic retrying: the same store, whose callers race until they win or 8 s are up. */
export const retryingStore = (): Contestant => storeContestant('optimistic retrying', false);

const storeContestant = (name: string, queueing: boolean): Contestant => ({
  name,
  open: async (engine, workloads) => {
    const database = await engine.database();
    const { tables } = database;
    const meter = createMeter();
    const direct = meteredClient(database, createMeter());
    const accounts = workloads.flatMap((workload) => workload.accounts);
    await plantAccounts(direct, tables.events, accounts, OPENING_BALANCE);

    const most = Math.max(...workloads.map(({ concurrency }) => concurrency));
    const callers = Array.from({ length: most }, () => createStoreCaller(database, meter, { queueing }));
    const decider = createStoreCaller(database, meter, { queueing });
    const taker = queueing ? await startPendingTaker(database, decider.store) : undefined;

    return {
      transfer: (transfer, caller, signal) => {
        const { store } = callers[caller] ?? decider;
        return transferInSteps(store, transfer, signal);
      },
      usage: meter.take,
      audit: async (heard) => {
        await untilNoneWaits(direct, tables.commands);
        return auditLedger({
          client: direct,
          tables,
          accounts: new Map(accounts.map((id) => [id, undefined])),
          heard,
        });
      },
      close: async () => {
        await taker?.stop();
        for (const caller of [...callers, decider]) caller.close();
        direct.destroy();
      },
    };
  },
});
