import { untilNoneWaits } from '../audit/commands.ts';
import { auditLedger } from '../audit/ledger.ts';
import { hold } from '../audit/rule.ts';
import type { Database, Engine } from '../engine.ts';
import { UNFINISHED } from '../load/drive.ts';
import { plantAccounts } from '../load/plant.ts';
import { OPENING_BALANCE, type Workload } from '../load/workload.ts';
import { createMeter, meteredClient } from '../metering.ts';
import type { Contestant } from './contestant.ts';
import { createStoreCaller } from './store-caller.ts';
import { startStreamFunctions } from './stream-functions.ts';
import { depositOnce, postOnce, reserve, transferInSteps } from './transfer-steps.ts';

/** How Holdfast's store is set up. */
export interface StoreSetting {
  /** As the tables call it. */
  readonly name?: string;
  /**
   * How many stores, which share nothing, the callers are spread over; absent: one for each caller.
   */
  readonly environments?: number;
  /** Whether transfers may be carried out at once; absent: they may. */
  readonly atOnce?: boolean;
  /** How long a stream record may go unseen, in milliseconds; absent: as short as can be. */
  readonly streamPauseMs?: number;
}

/**
 * Holdfast's store as it is: callers that share nothing, unless the setting says so, have their
 * transfers carried out at once, or reserve and hear of the end; the handlers behind the tables' streams decide the commands that queue for hot
 * accounts, and carry out the transfers.
 */
export const holdfastStore = ({
  name = "Holdfast's store",
  environments,
  atOnce = true,
  streamPauseMs,
}: StoreSetting = {}): Contestant => ({
  name,
  open: async (engine, workloads) => {
    const bench = await openStores(engine, workloads, { queueing: true, environments });
    const functions = await startStreamFunctions(bench.database, bench.other.store, streamPauseMs);
    return {
      ...bench.contestant,
      transfer: async (transfer, caller, signal) => {
        const settled = functions.settled(transfer.id);
        const reserved = await reserve(bench.storeOf(caller), transfer, signal, atOnce);
        if (reserved !== 'accepted') return reserved;
        return Promise.race([
          settled.then(() => 'settled'),
          aborted(signal).then(() => UNFINISHED),
        ]);
      },
      leftToWorkflow: functions.leftToWorkflow,
      audit: async (heard) => {
        await functions.untilWorkflowEnds();
        await bench.untilNoneWaits();
        // What goes on behind the callers that gave up must not change the tables meanwhile.
        await functions.stop();
        return bench.contestant.audit(heard);
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
    const { contestant, storeOf } = await openStores(engine, workloads, { queueing: false });
    return {
      ...contestant,
      transfer: (transfer, caller, signal) => transferInSteps(storeOf(caller), transfer, signal),
    };
  },
});

/**
 * One environment for all callers, as where many requests share one: commands of one account share
 * its lane, transfers between the same two accounts another, and each commit takes all that wait
 * there. The callers take all steps of a transfer
 * themselves. The last few commands of a hot account may queue all the same: the handler behind the
 * queue's stream decides them.
 */
export const oneEnvironment = (atOnce = true): Contestant => ({
  name: `one environment with lanes${atOnce ? '' : ', the long way'}`,
  open: async (engine, workloads) => {
    const bench = await openStores(engine, workloads, { queueing: true, environments: 1 });
    const functions = await startStreamFunctions(withoutEvents(bench.database), bench.other.store);
    return {
      ...bench.contestant,
      transfer: (transfer, caller, signal) =>
        transferInSteps(bench.storeOf(caller), transfer, signal, atOnce),
      close: async () => {
        await functions.stop();
        await bench.contestant.close();
      },
    };
  },
});

/**
 * Deposits of every caller into one account, each with a key, instead of transfers: see
 * {@link deposits}.
 * @param environments as in {@link StoreSetting}.
 */
export const depositsInto = (name: string, environments?: number): Contestant => ({
  name,
  open: async (engine, workloads) => {
    const bench = await openStores(engine, workloads, { queueing: true, environments });
    const functions = await startStreamFunctions(withoutEvents(bench.database), bench.other.store);
    return {
      ...bench.contestant,
      transfer: (transfer, caller, signal) => depositOnce(bench.storeOf(caller), transfer, signal),
      audit: async (heard) => {
        const audited = await bench.contestant.audit(new Map());
        const settled = [...heard.values()].filter((outcome) => outcome === 'settled').length;
        hold(
          audited.commands >= settled,
          `callers heard of ${settled} deposits, and ${audited.commands} are recorded`,
        );
        return audited;
      },
      close: async () => {
        await functions.stop();
        await bench.contestant.close();
      },
    };
  },
});

/**
 * Postings of two legs instead of transfers.
 * @param environments as in {@link StoreSetting}.
 */
export const postings = (name: string, environments?: number): Contestant => ({
  name,
  open: async (engine, workloads) => {
    const bench = await openStores(engine, workloads, { queueing: true, environments });
    return {
      ...bench.contestant,
      transfer: (transfer, caller, signal) => postOnce(bench.storeOf(caller), transfer, signal),
      audit: async (heard) => {
        const audited = await bench.contestant.audit(new Map());
        const settled = [...heard.values()].filter((outcome) => outcome === 'settled').length;
        hold(
          audited.commands >= settled,
          `callers heard of ${settled} postings, and ${audited.commands} are recorded`,
        );
        return audited;
      },
    };
  },
});

/** A database without the events' stream, so that nothing carries transfers out. */
const withoutEvents = (database: Database): Database => ({
  ...database,
  streams: { ...database.streams, events: '' },
});

/** Opens a store for every environment and one for the handlers, on planted accounts. */
const openStores = async (
  engine: Engine,
  workloads: readonly Workload[],
  {
    queueing,
    environments,
  }: { readonly queueing: boolean; readonly environments?: number | undefined },
) => {
  const database = await engine.database();
  const { tables } = database;
  const meter = createMeter();
  const direct = meteredClient({ config: database.direct }, createMeter());
  const accounts = workloads.flatMap((workload) => workload.accounts);
  await plantAccounts(direct, tables.events, accounts, OPENING_BALANCE);

  const most = environments ?? Math.max(...workloads.map(({ concurrency }) => concurrency));
  const stores = Array.from({ length: most }, () =>
    createStoreCaller(database, meter, { queueing }),
  );
  const other = createStoreCaller(database, meter, { queueing });
  return {
    database,
    other,
    storeOf: (caller: number) => (stores[caller % most] ?? other).store,
    untilNoneWaits: () => untilNoneWaits(direct, tables.commands),
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
        for (const caller of [...stores, other]) caller.close();
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
