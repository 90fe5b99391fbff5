import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { AccountId, Timestamp, Version } from '../../../events/values.ts';
import type {
  CommandRequest,
  CommandResult,
} from '../../../functions/store/deciding/command-result.ts';
import { keyOn, requests } from '../../../testing/ledger-requests.ts';
import { verifyStream } from '../../../testing/verify-stream.ts';
import { leavePending as leave } from '../../setup/leave-pending.ts';
import { createMeteredStore, type MeteredStore } from '../../setup/metered-store.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/tables.ts';
import { createTestTime, type TestTime } from '../../setup/test-time.ts';

let database: TestDatabase;
let metered: MeteredStore;
let accountId: AccountId;
let accounts = 0;

const NOW = Timestamp.parse('2026-11-21T12:00:00.000Z');

beforeAll(async () => {
  database = await createTestDatabase();
  metered = createMeteredStore(database, { queueing: true });
});

beforeEach(async () => {
  accountId = AccountId.parse(`hot-${++accounts}`);
  await metered.store.execute(requests.open(accountId));
  await metered.store.execute(requests.deposit(accountId, 1_000));
});

/** Writers that share nothing but the tables, and queue. */
const writers = (count: number) =>
  Array.from({ length: count }, () => createMeteredStore(database, { queueing: true }).store);

const leavePending = (request: CommandRequest) =>
  leave(metered.client, database.tables.commands, request);

const waiting = (count: number, amount = 10) =>
  Promise.all(
    Array.from({ length: count }, (_, n) =>
      leavePending(requests.withdraw(accountId, amount, { key: `w${n}` })),
    ),
  );

const balance = async () => (await metered.store.load(accountId)).account?.balance;

describe('forty writers on one account, and somebody who takes what waits', () => {
  let stopped = false;
  let taking: Promise<void>;
  beforeAll(() => {
    const taker = createMeteredStore(database).store;
    taking = (async () => {
      while (!stopped) {
        const pending = await database.queued(accountId ?? 'none-yet');
        // The first who queues is left alone until there is a second: they can only be decided in
        // one commit then.
        if (pending.length > 1) await taker.decidePending(accountId, pending);
      }
    })();
  });
  afterAll(async () => {
    stopped = true;
    await taking;
  });

  it('each hear their own outcome, and many are decided in one commit', async () => {
    const results = await Promise.all(
      writers(40).map((store, n) =>
        store.execute(requests.withdraw(accountId, 40, { key: `k${n}` })),
      ),
    );
    expect(results.filter(({ outcome }) => outcome === 'accepted')).toHaveLength(25);
    expect(results.filter(({ outcome }) => outcome === 'rejected')).toHaveLength(15);
    const versions = results.flatMap((result) =>
      result.outcome === 'accepted' ? [result.version] : [],
    );
    expect(new Set(versions).size).toBe(25);
    const { commits, account } = await verifyStream(metered.store, accountId);
    expect(account.balance).toBe(0);
    expect(Math.max(...commits.map(({ batch }) => batch))).toBeGreaterThan(1);
  });

  it('without ids are decided once each, too', async () => {
    const results = await Promise.all(
      writers(20).map((store) => store.execute(requests.deposit(accountId, 1))),
    );
    expect(results.map(({ outcome }) => outcome)).toEqual(Array(20).fill('accepted'));
    expect(await balance()).toBe(1_020);
  });
});

describe('commands that wait', () => {
  it('are decided in order in one commit, each event under the name of its own command', async () => {
    const pending = await waiting(3, 400);
    const named = pending.map((command, n) => ({ ...command, correlationId: `request-${n}` }));
    await metered.store.decidePending(accountId, named);
    const { commits } = await verifyStream(metered.store, accountId);
    expect(
      commits
        .at(-1)
        ?.events.map(({ type, origin }) => [type, origin.commandId, origin.correlationId]),
    ).toEqual([
      ['MoneyWithdrawn', `${accountId}.w0`, 'request-0'],
      ['MoneyWithdrawn', `${accountId}.w1`, 'request-1'],
    ]);
    expect(
      await metered.store.execute(requests.withdraw(accountId, 400, { key: 'w1' })),
    ).toMatchObject({
      outcome: 'accepted',
      replayed: true,
      answer: { balanceAfter: 200, version: 4 },
    });
    expect(
      await metered.store.execute(requests.withdraw(accountId, 400, { key: 'w2' })),
    ).toMatchObject({
      outcome: 'rejected',
      replayed: true,
      rejection: { code: 'insufficient_funds', available: 200 },
    });
  });

  it('are split where they are more than a transaction holds', async () => {
    const pending = await waiting(150, 1);
    metered.requests();
    await metered.store.decidePending(accountId, pending);
    expect(metered.requests().map(({ operation }) => operation)).toEqual([
      'Query',
      'TransactWriteItems',
      'TransactWriteItems',
    ]);
    expect(await balance()).toBe(850);
  });

  it('are decided once by five takers at the same time, and by a second delivery', async () => {
    const pending = await waiting(30);
    await Promise.all(writers(5).map((store) => store.decidePending(accountId, pending)));
    await metered.store.decidePending(accountId, pending);
    expect(await balance()).toBe(700);
    await verifyStream(metered.store, accountId);
  });

  it('are decided on the stream as it stands when they are taken', async () => {
    await metered.store.decidePending(accountId, await waiting(2));
    const rival = createMeteredStore(database).store;
    await rival.execute(requests.withdraw(accountId, 900));
    const pending = [
      await leavePending(requests.withdraw(accountId, 30, { key: 'just-enough' })),
      await leavePending(requests.withdraw(accountId, 51, { key: 'too-much' })),
    ];
    await metered.store.decidePending(accountId, pending);
    const { account } = await verifyStream(metered.store, accountId);
    expect(account.balance).toBe(50);
    expect(
      await metered.store.execute(requests.withdraw(accountId, 51, { key: 'too-much' })),
    ).toMatchObject({
      outcome: 'rejected',
      rejection: { available: 50 },
    });
  });

  it('and were given up do not hold up the others, and are not carried out by a second delivery', async () => {
    const pending = await waiting(3);
    const [, given] = pending;
    await metered.client.send(
      new PutCommand({
        TableName: database.tables.commands,
        Item: {
          ...given,
          key: keyOn(accountId, 'w1'),
          outcome: 'given_up',
          writeId: 'gone',
          pendingId: given?.writeId,
        },
      }),
    );
    await metered.store.decidePending(accountId, pending);
    expect(await balance()).toBe(980);
    expect(
      await metered.store.execute(requests.withdraw(accountId, 10, { key: 'w1' })),
    ).toMatchObject({
      outcome: 'accepted',
      replayed: false,
    });
    await metered.store.decidePending(accountId, pending);
    expect(await balance()).toBe(970);
  });

  it('keep the name of their command when they are decided alone', async () => {
    await metered.store.decidePending(accountId, await waiting(1));
    const { commits } = await verifyStream(metered.store, accountId);
    expect(commits.at(-1)?.events.map(({ origin }) => origin.commandId)).toEqual([
      `${accountId}.w0`,
    ]);
  });

  it('are decided only as long as their record is the very one that they were taken with', async () => {
    const [old] = await waiting(1);
    // Given up in between, and sent again.
    await leavePending(requests.withdraw(accountId, 10, { key: 'w0' }));
    await metered.store.decidePending(accountId, old ? [old] : []);
    expect(await balance()).toBe(1_000);
  });

  it('are decided once when the answer to their transaction is lost', async () => {
    const pending = await waiting(10);
    let lost = false;
    metered.inject(async (operation, send) => {
      const answer = await send();
      if (operation !== 'TransactWriteItems' || lost) return answer;
      lost = true;
      throw Object.assign(new Error('timeout'), { name: 'TimeoutError' });
    });
    await metered.store.decidePending(accountId, pending);
    expect(await balance()).toBe(900);
    expect(
      await metered.store.execute(requests.withdraw(accountId, 10, { key: 'w9' })),
    ).toMatchObject({
      replayed: true,
    });
  });

  it('still wait after a taker that crashed before its transaction, and are decided by the next', async () => {
    const pending = await waiting(10);
    metered.inject(async (operation, send) => {
      if (operation === 'TransactWriteItems') throw new Error('crashed');
      return send();
    });
    expect(await metered.store.decidePending(accountId, pending)).toMatchObject({ decided: 0 });
    metered.inject(undefined);
    expect(await balance()).toBe(1_000);
    await metered.store.decidePending(accountId, pending);
    expect(await balance()).toBe(900);
  });

  it('are decided by their own sender, who repeats the request', async () => {
    await waiting(1);
    expect(
      await metered.store.execute(requests.withdraw(accountId, 10, { key: 'w0' })),
    ).toMatchObject({
      outcome: 'accepted',
      replayed: true,
      answer: { balanceAfter: 990 },
    });
  });

  it('keep their key from any other command', async () => {
    await waiting(1);
    expect(await metered.store.execute(requests.withdraw(accountId, 11, { key: 'w0' }))).toEqual({
      outcome: 'key_reused',
    });
  });

  it('are in progress for a repeat that nobody decides in the time allowed', async () => {
    await waiting(1);
    const impatient = createMeteredStore(database, {
      queueing: true,
      budget: 500,
      ...createTestTime(),
    });
    let transactions = 0;
    impatient.inject(async (operation, send) => {
      // The first one finds the pending record; from then on nothing can be decided.
      if (operation === 'TransactWriteItems' && ++transactions > 1)
        throw Object.assign(new Error('slow'), { name: 'ThrottlingException' });
      return send();
    });
    expect(await impatient.store.execute(requests.withdraw(accountId, 10, { key: 'w0' }))).toEqual({
      outcome: 'in_progress',
    });
  });
});

describe('on an account whose last commit held several,', () => {
  let time: TestTime;
  /** A store to which that commit was made just now. */
  const storeThen = (budget = 8_000) =>
    createMeteredStore(database, { queueing: true, budget, ...time });
  const operations = (of: MeteredStore) => of.requests().map(({ operation }) => operation);
  beforeEach(async () => {
    await metered.store.decidePending(accountId, await waiting(5));
    time = createTestTime(Date.parse((await metered.store.load(accountId)).at ?? ''));
  });

  it('a command queues at once, and is pending where nobody takes it', async () => {
    const impatient = storeThen(300);
    const result = await impatient.store.execute(requests.deposit(accountId, 5, { key: 'late' }));
    expect(result).toEqual({ outcome: 'pending', key: keyOn(accountId, 'late') });
    expect(operations(impatient).slice(0, 2)).toEqual(['Query', 'TransactWriteItems']);
    expect(await database.queued(accountId)).toMatchObject([{ keys: [keyOn(accountId, 'late')] }]);
  });

  it('one without an id, whose outcome cannot be read, is pending: it will be decided', async () => {
    const blind = storeThen(500);
    blind.inject(async (operation, send) => {
      if (operation === 'GetItem')
        throw Object.assign(new Error('slow'), { name: 'ThrottlingException' });
      return send();
    });
    expect(await blind.store.execute(requests.deposit(accountId, 5))).toMatchObject({
      outcome: 'pending',
    });
    expect(await database.queued(accountId)).toHaveLength(1);
  });

  it('one races again once the account has cooled down', async () => {
    const store = storeThen();
    const deposit = async () => {
      store.requests();
      await store.store.execute(requests.deposit(accountId, 5, { key: crypto.randomUUID() }));
      return operations(store);
    };
    expect((await deposit()).length).toBeGreaterThan(2);
    time.pass(20_000);
    expect(await deposit()).toEqual(['Query', 'TransactWriteItems']);
  });

  describe('one whose outcome shows elsewhere too', () => {
    const elsewhere = (look: () => Promise<CommandResult | undefined>) => ({
      expectedAt: time.clock() + 400,
      look: vi.fn(look),
    });

    it('is looked for there, when that is expected, and nowhere else', async () => {
      const shown = {
        outcome: 'accepted' as const,
        version: Version.parse(9),
        at: NOW,
        replayed: false,
      };
      const place = elsewhere(async () => shown);
      const patient = storeThen();
      const request = { ...requests.deposit(accountId, 5, { key: 'shown' }), elsewhere: place };
      expect(await patient.store.execute(request)).toEqual(shown);
      expect(time.clock()).toBeGreaterThanOrEqual(place.expectedAt);
      expect(place.look).toHaveBeenCalledOnce();
      expect(operations(patient)).toEqual(['Query', 'TransactWriteItems']);
    });

    it('is looked for under its key where it does not show', async () => {
      const place = elsewhere(async () => {
        await metered.store.decidePending(accountId, await database.queued(accountId));
        return undefined;
      });
      const patient = storeThen();
      const request = { ...requests.withdraw(accountId, 5_000, { key: 'poor' }), elsewhere: place };
      expect(await patient.store.execute(request)).toMatchObject({
        outcome: 'rejected',
        rejection: { code: 'insufficient_funds' },
      });
      expect(place.look).toHaveBeenCalledOnce();
      expect(operations(patient)).toEqual(['Query', 'TransactWriteItems', 'GetItem']);
    });
  });
});

it('a command queues without reading an account that its environment has met others on a moment ago', async () => {
  await metered.store.decidePending(accountId, await waiting(5));
  const own = createMeteredStore(database, { queueing: true, budget: 150 });
  const operations = async (key: string) => {
    await own.store.execute(requests.deposit(accountId, 5, { key }));
    return own.requests().map(({ operation }) => operation);
  };
  expect((await operations('first')).slice(0, 2)).toEqual(['Query', 'TransactWriteItems']);
  expect((await operations('second')).slice(0, 1)).toEqual(['TransactWriteItems']);
});

it('an account is raced for again a second after several commands met on it', async () => {
  await metered.store.decidePending(accountId, await waiting(5));
  const later = createMeteredStore(database, { queueing: true, clock: () => Date.now() + 1_000 });
  const result = await later.store.execute(requests.deposit(accountId, 5, { key: 'later' }));
  expect(result).toMatchObject({ outcome: 'accepted', replayed: false });
  expect(later.requests().map(({ operation }) => operation)).toEqual([
    'Query',
    'TransactWriteItems',
  ]);
});
