import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AccountEvent } from '../../../events/event.ts';
import {
  AccountId,
  Amount,
  Currency,
  Timestamp,
  TransferId,
  Version,
} from '../../../events/values.ts';
import { type Account, evolve } from '../../../functions/ledger/account.ts';
import { jsonBytes } from '../../../functions/store/stream/commit.ts';
import { recordKey } from '../../../functions/store/writing/record-key.ts';
import { keyOn, requests } from '../../../testing/ledger-requests.ts';
import { depositsOfOne, plantHistory } from '../../../testing/plant-history.ts';
import { plantedCommit } from '../../../testing/planted-commit.ts';
import { verifyStream } from '../../../testing/verify-stream.ts';
import { leavePending } from '../../setup/leave-pending.ts';
import { createMeteredStore, type MeteredStore } from '../../setup/metered-store.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/tables.ts';
import { createTestTime } from '../../setup/test-time.ts';

let database: TestDatabase;
let metered: MeteredStore;

beforeAll(async () => {
  database = await createTestDatabase();
  metered = createMeteredStore(database);
});

/** Reservations of 1 for an account with a name as long as it may be: the state grows fast. */
function* reservations(count: number): Generator<AccountEvent> {
  for (let n = 0; n < count; n += 1) {
    yield {
      type: 'MoneyReserved',
      v: 1,
      data: {
        transferId: TransferId.parse(`transfer-${n}`),
        to: AccountId.parse('elsewhere'.padEnd(64, '-')),
        amount: Amount.parse(1),
        currency: Currency.parse('EUR'),
        reference: 'r'.repeat(140),
      },
    };
  }
}

const plant = (accountId: string, deposits: number, open: number) => {
  function* events() {
    yield* depositsOfOne(deposits);
    yield* reservations(open);
  }
  return plantHistory(metered.client, database.tables.events, accountId, events());
};

/** Plants an account with money, and with as many reservations as its commits hold. */
const plantFull = async (accountId: AccountId): Promise<void> => {
  function* money(): Generator<AccountEvent> {
    yield* depositsOfOne(0);
    yield { type: 'MoneyDeposited', v: 1, data: { amount: Amount.parse(10_000) } };
  }
  let tail = await plantHistory(metered.client, database.tables.events, accountId, money());
  let batch = 100;
  for (const events = [...reservations(3_500)]; ; ) {
    const next = plantedCommit(
      tail,
      `planted-${tail.version}`,
      [{ commandId: 'planted', events: events.slice(0, batch) }],
      Date.now(),
    );
    if (next === 'too_large' && batch === 1) return;
    if (next === 'too_large') {
      // The nearer to full, the more often a commit carries all that is open.
      batch = Math.ceil(batch / 4);
    } else {
      await metered.client.send(
        new PutCommand({ TableName: database.tables.events, Item: next.item }),
      );
      tail = next.tail;
      events.splice(0, batch);
    }
  }
};

describe('an account with many open reservations', () => {
  it('has a snapshot only where the events since the last one are as large as it is, and loads right at every size', async () => {
    const tail = await plant('many', 60, 38);
    const { commits, account } = await verifyStream(metered.store, AccountId.parse('many'));
    const withSnapshot = commits.filter((commit) => commit.snapshot).map(({ version }) => version);
    // The rule again, from sizes alone: small, or the events since the last one are as large as the
    // account itself.
    let since = 0;
    const expected: number[] = [];
    let folded: Account | undefined;
    for (const commit of commits) {
      folded = commit.events.reduce<Account | undefined>(evolve, folded);
      since += commit.eventBytes;
      const size = jsonBytes(folded);
      if (size > 1_024 && since < size) continue;
      expected.push(commit.version);
      since = 0;
    }
    expect(withSnapshot).toEqual(expected);
    expect(expected.length).toBeLessThan(80);
    expect(withSnapshot).not.toContain(tail.version);
    const loaded = await metered.store.load(AccountId.parse('many'));
    expect(loaded).toEqual(tail);
    expect(loaded.account).toEqual(account);
    expect(Object.keys(loaded.account?.reservations ?? {})).toHaveLength(38);
  });

  it('reads back to its last snapshot with one more query', async () => {
    await plant('read-back', 60, 38);
    metered.requests();
    await metered.store.load(AccountId.parse('read-back'));
    expect(metered.requests().map(({ operation }) => operation)).toEqual(['Query', 'Query']);
  });

  it('can still settle every one of them, and then has a small snapshot in every commit again', async () => {
    await plant('settled', 60, 38);
    for (let n = 0; n < 38; n += 1)
      await metered.store.execute(requests.settle('settled', `transfer-${n}`));
    const tail = await metered.store.load(AccountId.parse('settled'));
    expect(tail).toMatchObject({
      bytesSinceSnapshot: 0,
      account: { reserved: 0, balance: 22, reservations: [] },
    });
    await verifyStream(metered.store, AccountId.parse('settled'));
  });
});

describe('a full account, which has so much open that no commit holds another reservation,', () => {
  let accountId: AccountId;
  let fulls = 0;
  beforeEach(async () => {
    fulls += 1;
    accountId = AccountId.parse(`full-${fulls}`);
    await plantFull(accountId);
  });

  /** A reservation as large as those that are there. */
  const reserve = (id: string) => {
    const { command, ...rest } = requests.reserve(
      accountId,
      'elsewhere'.padEnd(64, '-'),
      1,
      nameOf(id),
    );
    return { ...rest, command: { ...command, reference: 'r'.repeat(140) } };
  };
  /** A transfer's id is one over all accounts. */
  const nameOf = (id: string) => `${accountId}-${id}`;
  const settle = (...ids: string[]) =>
    Promise.all(ids.map((id) => metered.store.execute(requests.settle(accountId, id))));
  let fillers = 0;
  /** Fills whatever room there is, with reservations as small as any. */
  const fill = async () => {
    for (;;) {
      fillers += 1;
      const { outcome } = await metered.store.execute(reserve(`f${fillers}`));
      if (outcome === 'undecided') return;
    }
  };

  it('refuses it and writes nothing; it is paid into, and what is open can end', async () => {
    const { version } = await metered.store.load(accountId);
    expect(version).toBeGreaterThan(1_000);
    expect(await metered.store.execute(reserve('one-too-many'))).toEqual({
      outcome: 'undecided',
      reason: 'commit_too_large',
    });
    expect((await metered.store.load(accountId)).version).toBe(version);

    const { command: credit, ...by } = requests.credit(accountId, 'elsewhere', 1, nameOf('in'));
    const paidIn = { ...by, command: { ...credit, reference: 'r'.repeat(140) } };
    expect(await metered.store.execute(paidIn)).toMatchObject({ outcome: 'accepted' });
    expect(await settle('transfer-0', 'transfer-1')).toMatchObject([
      { outcome: 'accepted' },
      { outcome: 'accepted' },
    ]);
  });

  it('gives a pending reservation up, and decides the others', async () => {
    await settle('transfer-0', 'transfer-1');
    const deposit = requests.deposit(accountId, 1, { key: 'deposit' });
    const pending = [];
    for (const request of [reserve('w1'), reserve('w2'), deposit, reserve('w3')]) {
      pending.push(await leavePending(metered.client, database.tables.commands, request));
    }
    // Two have just ended, so there is room for some, and not for all.
    await metered.store.decidePending(accountId, pending);
    expect(await metered.store.recordOf(keyOn(accountId, 'deposit'))).toMatchObject({
      outcome: 'accepted',
    });
    expect(await metered.store.recordOf(recordKey(nameOf('w3')))).toMatchObject({
      outcome: 'given_up',
    });
    expect(await metered.store.execute(reserve('w3'))).toEqual({
      outcome: 'undecided',
      reason: 'commit_too_large',
    });
  });

  it('has a batch that shrank to one command grow again: sixty more take a few commits', async () => {
    // A client's commit says whose it is, which takes more than half of what one reservation gives
    // back: two make room for one.
    await settle('transfer-0', 'transfer-1');
    metered.requests();
    const deposits = Array.from({ length: 60 }, (_, n) => {
      const { command, ...by } = requests.deposit(accountId, 1, { key: `d${n}` });
      return { ...by, command: { ...command, reference: 'r'.repeat(140) } };
    });
    // The reservation takes the room there is, so it fits alone, and not with one of the others;
    // those would fit in one commit without it.
    const results = await metered.store.executeTogether(accountId, [reserve('w1'), ...deposits]);
    expect(results.map(({ outcome }) => outcome)).toEqual(Array(61).fill('accepted'));
    const { commits } = await verifyStream(metered.store, accountId);
    expect(commits.at(-1)?.batch).toBeGreaterThan(1);
    const written = commits.filter(({ events }) =>
      events.some(({ origin }) => origin.commandId.startsWith(accountId)),
    );
    expect(written.length).toBeGreaterThan(1);
    expect(written.length).toBeLessThan(10);
  });

  it('answers a repeat what was recorded, although there is no room to do it again', async () => {
    await settle('transfer-0', 'transfer-1');
    expect(await metered.store.execute(reserve('w1'))).toMatchObject({
      outcome: 'accepted',
      replayed: false,
    });
    await fill();
    expect(await metered.store.execute(reserve('w1'))).toMatchObject({
      outcome: 'accepted',
      replayed: true,
    });
    const { command: _, ...by } = reserve('w1');
    expect(await metered.store.execute({ ...by, command: reserve('w2').command })).toEqual({
      outcome: 'key_reused',
    });
  });

  it('never carries out what it gave up, however late a first try arrives; a repeat does it once there is room', async () => {
    await fill();
    for (const n of [1, 2]) {
      // The last commit holds two commands: the account is hot.
      await metered.store.executeTogether(accountId, [
        requests.deposit(accountId, n),
        requests.deposit(accountId, n),
      ]);
    }
    const justNow = Date.parse((await metered.store.load(accountId)).at ?? '');
    const sender = createMeteredStore(database, { queueing: true, ...createTestTime(justNow) });
    let arrive: (() => Promise<unknown>) | undefined;
    sender.inject(async (operation, send) => {
      if (operation === 'TransactWriteItems' && !arrive) {
        arrive = send;
        throw Object.assign(new Error('timeout'), { name: 'TimeoutError' });
      }
      if (operation === 'GetItem')
        await metered.store.decidePending(accountId, await database.queued(accountId));
      return send();
    });
    expect(await sender.store.execute(reserve('given-up'))).toEqual({
      outcome: 'undecided',
      reason: 'commit_too_large',
    });
    await expect(arrive?.()).rejects.toThrow('ConditionalCheckFailed');
    await settle('transfer-2', 'transfer-3', 'transfer-4');
    await metered.store.decidePending(accountId, await database.queued(accountId));
    const reserved = async () =>
      (await metered.store.load(accountId)).account?.reservations.filter(
        ({ transferId }) => transferId === nameOf('given-up'),
      );
    expect(await reserved()).toEqual([]);
    expect(await metered.store.recordOf(recordKey(nameOf('given-up')))).toMatchObject({
      outcome: 'given_up',
    });

    const other = { ...reserve('given-up'), command: reserve('another').command };
    expect(await metered.store.execute(other)).toEqual({ outcome: 'key_reused' });
    expect(await metered.store.execute(reserve('given-up'))).toMatchObject({
      outcome: 'accepted',
      replayed: false,
    });
    expect(await reserved()).toHaveLength(1);
  });
});

it('a snapshot of another schema is ignored and the events are folded; the next commit has one of this schema', async () => {
  await plant('old', 30, 0);
  const Key = { streamId: 'old', version: 31 };
  const { Item } = await metered.client.send(
    new GetCommand({ TableName: database.tables.events, Key, ConsistentRead: true }),
  );
  const foreign = { ...Item, state: { cents: 'other' }, stateSchema: 0, snapshots: { 0: 31 } };
  await metered.client.send(new PutCommand({ TableName: database.tables.events, Item: foreign }));
  expect((await metered.store.load(AccountId.parse('old'))).account?.balance).toBe(30);
  await metered.store.execute(requests.deposit('old', 1));
  metered.requests();
  expect((await metered.store.load(AccountId.parse('old'))).account?.balance).toBe(31);
  expect(metered.requests()).toHaveLength(1);
});

it('a history of several pages is read whole, and in parts that begin inside a commit', async () => {
  const history = depositsOfOne(3_000, 'r'.repeat(140));
  await plantHistory(metered.client, database.tables.events, 'long', history);
  metered.requests();
  const { commits } = await verifyStream(metered.store, AccountId.parse('long'));
  expect(commits).toHaveLength(3_001);
  expect(metered.requests().length).toBeGreaterThan(1);
  const part: number[] = [];
  for await (const commit of metered.store.history(AccountId.parse('long'), {
    from: 2_998,
    to: 3_000,
  }))
    part.push(commit.version);
  expect(part).toEqual([2_998, 2_999, 3_000]);
});

describe('an account as it was', () => {
  const accountId = AccountId.parse('past');
  beforeAll(async () => {
    let now = Date.parse('2026-01-01T00:00:00.000Z');
    const clock = () => {
      now += 1_000;
      return now;
    };
    const { store } = createMeteredStore(database, { clock });
    await store.execute(requests.open('past'));
    await store.execute(requests.deposit('past', 100));
    await store.execute(requests.reserve('past', 'elsewhere', 30, 'p1'));
    await store.execute(requests.settle('past', 'p1'));
    await store.execute(requests.deposit('past', 1));
  });

  it.each([
    [1, { balance: 0, reserved: 0 }],
    [2, { balance: 100, reserved: 0 }],
    [3, { balance: 100, reserved: 30 }],
    [4, { balance: 100, reserved: 0 }],
    [5, { balance: 70, reserved: 0 }],
    [6, { balance: 71, reserved: 0 }],
  ])('at version %i', async (version, expected) => {
    const tail = await metered.store.asOf(accountId, { version: Version.parse(version) });
    expect(tail).toMatchObject({ version, account: expected });
  });

  it('at every time a commit was made, just before and just after', async () => {
    for await (const commit of metered.store.history(accountId)) {
      const last = commit.version + commit.count - 1;
      const at = (offset: number) =>
        Timestamp.parse(new Date(Date.parse(commit.at) + offset).toISOString());
      expect(await metered.store.asOf(accountId, { at: at(0) })).toMatchObject({ version: last });
      expect(await metered.store.asOf(accountId, { at: at(1) })).toMatchObject({ version: last });
      expect(await metered.store.asOf(accountId, { at: at(-1) })).toMatchObject({
        version: commit.version - 1,
      });
    }
  });
});

it('the time of a commit never goes back, whatever the clock does', async () => {
  let now = Date.parse('2026-01-01T00:00:10.000Z');
  const { store } = createMeteredStore(database, { clock: () => now });
  await store.execute(requests.open('clock'));
  now -= 5_000;
  const result = await store.execute(requests.deposit('clock', 1));
  expect(result).toMatchObject({ outcome: 'accepted', at: '2026-01-01T00:00:10.000Z' });
});
