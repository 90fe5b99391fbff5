import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { AccountId, Version } from '../../../events/values.ts';
import type { CommandRequest } from '../../../functions/store/deciding/command-result.ts';
import type { RecordKey } from '../../../functions/store/writing/record-key.ts';
import { keyOn, requests } from '../../../testing/ledger-requests.ts';
import { verifyStream } from '../../../testing/verify-stream.ts';
import { leavePending } from '../../setup/leave-pending.ts';
import { createMeteredStore, type Fault, type MeteredStore } from '../../setup/metered-store.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/tables.ts';
import { createTestTime } from '../../setup/test-time.ts';

// The rules of docs/architecture.md, *What may be concluded*: each was a fault once.

let database: TestDatabase;
let bank: MeteredStore;
const a = AccountId.parse('a');

beforeEach(async () => {
  database = await createTestDatabase();
  bank = createMeteredStore(database, { queueing: true });
  await bank.store.execute(requests.open('a'));
  await bank.store.execute(requests.deposit('a', 1_000));
  await bank.store.execute(requests.open('b'));
});

const named = (name: string, fields: object = {}) =>
  Object.assign(new Error(name), { name, ...fields });
const timeout = () => named('TimeoutError');
const balance = async (accountId = a) => (await bank.store.load(accountId)).account?.balance;

/**
 * The first cancelled transaction gives no reason for its records: DynamoDB Local always gives them
 * all, AWS does not.
 */
const mixed = (reason: object, before: () => Promise<unknown>): Fault => {
  let once = false;
  return async (operation, send) => {
    if (operation !== 'TransactWriteItems' || once) return send();
    once = true;
    await before();
    try {
      return await send();
    } catch (error) {
      const reasons =
        error instanceof Error && 'CancellationReasons' in error
          ? error.CancellationReasons
          : undefined;
      if (!Array.isArray(reasons)) throw error;
      expect(reasons[0].Code).toBe('ConditionalCheckFailed');
      throw Object.assign(error as Error, {
        CancellationReasons: [reasons[0], ...reasons.slice(1).map(() => reason)],
      });
    }
  };
};

describe.each([
  ['a conflict', { Code: 'TransactionConflict', Message: 'Transaction is ongoing for the item' }],
  ['throttling', { Code: 'ThrottlingError' }],
  ['nothing', { Code: 'None' }],
  ['no word at all', {}],
])(
  'a transaction that lost the place of its commit, and says %s of its records,',
  (_name, reason) => {
    it('is not held for landed where the winner is the same command, written by another environment', async () => {
      const [here, other] = [createMeteredStore(database), createMeteredStore(database)];
      here.inject(mixed(reason, () => other.store.execute(requests.credit('b', 'a', 10, 't1'))));
      const credits = [requests.credit('b', 'a', 10, 't1'), requests.credit('b', 'a', 10, 't2')];
      expect(await here.store.executeTogether(AccountId.parse('b'), credits)).toMatchObject([
        { outcome: 'accepted', replayed: true },
        { outcome: 'accepted', replayed: false },
      ]);
      expect((await verifyStream(bank.store, AccountId.parse('b'))).account.balance).toBe(20);
    });

    it.each([1, 3])(
      'is not held for landed where the key is another command’s: %i in the batch',
      async (size) => {
        const [here, other] = [createMeteredStore(database), createMeteredStore(database)];
        here.inject(
          mixed(reason, () => other.store.execute(requests.credit('b', 'stranger', 20, 't0'))),
        );
        const credits = Array.from({ length: size }, (_, n) =>
          requests.credit('b', 'a', 10, `t${n}`),
        );
        const [first, ...rest] = await here.store.executeTogether(AccountId.parse('b'), credits);
        expect(first).toEqual({ outcome: 'key_reused' });
        expect(rest.map(({ outcome }) => outcome)).toEqual(Array(size - 1).fill('accepted'));
        expect((await verifyStream(bank.store, AccountId.parse('b'))).account.balance).toBe(
          20 + 10 * (size - 1),
        );
      },
    );

    it('is decided again after the winner, alone and under two keys', async () => {
      const here = createMeteredStore(database);
      here.inject(mixed(reason, () => bank.store.execute(requests.withdraw('a', 980))));
      const { keys = [], ...rest } = requests.withdraw('a', 30, { key: 'one' });
      const result = await here.store.execute({ ...rest, keys: [...keys, keyOn('a', 'two')] });
      expect(result).toMatchObject({
        outcome: 'rejected',
        rejection: { available: 20 },
        replayed: false,
      });
      expect(await bank.store.recordOf(keyOn('a', 'two'))).toMatchObject({ outcome: 'rejected' });
    });
  },
);

describe('a commit that this command’s own twin has written, and whose record does not show yet (half of a transaction)', () => {
  it('is followed, and the record is asked again by the next transaction', async () => {
    const [here, other] = [createMeteredStore(database), createMeteredStore(database)];
    let hidden = false;
    const half = mixed({ Code: 'TransactionConflict' }, () =>
      other.store.execute(requests.withdraw('a', 30, { key: 'k' })),
    );
    here.inject(async (operation, send, input) => {
      if (operation !== 'GetItem' || hidden) return half(operation, send, input);
      hidden = true;
      const answer = await send();
      return Object.assign(answer as object, { Item: undefined });
    });
    expect(await here.store.execute(requests.withdraw('a', 30, { key: 'k' }))).toMatchObject({
      outcome: 'accepted',
      replayed: true,
    });
    expect(await balance()).toBe(970);
  });
});

describe('a write whose result is not known', () => {
  const impatient = () => createMeteredStore(database, { ...createTestTime(), budget: 300 });
  const failing = (error: () => Error, land: boolean): Fault => {
    let first = true;
    return async (operation, send) => {
      if (operation !== 'PutItem' && operation !== 'TransactWriteItems') return send();
      if (first && land) await send();
      first = false;
      throw error();
    };
  };

  it.each([
    ['the same transaction is still under way', () => named('TransactionInProgressException')],
    ['a timeout', timeout],
    [
      'a 200 that is no JSON',
      () => Object.assign(new SyntaxError('x'), { $metadata: { httpStatusCode: 200 } }),
    ],
  ])('stays unknown: %s', async (_name, error) => {
    const here = impatient();
    here.inject(failing(error, true));
    expect(await here.store.execute(requests.withdraw('a', 30, { key: 'k' }))).toEqual({
      outcome: 'undecided',
      reason: 'unknown',
    });
    expect(await bank.store.execute(requests.withdraw('a', 30, { key: 'k' }))).toMatchObject({
      replayed: true,
    });
    expect(await balance()).toBe(970);
  });

  it('stays unknown where a later try is throttled, and where a read then fails', async () => {
    const here = impatient();
    let tries = 0;
    here.inject(async (operation, send) => {
      if (operation !== 'PutItem') return send();
      tries += 1;
      if (tries > 1) throw named('ThrottlingException');
      await send();
      throw timeout();
    });
    expect(await here.store.execute(requests.withdraw('a', 30))).toEqual({
      outcome: 'undecided',
      reason: 'unknown',
    });
    expect(await balance()).toBe(970);
  });

  it('is known not to have landed where somebody else has its place', async () => {
    const here = createMeteredStore(database, { ...createTestTime(), budget: 600 });
    let tries = 0;
    here.inject(async (operation, send) => {
      if (operation !== 'PutItem') return send();
      tries += 1;
      if (tries === 1) throw timeout();
      if (tries === 2) await bank.store.execute(requests.withdraw('a', 1));
      if (tries > 2) throw named('ThrottlingException');
      return send();
    });
    expect(await here.store.execute(requests.withdraw('a', 30))).toEqual({
      outcome: 'undecided',
      reason: 'throttled',
    });
    expect(await balance()).toBe(999);
  });

  it('is this call’s own, and no replay, where its record shows that', async () => {
    const here = createMeteredStore(database);
    let lost = false;
    here.inject(async (operation, send) => {
      if (operation !== 'TransactWriteItems') return send();
      if (!lost) {
        lost = true;
        await send();
        throw timeout();
      }
      return send();
    });
    expect(await here.store.execute(requests.withdraw('a', 30, { key: 'k' }))).toMatchObject({
      replayed: false,
    });
    expect(await here.store.execute(requests.withdraw('a', 30, { key: 'k' }))).toMatchObject({
      replayed: true,
    });
  });
});

describe('what was written is not answered as undone', () => {
  it('where the records of another command of the batch cannot be asked', async () => {
    const here = createMeteredStore(database, { budget: 300 });
    here.inject(async (operation, send) => {
      if (operation === 'GetItem') throw timeout();
      return send();
    });
    const results = await here.store.executeTogether(a, [
      requests.deposit('a', 1, { key: 'one', expectedVersion: 1 }),
      requests.deposit('a', 10, { key: 'two' }),
    ]);
    expect(results).toMatchObject([
      { outcome: 'undecided', reason: 'unavailable' },
      { outcome: 'accepted', version: 3, replayed: false },
    ]);
    expect(await balance()).toBe(1_010);
  });

  it('where it was queued without hearing so, is decided by now, and nothing more can be written', async () => {
    await bank.store.executeTogether(a, [requests.deposit('a', 1), requests.deposit('a', 1)]);
    // A clock that goes slowly, so that the account is still hot on a machine that is busy.
    const begun = Date.now();
    const here = createMeteredStore(database, {
      budget: 300,
      queueing: true,
      clock: () => begun + (Date.now() - begun) / 5,
    });
    let tries = 0;
    here.inject(async (operation, send) => {
      if (operation !== 'PutItem' && operation !== 'TransactWriteItems') return send();
      tries += 1;
      if (tries === 1) {
        await send();
        await bank.store.decidePending(a, await database.queued('a'));
        throw timeout();
      }
      if (tries > 2) throw named('ThrottlingException');
      return send();
    });
    const { keys = [], ...rest } = requests.withdraw('a', 2, { key: 'one' });
    const result = await here.store.execute({ ...rest, keys: [...keys, keyOn('a', 'two')] });
    expect(result).toMatchObject({ outcome: 'accepted', replayed: false });
    expect(await balance()).toBe(1_000);
  });
});

describe('an answer of 200 that says nothing', () => {
  /**
   * Takes everything out of the first answer to an operation, as the SDK makes of an empty body.
   */
  const empty = (wanted: string): Fault => {
    let once = false;
    return async (operation, send) => {
      const answer = (await send()) as Record<string, unknown>;
      if (operation === wanted && !once) {
        once = true;
        for (const name of Object.keys(answer)) if (name !== '$metadata') delete answer[name];
      }
      return answer;
    };
  };

  it('is not taken for an account that is not there', async () => {
    const here = createMeteredStore(database);
    here.inject(empty('Query'));
    expect(await here.store.execute(requests.credit('b', 'a', 5, 'x'))).toMatchObject({
      outcome: 'accepted',
    });
  });

  it('is not taken for a key that is free', async () => {
    await bank.store.execute(requests.withdraw('a', 30, { key: 'k' }));
    const here = createMeteredStore(database);
    here.inject(empty('GetItem'));
    expect(await here.store.recordOf(keyOn('a', 'k'))).toMatchObject({ outcome: 'accepted' });
  });

  it.each(['PutItem', 'TransactWriteItems'])(
    'is not taken for a write that landed (%s)',
    async (operation) => {
      const here = createMeteredStore(database);
      let lost = false;
      here.inject(async (sent, send) => {
        if (sent !== operation || lost) return send();
        lost = true;
        // Nothing reaches DynamoDB; a proxy on the way says 200.
        throw named('UnreadableAnswer');
      });
      const key = operation === 'PutItem' ? {} : { key: 'k' };
      expect(await here.store.execute(requests.withdraw('a', 30, key))).toMatchObject({
        outcome: 'accepted',
      });
      expect(await balance()).toBe(970);
    },
  );
});

/** Heats an account: its last commit held several commands, so those that come now queue. */
const heat = async () => {
  const pending = [];
  for (const key of ['h1', 'h2', 'h3']) {
    pending.push(
      await leavePending(bank.client, database.tables.commands, requests.withdraw('a', 1, { key })),
    );
  }
  await bank.store.decidePending(a, pending);
};

/** Whoever takes what is queued, until the end of the test. */
const taking = (accountId = a) => {
  let stopped = false;
  const taker = createMeteredStore(database);
  const seen = new Set<string>();
  const done = (async () => {
    while (!stopped) {
      const queued = await database.queued(accountId);
      const fresh = queued.filter(({ writeId }) => !seen.has(writeId));
      for (const { writeId } of fresh) seen.add(writeId);
      if (fresh.length > 0) await taker.store.decidePending(accountId, fresh);
    }
  })();
  return async () => {
    stopped = true;
    await done;
  };
};

describe('on a hot account', () => {
  it('a stale If-Match is a mismatch: it never queues', async () => {
    await heat();
    const stale = requests.withdraw('a', 5, { key: 'late', expectedVersion: 2 });
    expect(await bank.store.execute(stale)).toEqual({
      outcome: 'version_mismatch',
      currentVersion: 5,
    });
    expect(await database.queued(a)).toEqual([]);
  });

  it('a command under two keys queues, and claims both', async () => {
    await heat();
    const stop = taking();
    const { keys = [], ...rest } = requests.reserve('a', 'b', 5, 'k1');
    const both = { ...rest, keys: [...keys, keyOn('a', 'k2')] };
    expect(await bank.store.execute(both)).toMatchObject({ outcome: 'accepted', replayed: false });
    expect(await database.queued(a)).toHaveLength(1);
    expect(await bank.store.execute(requests.deposit('a', 1, { key: 'k2' }))).toEqual({
      outcome: 'key_reused',
    });
    for (const [key] of [keys, [keyOn('a', 'k2')]]) {
      expect(await bank.store.execute({ ...rest, keys: key ? [key] : [] })).toMatchObject({
        replayed: true,
      });
    }
    await stop();
  });

  it('a command under two keys, of which another holds the second, is not decided under the first', async () => {
    await bank.store.execute(requests.deposit('a', 1, { key: 'k2' }));
    await heat();
    const { keys = [], ...rest } = requests.reserve('a', 'b', 5, 'k1');
    const both = { ...rest, keys: [...keys, keyOn('a', 'k2')] };
    expect(await bank.store.execute(both)).toEqual({ outcome: 'key_reused' });
    expect(await bank.store.recordOf('command:k1')).toBeUndefined();
  });

  it('a transfer’s id that another source has claimed is refused, whether that one was accepted or rejected', async () => {
    await bank.store.execute(requests.reserve('a', 'b', 5, 't-accepted'));
    await bank.store.execute(requests.reserve('b', 'a', 5, 't-rejected'));
    await heat();
    expect(await bank.store.execute(requests.reserve('b', 'a', 5, 't-accepted'))).toEqual({
      outcome: 'key_reused',
    });
    expect(await bank.store.execute(requests.reserve('a', 'b', 5, 't-rejected'))).toEqual({
      outcome: 'key_reused',
    });
  });
});

describe('two sources that choose one transfer id', () => {
  it('at once: one is accepted, the other hears that the id is used, twenty times', async () => {
    await bank.store.execute(requests.deposit('b', 1_000));
    for (let n = 0; n < 20; n += 1) {
      const results = await Promise.all([
        createMeteredStore(database).store.execute(requests.reserve('a', 'c', 1, `same-${n}`)),
        createMeteredStore(database).store.execute(requests.reserve('b', 'c', 1, `same-${n}`)),
      ]);
      expect(results.map(({ outcome }) => outcome).sort()).toEqual(['accepted', 'key_reused']);
    }
  });
});

describe('a further key that a repeat is sent with', () => {
  const twice = (first: CommandRequest): CommandRequest => ({
    ...first,
    keys: [...(first.keys ?? []), keyOn('a', 'more')],
  });

  it.each([true, false])(
    'belongs to a pending command from then on, hot account or not (%s)',
    async (hot) => {
      if (hot) await heat();
      const first = requests.reserve('a', 'b', 100, 't1');
      await leavePending(bank.client, database.tables.commands, first);
      expect(await bank.store.execute(twice(first))).toMatchObject({
        outcome: 'accepted',
        replayed: true,
      });
      expect(await bank.store.execute(requests.withdraw('a', 1, { key: 'more' }))).toEqual({
        outcome: 'key_reused',
      });
      expect(await bank.store.execute({ ...first, keys: [keyOn('a', 'more')] })).toMatchObject({
        replayed: true,
      });
      expect((await bank.store.load(a)).account?.reserved).toBe(100);
    },
  );

  it('belongs to it also where nobody decides it in time', async () => {
    const first = requests.reserve('a', 'b', 100, 't1');
    await leavePending(bank.client, database.tables.commands, first);
    const here = createMeteredStore(database, { ...createTestTime(), budget: 150, queueing: true });
    expect(await here.store.execute(twice(first))).toEqual({ outcome: 'in_progress' });
    expect(await bank.store.execute(requests.withdraw('a', 1, { key: 'more' }))).toEqual({
      outcome: 'key_reused',
    });
  });

  it('that another command took between is refused', async () => {
    const first = requests.reserve('a', 'b', 100, 't1');
    await bank.store.execute(first);
    const here = createMeteredStore(database);
    let once = false;
    here.inject(async (operation, send) => {
      if (operation === 'PutItem' && !once) {
        once = true;
        await bank.store.execute(requests.withdraw('a', 1, { key: 'more' }));
      }
      return send();
    });
    expect(await here.store.execute(twice(first))).toEqual({ outcome: 'key_reused' });
  });
});

describe('an answer for a precondition', () => {
  const keys: readonly RecordKey[] = [keyOn('a', 'k')];

  it.each([1, 'never'] as const)(
    'asks the record first: a repeat with %s hears what was recorded',
    async (expectedVersion) => {
      const first = await bank.store.execute(
        requests.deposit('a', 5, { key: 'k', expectedVersion: 2 }),
      );
      const { expectedVersions: _, ...rest } = requests.deposit('a', 5);
      const stale = expectedVersion === 'never' ? [] : [Version.parse(1)];
      expect(await bank.store.execute({ ...rest, keys, expectedVersions: stale })).toEqual({
        ...first,
        replayed: true,
      });
      expect(
        await bank.store.execute({ ...requests.deposit('a', 6), keys, expectedVersions: stale }),
      ).toEqual({
        outcome: 'key_reused',
      });
    },
  );

  it('that never holds is a mismatch where nothing is recorded, also for an account that is not there', async () => {
    const never = { expectedVersions: [] };
    expect(await bank.store.execute({ ...requests.deposit('a', 5), keys, ...never })).toEqual({
      outcome: 'version_mismatch',
      currentVersion: 2,
    });
    expect(await bank.store.execute({ ...requests.open('new'), ...never })).toEqual({
      outcome: 'version_mismatch',
      currentVersion: 0,
    });
  });
});

describe('what other code has stored', () => {
  const rewrite = async (key: RecordKey, change: (item: Record<string, unknown>) => void) => {
    const { Item = {} } = await bank.client.send(
      new GetCommand({ TableName: database.tables.commands, Key: { key }, ConsistentRead: true }),
    );
    change(Item);
    await bank.client.send(new PutCommand({ TableName: database.tables.commands, Item }));
  };

  it('a record with one more attribute is replayed', async () => {
    const request = requests.withdraw('a', 10, { key: 'k' });
    const first = await bank.store.execute(request);
    await rewrite(keyOn('a', 'k'), (item) => Object.assign(item, { decidedBy: 'the new code' }));
    expect(await bank.store.execute(request)).toEqual({ ...first, replayed: true });
  });

  it('an answer in another form is replayed as it was told', async () => {
    const request = requests.withdraw('a', 10, { key: 'k' });
    await bank.store.execute(request);
    await rewrite(keyOn('a', 'k'), (item) =>
      Object.assign(item, { answer: '{"told":"otherwise","amount":10}' }),
    );
    expect(await bank.store.execute(request)).toMatchObject({
      replayed: true,
      answer: { told: 'otherwise', amount: 10 },
    });
  });

  it.each([{ schema: 99 }, { outcome: 'parked' }])(
    'a record that says %o is never acted upon',
    async (other) => {
      await bank.store.execute(requests.withdraw('a', 10, { key: 'k' }));
      await rewrite(keyOn('a', 'k'), (item) => Object.assign(item, other));
      for (const amount of [10, 11]) {
        expect(await bank.store.execute(requests.withdraw('a', amount, { key: 'k' }))).toEqual({
          outcome: 'undecided',
          reason: 'record_unreadable',
        });
      }
      expect(await balance()).toBe(990);
    },
  );

  it('a snapshot that cannot be read is left out and folded around', async () => {
    const Key = { streamId: 'a', version: 2 };
    const { Item } = await bank.client.send(
      new GetCommand({ TableName: database.tables.events, Key, ConsistentRead: true }),
    );
    await bank.client.send(
      new PutCommand({
        TableName: database.tables.events,
        Item: { ...Item, state: { status: 'open' } },
      }),
    );
    expect(await bank.store.execute(requests.withdraw('a', 10))).toMatchObject({
      outcome: 'accepted',
    });
    expect(await balance()).toBe(990);
  });

  it('while two schemas of snapshots alternate, no load reads a whole stream', async () => {
    for (let n = 0; n < 20; n += 1) {
      await bank.store.execute(requests.deposit('a', 1));
      const { version, snapshots } = await bank.store.load(a);
      // The other code appends: its commit has its snapshot, and says where the others are.
      await bank.store.execute(requests.deposit('a', 1));
      const Key = { streamId: 'a', version: version + 1 };
      const { Item } = await bank.client.send(
        new GetCommand({ TableName: database.tables.events, Key, ConsistentRead: true }),
      );
      const foreign = {
        ...Item,
        state: { cents: 1 },
        stateSchema: 7,
        snapshots: { ...snapshots, 7: version + 1 },
      };
      await bank.client.send(new PutCommand({ TableName: database.tables.events, Item: foreign }));
      bank.requests();
      await bank.store.load(a);
      const units = bank.requests().reduce((sum, { readUnits }) => sum + readUnits, 0);
      expect(units).toBeLessThanOrEqual(2);
    }
    expect(await balance()).toBe(1_040);
  });
});

describe('the time', () => {
  it('of a result is that of its commit', async () => {
    let now = Date.parse('2030-01-01T00:00:00.000Z');
    const here = createMeteredStore(database, { clock: () => (now += 1_000) });
    const result = await here.store.execute(requests.withdraw('a', 5, { key: 'x' }));
    const { commits } = await verifyStream(bank.store, a);
    expect(result).toMatchObject({ outcome: 'accepted', at: commits.at(-1)?.at });
  });

  it('of a commit that is ahead of now does not make an account hot', async () => {
    const ahead = createMeteredStore(database, { clock: () => Date.now() + 3_600_000 });
    const together = [requests.withdraw('a', 1), requests.withdraw('a', 1)];
    await ahead.store.executeTogether(a, together);
    bank.requests();
    expect(await bank.store.execute(requests.withdraw('a', 1))).toMatchObject({
      outcome: 'accepted',
    });
    expect(bank.requests().map(({ operation }) => operation)).toEqual(['Query', 'PutItem']);
  });
});
