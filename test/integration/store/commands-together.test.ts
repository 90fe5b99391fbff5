import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AccountId } from '../../../events/values.ts';
import type { CommandRequest } from '../../../functions/store/deciding/command-result.ts';
import type { Tail } from '../../../functions/store/stream/tail.ts';
import { keyOn, requests } from '../../../testing/ledger-requests.ts';
import { verifyStream } from '../../../testing/verify-stream.ts';
import { leavePending } from '../../setup/leave-pending.ts';
import { createMeteredStore, type MeteredStore } from '../../setup/metered-store.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/tables.ts';
import { createTestTime } from '../../setup/test-time.ts';

let database: TestDatabase;
let metered: MeteredStore;
let accountId: AccountId;
let accounts = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  metered = createMeteredStore(database);
});

beforeEach(async () => {
  accountId = AccountId.parse(`together-${++accounts}`);
  await metered.store.execute(requests.open(accountId));
  await metered.store.execute(requests.deposit(accountId, 1_000));
  metered.requests();
});

/** A transfer's id, which no other account of the file has. */
const transfer = (n: number) => `${accountId}-t${n}`;

const credits = (count: number, from = 0) =>
  Array.from({ length: count }, (_, n) =>
    requests.credit(accountId, 'payer', 10, transfer(from + n)),
  );

const together = (asked: readonly CommandRequest[], store = metered.store) =>
  store.executeTogether(accountId, asked);

const operations = () => metered.requests().map(({ operation }) => operation);

const account = async () => (await verifyStream(metered.store, accountId)).account;

describe('commands that come together', () => {
  it('are decided in order in one commit, each with a record of its own', async () => {
    const results = await together([
      requests.withdraw(accountId, 700, { key: 'first' }),
      requests.withdraw(accountId, 700, { key: 'second' }),
      requests.withdraw(accountId, 300, { key: 'third' }),
    ]);
    expect(results).toMatchObject([
      { outcome: 'accepted', version: 3, replayed: false, answer: { balanceAfter: 300 } },
      { outcome: 'rejected', rejection: { code: 'insufficient_funds', available: 300 } },
      { outcome: 'accepted', version: 4, replayed: false, answer: { balanceAfter: 0 } },
    ]);
    expect(operations()).toEqual(['Query', 'TransactWriteItems']);
    const { commits } = await verifyStream(metered.store, accountId);
    expect(commits.at(-1)?.events.map(({ origin }) => origin.commandId)).toEqual([
      `${accountId}.first`,
      `${accountId}.third`,
    ]);
    for (const [key, outcome] of Object.entries({ first: 'accepted', second: 'rejected' })) {
      expect(await metered.store.execute(requests.withdraw(accountId, 700, { key }))).toMatchObject(
        {
          outcome,
          replayed: true,
        },
      );
    }
  });

  it('without keys take one put, and none where there is nothing to do', async () => {
    for (const id of ['s1', 's2'])
      await metered.store.execute(requests.reserve(accountId, 'elsewhere', 100, id));
    const settle = () => together(['s1', 's2'].map((id) => requests.settle(accountId, id)));
    metered.requests();
    expect(await settle()).toMatchObject([{ outcome: 'accepted' }, { outcome: 'accepted' }]);
    expect(operations()).toEqual(['Query', 'PutItem']);
    expect(await settle()).toMatchObject([{ outcome: 'accepted' }, { outcome: 'accepted' }]);
    expect(operations()).toEqual(['Query']);
    expect(await account()).toMatchObject({ balance: 800, reserved: 0 });
  });

  it('alone write what a command that came by itself writes, to the byte', async () => {
    const twin = AccountId.parse(`twin-of-${accountId}`);
    await metered.store.execute(requests.open(twin));
    await metered.store.execute(requests.deposit(twin, 1_000));
    metered.requests();
    await together(credits(1));
    const alone = metered.requests();
    await metered.store.execute(requests.credit(twin, 'payer', 10, transfer(99)));
    expect(metered.requests()).toEqual(alone);
    const [one, other] = await Promise.all(
      [accountId, twin].map(async (id) => (await verifyStream(metered.store, id)).commits.at(-1)),
    );
    expect(one?.events.map(({ origin, data }) => [origin, data])).toEqual(
      other?.events.map(({ origin, data }) => [
        { ...origin, commandId: origin.commandId.replace('t99', 't0') },
        { ...data, transferId: transfer(0) },
      ]),
    );
  });

  it('are split where they are more than a transaction holds', async () => {
    const results = await together(credits(150));
    expect(results.map(({ outcome }) => outcome)).toEqual(Array(150).fill('accepted'));
    expect(operations()).toEqual(['Query', 'TransactWriteItems', 'TransactWriteItems']);
    expect((await account()).balance).toBe(2_500);
  });

  it('are decided once where one of them came twice', async () => {
    const results = await together([...credits(3), ...credits(1)]);
    expect(results.map((result) => 'replayed' in result && result.replayed)).toEqual([
      false,
      false,
      false,
      true,
    ]);
    expect((await account()).balance).toBe(1_030);
  });

  it('of which some were decided before are answered as recorded, and the others are decided', async () => {
    await together(credits(3));
    const results = await together(credits(6));
    expect(results.map((result) => 'replayed' in result && result.replayed)).toEqual([
      ...Array(3).fill(true),
      ...Array(3).fill(false),
    ]);
    expect((await account()).balance).toBe(1_060);
  });

  it('of which one has the key of another command keep it from being decided, and no other', async () => {
    await together([requests.credit(accountId, 'somebody-else', 10, transfer(1))]);
    const results = await together(credits(3));
    expect(results.map(({ outcome }) => outcome)).toEqual(['accepted', 'key_reused', 'accepted']);
  });

  it('of which one waits already is decided as that one', async () => {
    const [first, second] = credits(2);
    if (!first || !second) throw new Error('two credits were made');
    await leavePending(metered.client, database.tables.commands, first);
    expect(await together([first, second])).toMatchObject([
      { outcome: 'accepted', replayed: true },
      { outcome: 'accepted', replayed: false },
    ]);
    expect((await account()).balance).toBe(1_020);
  });

  it('with an expected version, or under two keys, are decided with the others', async () => {
    const both = requests.deposit(accountId, 5, { key: 'one' });
    const results = await together([
      requests.deposit(accountId, 1, { expectedVersion: 2 }),
      requests.deposit(accountId, 1, { expectedVersion: 2, key: 'stale' }),
      { ...both, keys: [...(both.keys ?? []), keyOn(accountId, 'two')] },
    ]);
    expect(results).toMatchObject([
      { outcome: 'accepted', version: 3 },
      { outcome: 'version_mismatch', currentVersion: 3 },
      { outcome: 'accepted', version: 4 },
    ]);
    expect(operations()).toEqual(['Query', 'TransactWriteItems', 'GetItem']);
    expect(await metered.store.recordOf(keyOn(accountId, 'two'))).toMatchObject({
      outcome: 'accepted',
      version: 4,
    });
    expect(await metered.store.recordOf(keyOn(accountId, 'stale'))).toBeUndefined();
  });

  it('are refused where one is of another account, and nothing is written', async () => {
    const [credit] = credits(1);
    const asked = requests.credit('another', 'payer', 10, transfer(1));
    await expect(together(credit ? [credit, asked] : [])).rejects.toThrow(
      'cannot be decided together',
    );
    expect(operations()).toEqual([]);
  });
});

describe('commands whose account was known a moment ago', () => {
  const settle = (tail: Tail) =>
    metered.store.executeTogether(
      accountId,
      [requests.settle(accountId, `${accountId}-known`)],
      tail,
    );
  let tail: Tail;

  beforeEach(async () => {
    await metered.store.execute(
      requests.reserve(accountId, 'elsewhere', 100, `${accountId}-known`),
    );
    tail = await metered.store.load(accountId);
    metered.requests();
  });

  it('take no read where nothing has happened since', async () => {
    expect(await settle(tail)).toMatchObject([{ outcome: 'accepted', version: 5 }]);
    expect(operations()).toEqual(['PutItem']);
    expect(await account()).toMatchObject({ balance: 900, reserved: 0 });
  });

  it('are decided on what has happened since, however much it is', async () => {
    for (const amount of [1, 2, 3])
      await metered.store.execute(requests.withdraw(accountId, amount));
    metered.requests();
    expect(await settle(tail)).toMatchObject([{ outcome: 'accepted', version: 8 }]);
    expect(operations()).toEqual(['Query', 'PutItem']);
    expect(await account()).toMatchObject({ balance: 894, reserved: 0 });
  });

  it('are not decided twice on it', async () => {
    await settle(tail);
    metered.requests();
    expect(await settle(tail)).toMatchObject([{ outcome: 'accepted' }]);
    expect(await account()).toMatchObject({ balance: 900, reserved: 0 });
  });

  it('are not rejected, nor found done, by what it says', async () => {
    const empty = { ...tail, account: undefined };
    expect(await settle(empty)).toMatchObject([{ outcome: 'accepted', version: 5 }]);
    expect(operations()).toEqual(['Query', 'PutItem']);
  });

  it('must be of that account', async () => {
    await expect(
      metered.store.executeTogether(AccountId.parse('another'), [], tail),
    ).rejects.toThrow('not one of another');
  });
});

describe('commands that came together to many writers at once', () => {
  it('are decided once each, whoever of them wins', async () => {
    const stores = Array.from({ length: 6 }, () => createMeteredStore(database).store);
    const all = await Promise.all(stores.map((store, n) => together(credits(20, 10 * n), store)));
    expect(all.flat().map(({ outcome }) => outcome)).toEqual(Array(120).fill('accepted'));
    expect((await account()).balance).toBe(1_000 + 70 * 10);
  });

  it('without keys, too', async () => {
    const ids = Array.from({ length: 20 }, (_, n) => transfer(n));
    for (const id of ids)
      await metered.store.execute(requests.reserve(accountId, 'elsewhere', 10, id));
    const stores = Array.from({ length: 5 }, () => createMeteredStore(database).store);
    await Promise.all(
      stores.map((store) =>
        together(
          ids.map((id) => requests.settle(accountId, id)),
          store,
        ),
      ),
    );
    expect(await account()).toMatchObject({ balance: 800, reserved: 0 });
  });
});

describe('when the answer to their write is lost', () => {
  const loseFirst = (operation: string) => {
    let lost = false;
    metered.inject(async (sent, send) => {
      const answer = await send();
      if (sent !== operation || lost) return answer;
      lost = true;
      throw Object.assign(new Error('timeout'), { name: 'TimeoutError' });
    });
  };

  it.each([1, 10])('%i commands with keys are decided once', async (count) => {
    loseFirst('TransactWriteItems');
    expect(await together(credits(count))).toMatchObject(
      Array(count).fill({ outcome: 'accepted', replayed: false }),
    );
    expect((await account()).balance).toBe(1_000 + count * 10);
  });

  it.each([1, 3])('%i commands without keys are decided once', async (count) => {
    const deposits = Array.from({ length: count }, () => requests.deposit(accountId, 10));
    loseFirst('PutItem');
    expect(await together(deposits)).toMatchObject(Array(count).fill({ outcome: 'accepted' }));
    expect((await account()).balance).toBe(1_000 + count * 10);
  });
});

it('what is not decided in time is undecided, and what was decided before it is told', async () => {
  const impatient = createMeteredStore(database, { ...createTestTime(), budget: 500 });
  let transactions = 0;
  impatient.inject(async (operation, send) => {
    if (operation === 'TransactWriteItems' && ++transactions > 1)
      throw Object.assign(new Error('slow down'), { name: 'ThrottlingException' });
    return send();
  });
  const results = await together(credits(150), impatient.store);
  expect(results.map(({ outcome }) => outcome)).toEqual([
    ...Array(99).fill('accepted'),
    ...Array(51).fill('undecided'),
  ]);
  expect((await account()).balance).toBe(1_990);
});

it('what was written is told, although the record of a mismatch beside it cannot be read', async () => {
  const hurried = createMeteredStore(database, { ...createTestTime(), budget: 400 });
  hurried.inject(async (operation, send) => {
    if (operation === 'GetItem')
      throw Object.assign(new Error('slow'), { name: 'ThrottlingException' });
    return send();
  });
  const stale = requests.withdraw(accountId, 1, { key: 'stale', expectedVersion: 1 });
  const results = await together([stale, requests.deposit(accountId, 10)], hurried.store);
  expect(results).toMatchObject([
    { outcome: 'undecided', reason: 'throttled' },
    { outcome: 'accepted', version: 3 },
  ]);
  expect((await account()).balance).toBe(1_010);
});
