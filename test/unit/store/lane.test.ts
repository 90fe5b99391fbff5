import { setImmediate } from 'node:timers/promises';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { AccountId, Version } from '../../../events/values.ts';
import type { CommandRequest } from '../../../functions/store/deciding/command-result.ts';
import { Lane } from '../../../functions/store/deciding/lane.ts';
import { requests } from '../../../testing/ledger-requests.ts';
import { createLedgerDatabase } from '../../mutants/memory-database.ts';
import { leavePending } from '../../setup/leave-pending.ts';
import { createMeteredStore, type MeteredStore } from '../../setup/metered-store.ts';

const a = AccountId.parse('a');

let database: Awaited<ReturnType<typeof createLedgerDatabase>>;
/** Whoever else writes to the account. */
let rival: MeteredStore;
let now: number;
let waits: number[];

beforeEach(async () => {
  database = await createLedgerDatabase();
  now = Date.now();
  waits = [];
  rival = createMeteredStore(database);
  await rival.store.execute(requests.open('a'));
  await rival.store.execute(requests.deposit('a', 1_000));
  rival.requests();
});

/**
 * What becomes of one write after the other: how it fails, after `send` or without it. Those that
 * are not named go through.
 */
type Fate = (send: () => Promise<unknown>) => Promise<unknown>;

/** A store whose time goes on by its own waits alone, and whose writes have these fates. */
const storeWith = (
  fates: readonly Fate[],
  more: { readonly budget?: number; readonly queueing?: boolean } = {},
) => {
  const left = [...fates];
  const operations: string[] = [];
  const metered = createMeteredStore(database, {
    budget: 1_000,
    ...more,
    clock: () => now,
    random: () => 1,
    sleep: async (milliseconds) => {
      waits.push(milliseconds);
      now += milliseconds;
    },
  });
  metered.inject(async (operation, send) => {
    operations.push(operation);
    const fate =
      operation === 'PutItem' || operation === 'TransactWriteItems' ? left.shift() : undefined;
    return fate ? fate(send) : send();
  });
  return { store: metered.store, operations };
};

const named = (name: string, fields: object = {}) =>
  Object.assign(new Error(name), { name, ...fields });
const fails =
  (error: Error): Fate =>
  async () => {
    throw error;
  };
/** Nobody knows: it did not land. */
const lost = fails(named('TimeoutError'));
/** Nobody knows: it landed, and its answer was lost. */
const landed: Fate = async (send) => {
  await send();
  throw named('TimeoutError');
};
/** A condition did not hold, and what stands there is not shown. */
const refusedPut = fails(named('ConditionalCheckFailedException'));
const refused = fails(
  named('TransactionCanceledException', {
    CancellationReasons: [{ Code: 'ConditionalCheckFailed' }, { Code: 'None' }],
  }),
);
/** Somebody else is faster. */
const overtakenBy =
  (...others: readonly CommandRequest[]): Fate =>
  async (send) => {
    for (const request of others) await rival.store.execute(request);
    return send();
  };
/** The time is up once this is done. */
const late =
  (fate: Fate): Fate =>
  async (send) => {
    now += 1_000;
    return fate(send);
  };

const balance = async () => (await rival.store.load(a)).account?.balance;
const deposit = requests.deposit('a', 5);
const keyed = requests.deposit('a', 5, { key: 'k' });
const second = requests.deposit('a', 7, { key: 'k2' });
const accepted = { outcome: 'accepted', version: 3, replayed: false };
const undecided = (reason: string) => ({ outcome: 'undecided', reason });

describe('a write that was refused, where nothing is shown of what stands in its way,', () => {
  it('is decided again on what is read then', async () => {
    const { store, operations } = storeWith([refusedPut]);
    expect(await store.execute(deposit)).toMatchObject(accepted);
    expect(operations).toEqual(['Query', 'PutItem', 'Query', 'PutItem']);
    expect(waits).toEqual([20]);
  });
  it('and has a key, asks its record first', async () => {
    const { store, operations } = storeWith([refused]);
    expect(await store.execute(keyed)).toMatchObject(accepted);
    expect(operations).toEqual([
      'Query',
      'TransactWriteItems',
      'GetItem',
      'Query',
      'TransactWriteItems',
    ]);
  });
  it('and has several keys, is decided in the same order, whichever record is read first', async () => {
    for (const slow of ['k', 'k2']) {
      const metered = createMeteredStore(database, {
        clock: () => now,
        sleep: async () => undefined,
      });
      let isRefused = false;
      metered.inject(async (operation, send, input) => {
        if (operation === 'TransactWriteItems' && !isRefused) {
          isRefused = true;
          return refused(send);
        }
        if (operation === 'GetItem' && JSON.stringify(input).includes(`command:a.${slow}-${slow}"`))
          for (let turns = 0; turns < 50; turns += 1) await setImmediate();
        return send();
      });
      // The second can be paid by the first alone.
      const left = (await balance()) ?? 0;
      const results = await metered.store.executeTogether(a, [
        requests.deposit('a', 5, { key: `k-${slow}` }),
        requests.withdraw('a', left + 5, { key: `k2-${slow}` }),
      ]);
      expect(results.map(({ outcome }) => outcome)).toEqual(['accepted', 'accepted']);
      await rival.store.execute(requests.deposit('a', 1_000));
    }
  });
  it('and has a key, is found to be this call’s own where its answer was lost: it is no replay', async () => {
    const { store } = storeWith([landed, refused]);
    expect(await store.execute(keyed)).toMatchObject(accepted);
    expect(await balance()).toBe(1_005);
  });
  it('and has no key, is not known where an earlier try of it may have landed, and is not made again', async () => {
    for (const [fate, left] of [
      [lost, 1_000],
      [landed, 1_005],
    ] as const) {
      const { store } = storeWith([fate, refusedPut]);
      expect(await store.execute(deposit)).toEqual(undecided('unknown'));
      expect(await balance()).toBe(left);
    }
  });
  it.each([
    ['contention', [late(refused)]],
    ['unknown', [lost, late(refused)]],
  ])('is undecided where the time is up: %s', async (reason, fates) => {
    expect(await storeWith(fates).store.execute(keyed)).toEqual(undecided(reason));
  });
});

describe('a write whose answer was lost', () => {
  it('is known not to have landed where another commit has its place', async () => {
    const { store } = storeWith([lost, late(overtakenBy(requests.withdraw('a', 1)))]);
    expect(await store.execute(keyed)).toEqual(undecided('contention'));
  });

  /**
   * Of two commands in one write the first turns out to be decided, or pending, elsewhere: its
   * record alone is shown.
   */
  const hiding =
    (first: CommandRequest): Fate =>
    async (send) => {
      await rival.store.execute(first);
      return send().catch((error: unknown) => {
        if (!(error instanceof Error) || !('CancellationReasons' in error)) throw error;
        const { CancellationReasons: reasons } = error;
        const shown = Array.isArray(reasons)
          ? reasons.map((reason, index) => (index === 1 ? reason : { Code: 'None' }))
          : [];
        throw Object.assign(error, { CancellationReasons: shown });
      });
    };

  it.each([
    ['accepted', keyed],
    ['rejected', { ...keyed, command: requests.withdraw('a', 5_000).command }],
  ])(
    'is known not to have landed where one of its commands was %s by another write',
    async (_, first) => {
      const { store } = storeWith([lost, late(hiding(first))]);
      expect(await store.executeTogether(a, [first, second])).toMatchObject([
        { replayed: true },
        undecided('unavailable'),
      ]);
    },
  );
  it('is known to have landed by one of its items, whatever is said of the others', async () => {
    const shownOnly =
      (shown: number): Fate =>
      (send) =>
        send().catch((error: unknown) => {
          if (!(error instanceof Error) || !('CancellationReasons' in error)) throw error;
          const { CancellationReasons: reasons } = error;
          const left = Array.isArray(reasons)
            ? reasons.map((reason, index) => (index === shown ? reason : { Code: 'None' }))
            : [];
          throw Object.assign(error, { CancellationReasons: left });
        });
    for (const shown of [0, 1]) {
      const before = (await balance()) ?? 0;
      const one = requests.deposit('a', 5, { key: `shown-${shown}` });
      const { store } = storeWith([landed, shownOnly(shown)]);
      expect(await store.executeTogether(a, [one, deposit])).toMatchObject([
        { outcome: 'accepted', replayed: false },
        { outcome: 'accepted', replayed: false },
      ]);
      expect(await balance()).toBe(before + 10);
    }
  });
  it('is not known to have landed where only a key of another command is in its way', async () => {
    const other: Fate = async () => {
      throw named('TransactionCanceledException', {
        CancellationReasons: [
          { Code: 'None' },
          {
            Code: 'ConditionalCheckFailed',
            Item: { key: { S: keyed.keys?.[0] }, schema: { N: '99' } },
          },
          { Code: 'None' },
        ],
      });
    };
    const { store } = storeWith([lost, late(other)]);
    expect(await store.executeTogether(a, [keyed, second])).toEqual([
      undecided('record_unreadable'),
      undecided('unknown'),
    ]);
  });
});

describe('a race', () => {
  it('that is lost is decided again after the winner, without a read', async () => {
    const { store, operations } = storeWith([overtakenBy(requests.withdraw('a', 1))]);
    expect(await store.execute(deposit)).toMatchObject({ ...accepted, version: 4 });
    expect(operations).toEqual(['Query', 'PutItem', 'PutItem']);
  });
  it('is not gone on with once the time is up', async () => {
    const { store, operations } = storeWith([late(overtakenBy(requests.withdraw('a', 1)))]);
    expect(await store.execute(deposit)).toEqual(undecided('contention'));
    expect(operations).toEqual(['Query', 'PutItem']);
  });
  it('that is lost three times in a row is gone on with after a wait, on what is read then', async () => {
    const won = overtakenBy(requests.withdraw('a', 1));
    const { store, operations } = storeWith([won, won, won]);
    expect(await store.execute(deposit)).toMatchObject({ ...accepted, version: 6 });
    expect(operations).toEqual(['Query', 'PutItem', 'PutItem', 'PutItem', 'Query', 'PutItem']);
    expect(waits).toEqual([40]);
  });
  it('that is lost twice is left for the queue', async () => {
    const won = overtakenBy(requests.withdraw('a', 1));
    const { store, operations } = storeWith([won, won], { queueing: true, budget: 100 });
    expect(await store.execute(deposit)).toMatchObject({ outcome: 'pending' });
    expect(operations.slice(0, 4)).toEqual(['Query', 'PutItem', 'PutItem', 'TransactWriteItems']);
  });
  it('that is lost with what was known a moment ago is decided on what is read then, however much has happened', async () => {
    const tail = await rival.store.load(a);
    for (let n = 0; n < 3; n += 1) await rival.store.execute(requests.deposit('a', 1));
    const { store, operations } = storeWith([]);
    expect(await store.executeTogether(a, [deposit], tail)).toMatchObject([
      { ...accepted, version: 6 },
    ]);
    expect(operations).toEqual(['PutItem', 'Query', 'PutItem']);
  });
});

describe('commands that are more than one commit takes', () => {
  const sizes = async () => {
    const found: number[] = [];
    for await (const { batch } of rival.store.history(a, { from: 3 })) found.push(batch);
    return found;
  };

  it('go on from their own last commit', async () => {
    const { store, operations } = storeWith([]);
    const many = Array.from({ length: 120 }, (_, n) => requests.deposit('a', 1, { key: `k${n}` }));
    await store.executeTogether(a, many);
    expect(operations).toEqual(['Query', 'TransactWriteItems', 'TransactWriteItems']);
    expect(await sizes()).toEqual([99, 21]);
  });
  it('are no more without keys than with one each', async () => {
    await storeWith([]).store.executeTogether(a, Array(120).fill(deposit));
    expect(await sizes()).toEqual([99, 21]);
  });
});

it.each([
  ['throttled', 'ProvisionedThroughputExceededException'],
  ['unavailable', 'TimeoutError'],
])('commands whose account cannot be read in time are %s', async (reason, name) => {
  const metered = createMeteredStore(database, { budget: 1, clock: () => now, random: () => 1 });
  metered.inject(async () => Promise.reject(named(name)));
  expect(await metered.store.executeTogether(a, [deposit, keyed])).toEqual([
    undecided(reason),
    undecided(reason),
  ]);
});

describe('commands that meet in one environment', () => {
  /** A write that waits until it is let go. */
  const held = (fate: Fate = (send) => send()) => {
    const gate = Promise.withResolvers<void>();
    const sent = Promise.withResolvers<void>();
    const fateOfHeld: Fate = async (send) => {
      sent.resolve();
      await gate.promise;
      return fate(send);
    };
    return { fate: fateOfHeld, sent: sent.promise, letGo: gate.resolve };
  };
  const manyDeposits = (count: number) =>
    Array.from({ length: count }, (_, n) => requests.deposit('a', 1, { key: `many-${n}` }));

  it('are decided in the order in which they came, together while one is being written', async () => {
    const first = held();
    const { store, operations } = storeWith([first.fate]);
    const alone = store.execute(deposit);
    await first.sent;
    const rest = [keyed, deposit, requests.withdraw('a', 7), second].map((request) =>
      store.execute(request),
    );
    first.letGo();
    expect(await alone).toMatchObject({ outcome: 'accepted', version: 3 });
    expect(
      (await Promise.all(rest)).map((result) => 'version' in result && result.version),
    ).toEqual([4, 5, 6, 7]);
    expect(operations).toEqual(['Query', 'PutItem', 'TransactWriteItems']);
  });

  it('are as many as a transaction holds: 1,000 at once, with a key each, are eleven commits and one read', async () => {
    const { store, operations } = storeWith([], { budget: 60_000 });
    const results = await Promise.all(manyDeposits(1_000).map((request) => store.execute(request)));
    expect(new Set(results.map(({ outcome }) => outcome))).toEqual(new Set(['accepted']));
    expect(operations).toEqual(['Query', ...Array(11).fill('TransactWriteItems')]);
    expect(await balance()).toBe(2_000);
  });

  it('of other accounts go in lanes of their own', async () => {
    await rival.store.execute(requests.open('b'));
    const first = held();
    const { store } = storeWith([first.fate]);
    const alone = store.execute(deposit);
    await first.sent;
    expect(await store.execute(requests.deposit('b', 1))).toMatchObject({ outcome: 'accepted' });
    first.letGo();
    await alone;
  });

  it('are rejected together with what is appended, and alone only on what was read after they came', async () => {
    const first = held();
    const { store, operations } = storeWith([first.fate]);
    const alone = store.execute(deposit);
    await first.sent;
    const tooMuch = requests.withdraw('a', 1_500);
    const rejected = store.execute(tooMuch);
    first.letGo();
    await alone;
    expect(await rejected).toMatchObject({ outcome: 'rejected' });
    expect(operations).toEqual(['Query', 'PutItem', 'Query']);

    const [more, none] = await Promise.all([store.execute(deposit), store.execute(tooMuch)]);
    expect([more.outcome, none.outcome]).toEqual(['accepted', 'rejected']);
    expect(operations.slice(3)).toEqual(['Query', 'PutItem']);
  });

  it('do not keep a rejection waiting for a moment in which no other comes', async () => {
    const { store } = storeWith([]);
    const metered = createMeteredStore(database);
    const tooMuch = requests.withdraw('a', 1_500);
    const others: Promise<unknown>[] = [];
    // Whenever the stream is read another one comes, which is rejected too.
    metered.inject(async (operation, send) => {
      if (operation === 'Query' && others.length < 20) others.push(metered.store.execute(tooMuch));
      return send();
    });
    expect(await metered.store.execute(tooMuch)).toMatchObject({ outcome: 'rejected' });
    expect(others.length).toBeLessThan(20);
    await Promise.all(others);
    expect(await store.execute(tooMuch)).toMatchObject({ outcome: 'rejected' });
  });

  it('of which one has If-Match: it holds at its own place in the line', async () => {
    const first = held();
    const { store } = storeWith([first.fate]);
    const alone = store.execute(deposit);
    await first.sent;
    const matching = [3, 3].map((version) => ({
      ...deposit,
      expectedVersions: [Version.parse(version)],
    }));
    const results = Promise.all(matching.map((request) => store.execute(request)));
    first.letGo();
    await alone;
    expect(await results).toMatchObject([
      { outcome: 'accepted', version: 4 },
      { outcome: 'version_mismatch', currentVersion: 4 },
    ]);
  });

  it('and are one and the same, at once: it is decided once, and the other hears of that', async () => {
    const { store, operations } = storeWith([]);
    const results = await Promise.all([keyed, keyed, keyed].map((same) => store.execute(same)));
    expect(results.map((result) => 'replayed' in result && result.replayed)).toEqual([
      false,
      true,
      true,
    ]);
    expect(await balance()).toBe(1_005);
    expect(operations).toEqual(['Query', 'TransactWriteItems', 'GetItem', 'GetItem']);
  });

  it('each have their own deadline: one whose time is up hears that it is not known, the other goes on with the same write', async () => {
    const first = held();
    const slow: Fate = (send) => {
      now += 600;
      return lost(send);
    };
    const { store, operations } = storeWith([first.fate, slow]);
    const alone = store.execute(deposit);
    await first.sent;
    const one = store.execute(keyed);
    now += 500;
    const other = store.execute(second);
    first.letGo();
    await alone;
    expect(await one).toEqual(undecided('unknown'));
    expect(await other).toMatchObject({ outcome: 'accepted', version: 5, replayed: false });
    expect(await store.execute(keyed)).toMatchObject({ outcome: 'accepted', replayed: true });
    expect(await balance()).toBe(1_017);
    expect(operations.slice(0, 4)).toEqual([
      'Query',
      'PutItem',
      'TransactWriteItems',
      'TransactWriteItems',
    ]);
  });

  it('each have their own deadline: what was not written for one is not sent again with the other', async () => {
    const first = held();
    const busy: Fate = () => {
      now += 600;
      throw named('ThrottlingException');
    };
    const { store } = storeWith([first.fate, busy]);
    const alone = store.execute(deposit);
    await first.sent;
    const one = store.execute(keyed);
    now += 500;
    const other = store.execute(second);
    first.letGo();
    await alone;
    expect(await one).toEqual(undecided('throttled'));
    expect(await other).toMatchObject({ outcome: 'accepted', version: 4 });
    expect(await balance()).toBe(1_012);
  });

  it('each hear what is known of themselves: one that nothing was written for is not told that it is unknown', async () => {
    const first = held();
    const { store } = storeWith([first.fate]);
    const written = store.execute(keyed);
    await first.sent;
    const waiting = store.execute(deposit);
    now += 1_000;
    first.letGo();
    await written;
    expect(await waiting).toEqual(undecided('unavailable'));

    const lostOne = held((send) => late(lost)(send));
    const other = storeWith([lostOne.fate]);
    const unknown = other.store.execute(second);
    await lostOne.sent;
    const certain = other.store.execute(deposit);
    lostOne.letGo();
    expect(await unknown).toEqual(undecided('unknown'));
    expect(await certain).toEqual(undecided('unavailable'));
    expect(await balance()).toBe(1_005);
  });

  it('are not carried out again where what they were written with before turns out to have landed', async () => {
    const refusedForGood = fails(named('AccessDeniedException'));
    const { store } = storeWith([landed, refusedForGood]);
    const results = await store.executeTogether(a, [deposit, keyed, deposit]);
    expect(results).toMatchObject([
      undecided('unknown'),
      { outcome: 'accepted', version: 4, replayed: false },
      undecided('unknown'),
    ]);
    expect(await balance()).toBe(1_015);
  });

  it('each have their own failure: what cannot be written with one is written without it', async () => {
    const { store } = storeWith([]);
    const metered = createMeteredStore(database);
    metered.inject(async (_, send, input) => {
      if (JSON.stringify(input).includes('bad-one')) throw named('ValidationException');
      return send();
    });
    const bad = requests.deposit('a', 1, { key: 'bad-one' });
    const results = await Promise.allSettled(
      [...manyDeposits(3), bad, deposit].map((request) => metered.store.execute(request)),
    );
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
    expect(await store.load(a)).toMatchObject({ account: { balance: 1_008 } });
  });

  it('do not wait for the record of one whose version does not match', async () => {
    const metered = createMeteredStore(database);
    const gate = Promise.withResolvers<void>();
    metered.inject(async (operation, send) => {
      if (operation === 'GetItem') await gate.promise;
      return send();
    });
    const stale = metered.store.execute({ ...keyed, expectedVersions: [Version.parse(1)] });
    expect(await metered.store.execute(deposit)).toMatchObject({ outcome: 'accepted' });
    gate.resolve();
    expect(await stale).toMatchObject({ outcome: 'version_mismatch' });
  });

  it('race on together where there are enough of them, and queue where they are few', async () => {
    const won = overtakenBy(requests.withdraw('a', 1));
    const { store, operations } = storeWith([won, won, won], { queueing: true });
    const results = await Promise.all(manyDeposits(4).map((request) => store.execute(request)));
    expect(new Set(results.map(({ outcome }) => outcome))).toEqual(new Set(['accepted']));
    expect(operations.filter((operation) => operation === 'TransactWriteItems')).toHaveLength(4);
  });
});

it('a command that was given up may be sent again: its record is replaced', async () => {
  const { client } = rival;
  const pending = await leavePending(client, database.tables.commands, keyed);
  const [key] = pending.keys;
  await client.send(
    new PutCommand({
      TableName: database.tables.commands,
      Item: { ...pending, key, outcome: 'given_up', writeId: 'g', pendingId: pending.writeId },
    }),
  );
  const { store } = storeWith([]);
  expect(await store.execute(keyed)).toMatchObject({ outcome: 'accepted', replayed: false });
  expect(await store.execute(keyed)).toMatchObject({ outcome: 'accepted', replayed: true });
});

describe('a lane', () => {
  it('goes on from its own commit for those that came while it decided', async () => {
    const { store, operations } = storeWith([]);
    await Promise.all([store.execute(deposit), store.execute(deposit)]);
    expect(operations.filter((operation) => operation === 'Query')).toHaveLength(1);
  });

  it('is forgotten once its commands are decided: the next one reads what others did meanwhile', async () => {
    const { store, operations } = storeWith([]);
    for (let version = 3; version <= 9; version += 2) {
      expect(await store.execute(deposit)).toMatchObject({ ...accepted, version });
      await rival.store.execute(deposit);
    }
    expect(operations).toEqual(Array(4).fill(['Query', 'PutItem']).flat());
  });

  it('is kept nowhere once its commands are decided, however many accounts there were', async () => {
    const set = vi.spyOn(Map.prototype, 'set');
    onTestFinished(() => set.mockRestore());
    const { store } = storeWith([]);
    const held = () =>
      set.mock.calls.flatMap(([, value], call) =>
        value instanceof Lane ? [set.mock.contexts[call]] : [],
      );
    const sizes = () => new Set(held().map((lanes) => (lanes instanceof Map ? lanes.size : -1)));
    const underWay = Promise.all(
      Array.from({ length: 100 }, (_, n) => store.execute(requests.open(`new-${n}`))),
    );
    expect(sizes()).toEqual(new Set([100]));
    await underWay;
    expect(sizes()).toEqual(new Set([0]));
  });

  it('is forgotten where its only command failed, too', async () => {
    const { store, operations } = storeWith([fails(new Error('no such table'))]);
    await expect(store.execute(deposit)).rejects.toThrow('no such table');
    await rival.store.execute(deposit);
    operations.length = 0;
    expect(await store.execute(deposit)).toMatchObject({ ...accepted, version: 4 });
    expect(operations).toEqual(['Query', 'PutItem']);
  });
});
