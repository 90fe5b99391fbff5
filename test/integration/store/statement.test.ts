import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { beforeAll, describe, expect, it } from 'vitest';
import { AccountId, type Version } from '../../../events/values.ts';
import { type Account, evolve } from '../../../functions/ledger/account.ts';
import { type Entry, entryOf } from '../../../functions/ledger/statement.ts';
import { createMeteredStore, type MeteredStore } from '../../setup/metered-store.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/tables.ts';
import { createMemoryLedger, type MemoryLedger } from '../../unit/projections/memory-ledger.ts';

let database: TestDatabase;
let metered: MeteredStore;

beforeAll(async () => {
  database = await createTestDatabase();
  metered = createMeteredStore(database);
});

/** Puts another item in a commit's place. */
const rewrite = async (
  streamId: AccountId,
  version: number | undefined,
  change: (item: Record<string, unknown>) => object,
): Promise<void> => {
  const TableName = database.tables.events;
  const get = new GetCommand({ TableName, Key: { streamId, version }, ConsistentRead: true });
  const { Item = {} } = await metered.client.send(get);
  await metered.client.send(new PutCommand({ TableName, Item: { ...change(Item) } }));
};

const plant = async (ledger: MemoryLedger, from = 0): Promise<void> => {
  for (const { item: Item } of ledger.committed.slice(from))
    await metered.client.send(new PutCommand({ TableName: database.tables.events, Item }));
};

/** The statement as the ledger's own fold has it, newest first. */
const expectedOf = (ledger: MemoryLedger, accountId: AccountId): Entry[] => {
  const entries: Entry[] = [];
  let account: Account | undefined;
  for (const { commit } of ledger.committed) {
    if (commit.streamId !== accountId) continue;
    for (const event of commit.events) {
      account = evolve(account, event);
      const entry = entryOf(accountId, event, account.balance);
      if (entry) entries.push(entry);
    }
  }
  return entries.reverse();
};

const open = (accountId: string) => ({
  ...{ type: 'open', accountId, owner: 'alice', currency: 'EUR', overdraftLimit: 500 },
});

/**
 * An account with everything that a statement may have to walk over: commits of one event and of
 * many, which move money and do not.
 */
const busyAccount = async (id: string): Promise<[MemoryLedger, AccountId]> => {
  const ledger = createMemoryLedger();
  const on = (type: string, more: object) => ({ type, accountId: id, ...more });
  const reserve = (transferId: string) => on('reserve', { transferId, to: 'elsewhere', amount: 7 });
  const credit = { from: 'elsewhere', transferId: 'c1', amount: 30, currency: 'EUR' };
  ledger.commit(open(id), on('deposit', { amount: 100 }));
  ledger.commit(on('withdraw', { amount: 150, reference: 'rent' }));
  ledger.commit(
    ...[reserve('t1'), on('deposit', { amount: 5 }), on('deposit', { amount: 6 })],
    ...[reserve('t2'), on('withdraw', { amount: 1 })],
  );
  ledger.commit(on('credit', credit));
  ledger.commit(on('settle', { transferId: 't1' }), on('settle', { transferId: 't2' }));
  for (const n of [3, 4, 5]) ledger.commit(reserve(`t${n}`));
  ledger.commit(on('release', { transferId: 't3', reason: 'account_not_found' }));
  for (const amount of [1, 2, 3]) ledger.commit(on('deposit', { amount }));
  await plant(ledger);
  return [ledger, AccountId.parse(id)];
};

const inPages = async (accountId: AccountId, limit: number): Promise<Entry[]> => {
  const found: Entry[] = [];
  let before: Version | undefined;
  do {
    const page = await metered.store.entries(accountId, { limit, before });
    expect(page.entries.length).toBeLessThanOrEqual(limit);
    found.push(...page.entries);
    before = page.next;
  } while (before !== undefined);
  return found;
};

describe('the statement, read from the stream', () => {
  it('is newest first, with the balance after each entry, at the version of the stream', async () => {
    const [ledger, id] = await busyAccount('whole');
    const page = await metered.store.entries(id, { limit: 100 });
    expect(page).toEqual({
      entries: expectedOf(ledger, id),
      asOfVersion: ledger.tailOf(id).version,
    });
    expect(page.entries).toHaveLength(11);
    expect(page.entries[0]?.balanceAfter).toBe(ledger.tailOf(id).account?.balance);
  });

  it.each([1, 2, 3, 4, 10, 11, 100])('is the same in pages of %i', async (limit) => {
    const [ledger, id] = await busyAccount(`pages-of-${limit}`);
    expect(await inPages(id, limit)).toEqual(expectedOf(ledger, id));
  });

  it('is neither lost nor doubled while it grows, and each page says how far it is', async () => {
    const [ledger, id] = await busyAccount('growing');
    const expected = expectedOf(ledger, id);
    const found: Entry[] = [];
    let before: Version | undefined;
    do {
      const page = await metered.store.entries(id, { limit: 2, before });
      expect(page.asOfVersion).toBe(ledger.tailOf(id).version);
      found.push(...page.entries);
      before = page.next;
      const { length } = ledger.committed;
      ledger.commit({ type: 'deposit', accountId: id, amount: 9 });
      await plant(ledger, length);
    } while (before !== undefined);
    expect(found).toEqual(expected);
  });

  it('takes one request a page, and two with a cursor', async () => {
    const [, id] = await busyAccount('cheap');
    metered.requests();
    const { next: before } = await metered.store.entries(id, { limit: 2 });
    expect(metered.requests()).toHaveLength(1);
    await metered.store.entries(id, { limit: 2, before });
    expect(metered.requests()).toHaveLength(2);
  });

  it('is folded where no commit carries a snapshot that this code can read', async () => {
    const [ledger, id] = await busyAccount('without-snapshots');
    for (const { commit } of ledger.committed) {
      await rewrite(id, commit.version, ({ state: _, stateSchema: __, ...item }) => ({
        ...item,
        snapshots: {},
      }));
    }
    expect(await inPages(id, 3)).toEqual(expectedOf(ledger, id));
  });

  it('of an account that is not there, or moved no money, is empty', async () => {
    const nobody = AccountId.parse('nobody');
    expect(await metered.store.entries(nobody, { limit: 5 })).toEqual({
      entries: [],
      asOfVersion: 0,
    });
    const ledger = createMemoryLedger();
    ledger.commit(open('empty'));
    await plant(ledger);
    const empty = AccountId.parse('empty');
    expect(await metered.store.entries(empty, { limit: 5 })).toEqual({
      entries: [],
      asOfVersion: 1,
    });
  });

  it('does not take the entries of an account whose id begins alike', async () => {
    const ledger = createMemoryLedger();
    for (const id of ['alike', 'alike-1']) ledger.commit(open(id));
    ledger.commit({ type: 'deposit', accountId: 'alike-1', amount: 5 });
    await plant(ledger);
    const id = AccountId.parse('alike');
    expect(await metered.store.entries(id, { limit: 5 })).toEqual({ entries: [], asOfVersion: 1 });
  });

  it('looks at so many commits a page and no more, though none of them makes a line', async () => {
    const ledger = createMemoryLedger();
    const id = AccountId.parse('reserving');
    ledger.commit(open(id), { type: 'deposit', accountId: id, amount: 1_000 });
    for (let n = 0; n < 230; n += 1)
      ledger.commit({
        ...{ type: 'reserve', accountId: id, to: 'elsewhere' },
        ...{ transferId: `t${n}`, amount: 1 },
      });
    await plant(ledger);
    const first = await metered.store.entries(id, { limit: 100 });
    expect(first).toEqual({ entries: [], next: 33, asOfVersion: 232 });
    expect(await metered.store.entries(id, { limit: 100, before: first.next })).toEqual({
      entries: [expect.objectContaining({ version: 2, balanceAfter: 1_000 })],
      asOfVersion: 232,
    });
  });

  it('shows what is newer than a commit that cannot be read, and fails where that is next', async () => {
    const [ledger, id] = await busyAccount('spoiled');
    const spoiled = ledger.committed[2]?.commit.version;
    const events = [{ type: 'MoneyBurnt', v: 1, data: {} }];
    await rewrite(id, spoiled, (item) => ({ ...item, events }));
    const newer = expectedOf(ledger, id).slice(0, 6);
    const page = await metered.store.entries(id, { limit: 100 });
    expect(page).toMatchObject({ entries: newer, asOfVersion: ledger.tailOf(id).version });
    expect(page.next).toBe(ledger.committed[3]?.commit.version);
    await expect(metered.store.entries(id, { limit: 100, before: page.next })).rejects.toThrow(
      'commit spoiled/4',
    );
  });

  it('is asked for again where an answer says nothing', async () => {
    const [ledger, id] = await busyAccount('asked-again');
    let failures = 0;
    metered.inject(async (_, send) => {
      failures += 1;
      if (failures === 1) throw Object.assign(new Error('slow'), { name: 'TimeoutError' });
      return send();
    });
    const { entries } = await metered.store.entries(id, { limit: 100 });
    expect(entries).toEqual(expectedOf(ledger, id));
  });
});
