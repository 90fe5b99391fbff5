import { randomUUID } from 'node:crypto';
import { AccountId } from '../../events/values.ts';
import type { CommandRequest } from '../../functions/store/deciding/command-result.ts';
import { type Plan, planFor } from '../../functions/store/deciding/plan.ts';
import { loadTail } from '../../functions/store/stream/read.ts';
import { fingerprint } from '../../functions/store/writing/command-record.ts';
import { write } from '../../functions/store/writing/write.ts';
import { hold } from '../audit/rule.ts';
import { soundStream } from '../audit/streams.ts';
import { requests, type Transfer } from '../load/ledger-requests.ts';
import { plantAccounts } from '../load/plant.ts';
import { OPENING_BALANCE } from '../load/workload.ts';
import { createMeter, meteredClient } from '../metering.ts';
import type { Contestant } from './contestant.ts';

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
    const direct = meteredClient(database, createMeter());
    const store = {
      client: meteredClient(database, meter),
      eventsTable: tables.events,
      commandsTable: tables.commands,
      queueTable: tables.queue,
    };
    const accounts = workloads.flatMap((workload) => workload.accounts);
    await plantAccounts(direct, tables.events, accounts, OPENING_BALANCE);
    const lock = createLocks();

    const plan = async (
      accountId: string,
      request: CommandRequest,
      commandId: string,
    ): Promise<Plan> => {
      const { command, actor, correlationId } = request;
      const origin = { commandId, actor, correlationId };
      const submission = { command, fingerprint: fingerprint(command), keys: [], origin };
      const tail = await loadTail(store, (request) => request(), AccountId.parse(accountId));
      const planned = planFor(tail, [submission], new Map(), randomUUID(), Date.now());
      if (planned === 'too_large') throw new Error(`${accountId}: the commit is too large`);
      return planned;
    };
    const append = async ({ write: content }: Plan): Promise<void> => {
      const { kind } = content ? await write(store, content) : { kind: 'rejected' };
      // The lock is held: nobody else can have written, and there is money enough.
      if (kind !== 'landed') throw new Error(`a commit under a lock was ${kind}`);
    };

    const transfer = async ({ id, from, to, amount }: Transfer): Promise<string> => {
      using source = await lock(from);
      if (!source) return 'timed out';
      const debit = await plan(from, requests.withdraw(from, amount), `debit:${id}`);
      {
        using destination = await lock(to);
        if (!destination) return 'timed out';
        await append(await plan(to, requests.deposit(to, amount), `credit:${id}`));
      }
      await append(debit);
      return 'settled';
    };

    return {
      transfer,
      usage: meter.take,
      audit: async (heard) => {
        const streams = await Promise.all(
          accounts.map((id) => soundStream(direct, tables.events, id)),
        );
        const found = (id: string) => streams.filter(({ commitsOf }) => commitsOf.has(id)).length;
        for (const [id, outcome] of heard) {
          const sides = [found(`debit:${id}`), found(`credit:${id}`)].join('/');
          hold(
            sides === (outcome === 'settled' ? '1/1' : '0/0'),
            `transfer ${id} ${outcome}, with ${sides} commits`,
          );
        }
        const balances = streams.reduce((sum, { account }) => sum + account.balance, 0);
        hold(
          balances === accounts.length * OPENING_BALANCE,
          `${balances} in ${accounts.length} accounts`,
        );
        const events = streams.reduce((sum, stream) => sum + stream.events.length, 0);
        return { streams: streams.length, events, commands: 0 };
      },
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
    // Out of the queue: whoever is behind must not wait for somebody who has left.
    release();
    return undefined;
  };
};
