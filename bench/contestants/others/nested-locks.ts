import type { Plan } from '../../../functions/store/deciding/plan.ts';
import { write } from '../../../functions/store/writing/write.ts';
import type { Transfer } from '../../load/ledger-requests.ts';
import { plantAccounts } from '../../load/plant.ts';
import { OPENING_BALANCE } from '../../load/workload.ts';
import { createMeter, meteredClient } from '../../metering.ts';
import type { Contestant } from '../contestant.ts';
import { auditSides, planSide, sidesOf } from './two-sides.ts';

/**
 * How long a transfer waits for a lock before it fails, in milliseconds: the figure of the design
 * that is compared with.
 */
const LOCK_TIMEOUT_MS = 5_000;

/**
 * Nested locks: every account has a queue, one command at a time. A transfer holds its source's
 * turn while it waits for the destination's, so two transfers in opposite directions wait for each
 * other until their time is up. The queues are in this process, which is the kindest case: no lock
 * costs a request, and none outlives its holder.
 */
export const nestedLocks = (name: string): Contestant => ({
  name,
  open: async (engine, workloads) => {
    const database = await engine.database();
    const { tables } = database;
    const meter = createMeter();
    const direct = meteredClient({ config: database.direct }, createMeter());
    const store = {
      client: meteredClient(database, meter),
      eventsTable: tables.events,
      commandsTable: tables.commands,
      queueTable: tables.queue,
    };
    const accounts = workloads.flatMap((workload) => workload.accounts);
    await plantAccounts(direct, tables.events, accounts, OPENING_BALANCE);
    const lock = createLocks();

    const append = async ({ write: content }: Plan): Promise<void> => {
      const { kind } = content ? await write(store, content) : { kind: 'rejected' };
      // The lock is held: nobody else can have written, and there is money enough.
      if (kind !== 'landed') throw new Error(`a commit under a lock was ${kind}`);
    };

    const transfer = async (of: Transfer): Promise<string> => {
      const { debit, credit } = sidesOf(of);
      using source = await lock(of.from);
      if (!source) return 'timed out';
      const planned = await planSide(store, debit);
      {
        using destination = await lock(of.to);
        if (!destination) return 'timed out';
        await append(await planSide(store, credit));
      }
      await append(planned);
      return 'settled';
    };

    return {
      transfer,
      usage: meter.take,
      audit: (heard) => auditSides(direct, tables.events, accounts, heard),
      close: async () => {
        store.client.destroy();
        direct.destroy();
      },
    };
  },
});

/**
 * Locks by name, first come, first served. @returns a lock's holder, or `undefined` when the time
 * was up first.
 */
const createLocks = () => {
  const queues = new Map<string, Promise<unknown>>();
  return async (name: string): Promise<Disposable | undefined> => {
    const turn = queues.get(name) ?? Promise.resolve();
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    queues.set(name, Promise.all([turn, released]));
    const { promise: late, resolve: giveUp } = Promise.withResolvers<'late'>();
    const timer = setTimeout(() => giveUp('late'), LOCK_TIMEOUT_MS);
    const winner = await Promise.race([turn, late]);
    clearTimeout(timer);
    if (winner !== 'late') return { [Symbol.dispose]: release };
    // It leaves the queue: the next in line must not wait for a transfer that has left.
    release();
    return undefined;
  };
};
