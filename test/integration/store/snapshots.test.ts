import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AccountEvent } from '../../../events/event.ts';
import { AccountId, Amount, Currency, Timestamp, TransferId, Version } from '../../../events/values.ts';
import { ACCOUNT_SCHEMA, type Account, evolve } from '../../../functions/ledger/account.ts';
import type { NextCommit } from '../../../functions/store/stream/append.ts';
import { jsonBytes } from '../../../functions/store/stream/commit.ts';
import { emptyTail, type Tail } from '../../../functions/store/stream/tail.ts';
import { keyOn, requests } from '../../../testing/ledger-requests.ts';
import { depositsOfOne, plantHistory } from '../../../testing/plant-history.ts';
import { plantedCommit } from '../../../testing/planted-commit.ts';
import { verifyStream } from '../../../testing/verify-stream.ts';
import { leavePending } from '../../setup/leave-pending.ts';
import { createMeteredStore, type MeteredStore } from '../../setup/metered-store.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/tables.ts';

let database: TestDatabase;
let metered: MeteredStore;

beforeAll(async () => {
  database = await createTestDatabase();
  metered = createMeteredStore(database);
});

/** Reservations of 1 with a reference as long as it may be, so that the state grows fast. */
function* reservations(count: number): Generator<AccountEvent> {
  for (let n = 0; n < count; n += 1) {
    yield {
      type: 'MoneyReserved',
      v: 1,
      data: {
        transferId: TransferId.parse(`transfer-${n}`),
        to: AccountId.parse('elsewhere'),
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

describe('an account with many open reservations', () => {
  let tail: Tail;
  let accounts = 0;

  beforeEach(async () => {
    accounts += 1;
    tail = await plant(`many-${accounts}`, 60, 38);
  });

  it('has a snapshot only where the events since the last one are as large as it is, and loads right at every size', async () => {
    const { commits, account } = await verifyStream(metered.store, tail.streamId);
    const withSnapshot = commits.filter((commit) => commit.snapshot).map(({ version }) => version);
    // The rule again, from sizes alone: small, or the events since the last one are as large as the account itself.
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
    const loaded = await metered.store.load(tail.streamId);
    expect(loaded).toEqual(tail);
    expect(loaded.account).toEqual(account);
    expect(loaded.account?.reservations).toHaveLength(38);
  });

  it('reads back to its last snapshot with one more query', async () => {
    metered.requests();
    await metered.store.load(tail.streamId);
    expect(metered.requests().map(({ operation }) => operation)).toEqual(['Query', 'Query']);
  });

  it('can settle every one of them, and then has a small snapshot in every commit again', async () => {
    for (let n = 0; n < 38; n += 1) await metered.store.execute(requests.settle(tail.streamId, `transfer-${n}`));
    expect(await metered.store.load(tail.streamId)).toMatchObject({
      bytesSinceSnapshot: 0,
      account: { reserved: 0, balance: 22, reservations: [] },
    });
    await verifyStream(metered.store, tail.streamId);
  });
});

describe('an account that is full of reservations', () => {
  const accountId = AccountId.parse('full');
  let own: TestDatabase;
  let bank: MeteredStore;
  let full: Tail;
  let fillers = 0;

  beforeEach(async () => {
    own = await createTestDatabase();
    bank = createMeteredStore(own);
    full = await plantFull();
  });

  /** Plants as many reservations as there is room for. Of its stream only what is read is written: all since its last snapshot. */
  const plantFull = async (): Promise<Tail> => {
    const [opened, deposited] = depositsOfOne(1);
    const left = [...reservations(2_000)];
    if (!opened || deposited?.type !== 'MoneyDeposited') throw new Error('the account is opened and has a deposit');
    let next = [opened, { ...deposited, data: { amount: Amount.parse(2_000) } }];
    let tail = emptyTail(accountId);
    const items: NextCommit['item'][] = [];
    for (let batch = 100; ; ) {
      const commit = plantedCommit(
        tail,
        `planted-${tail.version}`,
        [{ commandId: 'planted', events: next }],
        Date.now(),
      );
      if (commit === 'too_large') {
        if (batch === 1) break;
        batch = 1;
      } else {
        items.push(commit.item);
        if (tail.version > 0) left.splice(0, batch);
        tail = commit.tail;
      }
      next = left.slice(0, batch);
    }
    for (const Item of items.filter(({ version }) => version >= (tail.snapshots[ACCOUNT_SCHEMA] ?? 0))) {
      await bank.client.send(new PutCommand({ TableName: own.tables.events, Item }));
    }
    return tail;
  };

  const reserve = (id: string) => {
    const { command, ...rest } = requests.reserve(accountId, 'elsewhere', 1, id);
    return { ...rest, command: { ...command, reference: 'r'.repeat(140) } };
  };
  const settle = async (...ids: readonly string[]) => {
    for (const id of ids) {
      expect(await bank.store.execute(requests.settle(accountId, id))).toMatchObject({ outcome: 'accepted' });
    }
  };
  /** Fills whatever room there is. */
  const fill = async () => {
    for (;;) {
      fillers += 1;
      const { outcome } = await bank.store.execute(reserve(`f${fillers}`));
      if (outcome === 'undecided') return;
    }
  };

  it('refuses a reservation whose commit would near the size of an item, and writes nothing; what is open can end', async () => {
    expect(full.account?.reservations.length).toBeGreaterThan(1_000);
    expect(await bank.store.execute(reserve('one-too-many'))).toEqual({
      outcome: 'undecided',
      reason: 'commit_too_large',
    });
    expect((await bank.store.load(accountId)).version).toBe(full.version);

    // What does not reserve goes on: it is paid into, and every reservation can end.
    const { command: credit, ...by } = requests.credit(accountId, 'elsewhere', 1, 'in');
    const paidIn = { ...by, command: { ...credit, reference: 'r'.repeat(140) } };
    expect(await bank.store.execute(paidIn)).toMatchObject({ outcome: 'accepted' });
    await settle('transfer-0', 'transfer-1');
  });

  it('gives a pending reservation up where it is full, and decides the others', async () => {
    await settle('transfer-0', 'transfer-1');
    const deposit = requests.deposit(accountId, 1, { key: 'deposit' });
    const pending = [];
    for (const request of [reserve('w1'), reserve('w2'), deposit, reserve('w3')]) {
      pending.push(await leavePending(bank.client, own.tables.commands, request));
    }
    // Two have just ended, so there is room for some, and not for all.
    await bank.store.decidePending(accountId, pending);
    expect(await bank.store.recordOf('command:w1')).toMatchObject({ outcome: 'accepted' });
    expect(await bank.store.recordOf(keyOn(accountId, 'deposit'))).toMatchObject({ outcome: 'accepted' });
    expect(await bank.store.recordOf('command:w3')).toMatchObject({ outcome: 'given_up' });
    expect(await bank.store.execute(reserve('w3'))).toEqual({ outcome: 'undecided', reason: 'commit_too_large' });
  });

  it('answers a repeat what was recorded, although there is no room to do it again', async () => {
    await settle('transfer-0', 'transfer-1');
    expect(await bank.store.execute(reserve('w1'))).toMatchObject({ outcome: 'accepted' });
    await settle('w1');
    await fill();
    expect(await bank.store.execute(reserve('w1'))).toMatchObject({ outcome: 'accepted', replayed: true });
    const { command: _, ...by } = reserve('w1');
    expect(await bank.store.execute({ ...by, command: reserve('w2').command })).toEqual({ outcome: 'key_reused' });
  });

  it('never carries out what it gave up, however late a first try arrives; a repeat does it once there is room', async () => {
    await fill();
    const sender = createMeteredStore(own, { queueing: true });
    for (const n of [1, 2]) {
      // The last commit holds two commands: the account is hot.
      await bank.store.executeTogether(accountId, [requests.deposit(accountId, n), requests.deposit(accountId, n)]);
    }
    let arrive: (() => Promise<unknown>) | undefined;
    sender.inject(async (operation, send) => {
      if (operation === 'TransactWriteItems' && !arrive) {
        arrive = send;
        throw Object.assign(new Error('timeout'), { name: 'TimeoutError' });
      }
      if (operation === 'GetItem') await bank.store.decidePending(accountId, await own.queued(accountId));
      return send();
    });
    expect(await sender.store.execute(reserve('given-up'))).toEqual({
      outcome: 'undecided',
      reason: 'commit_too_large',
    });
    await expect(arrive?.()).rejects.toThrow('ConditionalCheckFailed');
    await settle('transfer-2', 'transfer-3', 'transfer-4');
    await bank.store.decidePending(accountId, await own.queued(accountId));
    const reserved = async () =>
      (await bank.store.load(accountId)).account?.reservations.filter(({ transferId }) => transferId === 'given-up');
    expect(await reserved()).toEqual([]);
    expect(await bank.store.recordOf('command:given-up')).toMatchObject({ outcome: 'given_up' });

    const other = { ...reserve('given-up'), command: reserve('another').command };
    expect(await bank.store.execute(other)).toEqual({ outcome: 'key_reused' });
    expect(await bank.store.execute(reserve('given-up'))).toMatchObject({ outcome: 'accepted', replayed: false });
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
  for await (const commit of metered.store.history(AccountId.parse('long'), { from: 2_998, to: 3_000 }))
    part.push(commit.version);
  expect(part).toEqual([2_998, 2_999, 3_000]);
});

describe('an account as it was', () => {
  let accountId: AccountId;
  let accounts = 0;

  beforeEach(async () => {
    accounts += 1;
    accountId = AccountId.parse(`past-${accounts}`);
    const transferId = `past-${accounts}`;
    let now = Date.parse('2026-01-01T00:00:00.000Z');
    const clock = () => {
      now += 1_000;
      return now;
    };
    const { store } = createMeteredStore(database, { clock });
    await store.execute(requests.open(accountId));
    await store.execute(requests.deposit(accountId, 100));
    await store.execute(requests.reserve(accountId, 'elsewhere', 30, transferId));
    await store.execute(requests.settle(accountId, transferId));
    await store.execute(requests.deposit(accountId, 1));
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
      const at = (offset: number) => Timestamp.parse(new Date(Date.parse(commit.at) + offset).toISOString());
      expect(await metered.store.asOf(accountId, { at: at(0) })).toMatchObject({ version: last });
      expect(await metered.store.asOf(accountId, { at: at(1) })).toMatchObject({ version: last });
      expect(await metered.store.asOf(accountId, { at: at(-1) })).toMatchObject({ version: commit.version - 1 });
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
