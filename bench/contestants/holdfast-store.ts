import { untilNoneWaits } from '../audit/commands.ts';
import { auditLedger } from '../audit/ledger.ts';
import type { Engine } from '../engine.ts';
import { UNFINISHED } from '../load/drive.ts';
import { plantAccounts } from '../load/plant.ts';
import { OPENING_BALANCE, type Workload } from '../load/workload.ts';
import { createMeter, meteredClient } from '../metering.ts';
import type { Contestant } from './contestant.ts';
import { createStoreCaller } from './store-caller.ts';
import { startStreamFunctions } from './stream-functions.ts';
import { reserve, transferInSteps } from './transfer-steps.ts';

/**
 * Holdfast's store as it is: callers that share nothing reserve, and hear of the end; commands that
 * queue for hot accounts are decided, and transfers carried out, by the handlers behind the tables'
 * streams.
 */
export const holdfastStore = (): Contestant => ({
  name: "Holdfast's store",
  open: async (engine, workloads) => {
    const bench = await openStores(engine, workloads, true);
    const functions = await startStreamFunctions(bench.database, bench.other.store);
    return {
      ...bench.contestant,
      transfer: async (transfer, caller, signal) => {
        const settled = functions.settled(transfer.id);
        const reserved = await reserve(bench.storeOf(caller), transfer, signal);
        if (reserved !== 'accepted') return reserved;
        return Promise.race([
          settled.then(() => 'settled'),
          aborted(signal).then(() => UNFINISHED),
        ]);
      },
      close: async () => {
        await functions.stop();
        await bench.contestant.close();
      },
    };
  },
});

/**
 * Plain optimistic retrying: the same store, whose callers race for every step until they win or 8
 * s are up.
 */
export const retryingStore = (): Contestant => ({
  name: 'optimistic retrying',
  open: async (engine, workloads) => {
    const { contestant, storeOf } = await openStores(engine, workloads, false);
    return {
      ...contestant,
      transfer: (transfer, caller, signal) => transferInSteps(storeOf(caller), transfer, signal),
    };
  },
});

/** A store for every caller and one for whatever else there is, on planted accounts. */
const openStores = async (engine: Engine, workloads: readonly Workload[], queueing: boolean) => {
  const database = await engine.database();
  const { tables } = database;
  const meter = createMeter();
  const direct = meteredClient(database, createMeter());
  const accounts = workloads.flatMap((workload) => workload.accounts);
  await plantAccounts(direct, tables.events, accounts, OPENING_BALANCE);

  const most = Math.max(...workloads.map(({ concurrency }) => concurrency));
  const callers = Array.from({ length: most }, () =>
    createStoreCaller(database, meter, { queueing }),
  );
  const other = createStoreCaller(database, meter, { queueing });
  return {
    database,
    other,
    storeOf: (caller: number) => (callers[caller] ?? other).store,
    contestant: {
      usage: meter.take,
      audit: async (heard: ReadonlyMap<string, string>) => {
        await untilNoneWaits(direct, tables.commands);
        return auditLedger({
          client: direct,
          tables,
          accounts: new Map(accounts.map((id) => [id, undefined])),
          heard,
        });
      },
      close: async () => {
        for (const caller of [...callers, other]) caller.close();
        direct.destroy();
      },
    },
  };
};

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
