import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AccountId, Timestamp, TransferId, type Version } from '../../../events/values.ts';
import { TransferStatus } from '../../../functions/ledger/transfer.ts';
import { foldCommits } from '../../../functions/projections/fold-commits.ts';
import type { ReservedAt } from '../../../functions/views/views.ts';
import {
  all,
  BUDGET_MS,
  createProjectedLedger,
  credit,
  deposit,
  open,
  type ProjectedLedger,
  release,
  reserve,
  settle,
} from './projected-ledger.ts';

const [a, b] = ['a', 'b'].map((accountId) => AccountId.parse(accountId));
if (!a || !b) throw new Error('two accounts are needed');

/** Account a pays b six times and b pays a four times; some are settled, some are not. */
const transfers = (
  ['settled', 'released', 'credited', 'reserved', 'settled', 'settled'] as const
).map((status, index) => ({ transferId: `out${index}`, from: 'a', to: 'b', status }));
const incoming = (['settled', 'released', 'settled', 'credited'] as const).map((status, index) => ({
  transferId: `in${index}`,
  from: 'b',
  to: 'a',
  status,
}));

const everything = async () => {
  const projected = await createProjectedLedger();
  const { ledger } = projected;
  for (const accountId of ['a', 'b']) ledger.commit(open(accountId), deposit(accountId, 1_000));
  const mixed = transfers.flatMap((transfer, index) =>
    [transfer, incoming[index]].flatMap((found) => found ?? []),
  );
  for (const { transferId, from, to, status } of mixed) {
    ledger.commit(reserve(from, to, transferId));
    if (status === 'credited' || status === 'settled') ledger.commit(credit(to, from, transferId));
    if (status === 'settled') ledger.commit(settle(from, transferId));
    if (status === 'released') ledger.commit(release(from, transferId));
  }
  await projected.plant(ledger.committed);
  await projected.project(ledger.committed);
  return { projected, newestFirst: mixed.map(({ transferId }) => transferId).reverse() };
};

let projected: ProjectedLedger;
let newestFirst: string[];

beforeAll(async () => {
  ({ projected, newestFirst } = await everything());
});

describe('the statement', () => {
  it('is newest first, with running balances that end in the account', async () => {
    const { entries, asOfVersion, next } = await projected.views.entries(a, { limit: 100 });
    expect(entries.map(({ version }) => version)).toEqual(
      entries.map(({ version }) => version).sort((x, y) => y - x),
    );
    expect(entries.at(-1)).toMatchObject({
      entryId: 'a-2',
      kind: 'deposit',
      amount: 1_000,
      balanceAfter: 1_000,
    });
    const tail = await projected.store.load(a);
    expect(entries[0]?.balanceAfter).toBe(tail.account?.balance);
    expect(asOfVersion).toBe(tail.version);
    expect(next).toBeUndefined();
  });

  it.each([1, 2, 3, 100])('is the same in pages of %i', async (limit) => {
    const whole = await projected.views.entries(a, { limit: 100 });
    const paged = [];
    let before: Version | undefined;
    do {
      const page = await projected.views.entries(a, { limit, before });
      expect(page.entries.length).toBeLessThanOrEqual(limit);
      paged.push(...page.entries);
      before = page.next;
    } while (before !== undefined);
    expect(paged).toEqual(whole.entries);
  });

  it('shows nothing beyond the version of the summary, as what lies between may be missing', async () => {
    const fresh = await createProjectedLedger();
    const commits = [open('a'), deposit('a', 1), deposit('a', 2)].flatMap(
      (command) => fresh.ledger.commit(command) ?? [],
    );
    await fresh.project(commits.slice(0, 2));
    const { entries: before } = await fresh.views.entries(a, { limit: 10 });
    // As a run that is cut off: the third commit's entry is written, the summary is not moved on.
    const all = commits.map(({ commit }) => commit);
    expect(
      await fresh.writer.write(
        [{ ...foldCommits(undefined, all), follows: 1 }],
        Date.now() + BUDGET_MS,
      ),
    ).toEqual(new Set());
    expect(await fresh.views.entries(a, { limit: 10 })).toEqual({
      entries: before,
      asOfVersion: 2,
    });
  });

  it('of an account that the views do not know is empty, as of version 0', async () => {
    const nobody = AccountId.parse('nobody');
    expect(await projected.views.entries(nobody, { limit: 10 })).toEqual({
      entries: [],
      asOfVersion: 0,
    });
    expect(await projected.views.summaryVersion(nobody)).toBe(0);
  });

  it('does not take the entries of an account whose id begins alike', async () => {
    const fresh = await createProjectedLedger();
    const commits = [open('a'), open('a1'), deposit('a1', 5)].flatMap(
      (command) => fresh.ledger.commit(command) ?? [],
    );
    await fresh.project(commits);
    expect(await fresh.views.entries(a, { limit: 10 })).toEqual({ entries: [], asOfVersion: 1 });
  });
});

it('the version of the summary is that of the stream once it is drained', async () => {
  expect(await projected.views.summaryVersion(a)).toBe((await projected.store.load(a)).version);
});

describe('the transfers of an account', () => {
  it('are outgoing and incoming ones, newest first', async () => {
    const { transfers: found, next } = await projected.views.transfersOf(a, { limit: 100 });
    expect(found.map(({ transferId }) => transferId)).toEqual(newestFirst);
    expect(next).toBeUndefined();
    expect(found[0]).toEqual({
      transferId: 'out5',
      from: 'a',
      to: 'b',
      amount: 10,
      currency: 'EUR',
      status: 'settled',
      requestedAt: expect.any(String),
      endedAt: expect.any(String),
      steps: ['reserved', 'credited', 'settled'].map((step) => expect.objectContaining({ step })),
    });
  });

  it.each([1, 2, 3, 7, 10])('are the same in pages of %i, for either account', async (limit) => {
    for (const accountId of [a, b]) expect(await pagedIds(accountId, limit)).toEqual(newestFirst);
  });

  it.each(TransferStatus.options)(
    'can be asked for by status, in pages too: %s',
    async (status) => {
      const wanted = [...transfers, ...incoming].filter((transfer) => transfer.status === status);
      const expected = newestFirst.filter((id) =>
        wanted.some(({ transferId }) => transferId === id),
      );
      for (const limit of [1, 2, 100]) expect(await pagedIds(a, limit, status)).toEqual(expected);
    },
  );

  it('of an account without any are none', async () => {
    expect(await projected.views.transfersOf(AccountId.parse('nobody'), { limit: 5 })).toEqual({
      transfers: [],
    });
  });

  it('of a rare status are found behind a long row of others', async () => {
    const fresh = await createProjectedLedger();
    const { ledger } = fresh;
    ledger.commit(open('a'), deposit('a', 10_000));
    for (let n = 0; n < 260; n += 1) ledger.commit(reserve('a', 'b', `t${n}`));
    ledger.commit(release('a', 't3'));
    await fresh.plant(ledger.committed);
    await fresh.project(ledger.committed);
    fresh.requests();
    const first = await fresh.views.transfersOf(a, { limit: 1, status: 'released' });
    // Pages of 100 of the source's side, and one of the destination's: a few hundred rows, whatever
    // there is.
    expect(
      fresh.requests().filter((operation) => operation === 'QueryCommand' || operation === 'Query')
        .length,
    ).toBeLessThan(6);
    expect(first).toEqual({ transfers: [], next: expect.any(String) });
    const found = await fresh.views.transfersOf(a, {
      limit: 1,
      status: 'released',
      before: first.next,
    });
    expect(found.transfers).toMatchObject([{ transferId: 't3', reason: 'account_not_found' }]);
    expect(found.next).toBeUndefined();
  });

  it('that have one id and one time are each on one page, for every limit', async () => {
    const fresh = await createProjectedLedger();
    const { ledger } = fresh;
    const sources = ['c', 'd', 'e', 'f', 'g'];
    for (const accountId of ['a', 'b', ...sources])
      ledger.commit(open(accountId), deposit(accountId, 100));
    for (const source of sources) ledger.commit(reserve(source, 'a', 't1'));
    ledger.commit(reserve('a', 'b', 't1'));
    await fresh.plant(ledger.committed);
    await fresh.project(ledger.committed);
    const at = '2026-11-21T12:00:00.000Z';
    for (const source of ['a', ...sources]) {
      const key = { pk: 'transfer#t1', sk: `from#${source}` };
      await fresh.spoil(key, {
        order: `${at}#t1`,
        reserved: { accountId: source, version: 3, at },
      });
    }
    for (const limit of [1, 2, 3, 5, 6, 100]) {
      const found: string[] = [];
      let before: string | undefined;
      do {
        const page = await fresh.views.transfersOf(a, { limit, before });
        found.push(...page.transfers.map(({ from }) => from));
        before = page.next;
      } while (before !== undefined);
      expect(found).toEqual([...sources.toReversed(), 'a']);
    }
    // A cursor of before, which says no source, goes on after all of them.
    expect(await fresh.views.transfersOf(a, { limit: 5, before: `${at}#t1` })).toEqual({
      transfers: [],
    });
  });

  it('are neither lost nor doubled while new ones come', async () => {
    const fresh = await createProjectedLedger();
    const { ledger } = fresh;
    ledger.commit(open('a'), deposit('a', 10_000));
    const add = async (id: string) => {
      const { length } = ledger.committed;
      ledger.commit(reserve('a', 'b', id));
      await fresh.project(ledger.committed.slice(length));
    };
    await fresh.project(ledger.committed);
    for (let n = 0; n < 10; n += 1) await add(`t${n}`);
    const found: string[] = [];
    let before: string | undefined;
    do {
      const page = await fresh.views.transfersOf(a, { limit: 3, before });
      found.push(...page.transfers.map(({ transferId }) => transferId));
      before = page.next;
      await add(`new${found.length}`);
    } while (before !== undefined);
    expect(found).toEqual(['t9', 't8', 't7', 't6', 't5', 't4', 't3', 't2', 't1', 't0']);
  });

  const pagedIds = async (accountId: AccountId, limit: number, status?: TransferStatus) => {
    const ids: string[] = [];
    let before: string | undefined;
    do {
      const page = await projected.views.transfersOf(accountId, { limit, before, status });
      expect(page.transfers.length).toBeLessThanOrEqual(limit);
      ids.push(...page.transfers.map(({ transferId }) => transferId));
      before = page.next;
    } while (before !== undefined);
    return ids;
  };
});

describe('a transfer by its id', () => {
  const find = (id: string, { views }: ProjectedLedger = projected) =>
    views.transfer(TransferId.parse(id));

  it('is found with its steps', async () => {
    expect(await find('out1')).toMatchObject({
      status: 'released',
      reason: 'account_not_found',
      steps: [
        { step: 'reserved', accountId: 'a' },
        { step: 'released', accountId: 'a' },
      ],
    });
  });

  it('is not found where there is none, or only its credit is known', async () => {
    const fresh = await createProjectedLedger();
    const commits = [open('b'), credit('b', 'a', 't1')].flatMap(
      (command) => fresh.ledger.commit(command) ?? [],
    );
    await fresh.project(commits);
    expect(await find('t1', fresh)).toBeUndefined();
    expect(await find('t2', fresh)).toBeUndefined();
    expect(
      await fresh.views.transfer(TransferId.parse('t1'), AccountId.parse('a')),
    ).toBeUndefined();
  });

  it('that two sources have chosen is the one requested first', async () => {
    const fresh = await createProjectedLedger();
    const { ledger } = fresh;
    for (const accountId of ['a', 'c']) ledger.commit(open(accountId), deposit(accountId, 100));
    ledger.commit(reserve('c', 'b', 't1', 20));
    ledger.commit(reserve('a', 'b', 't1', 30));
    await fresh.project(ledger.committed);
    expect(await find('t1', fresh)).toMatchObject({ from: 'c', amount: 20 });
    const findFrom = (from: string) =>
      fresh.views.transfer(TransferId.parse('t1'), AccountId.parse(from));
    expect(await findFrom('a')).toMatchObject({ from: 'a', amount: 30 });
    expect(await findFrom('b')).toBeUndefined();
  });
});

describe('open transfers', () => {
  const openTransfers = (reserved: ReservedAt) => projected.views.openTransfers(reserved, () => {});

  it('are those not ended that were reserved before a time, with in whose name to go on', async () => {
    const found = await all(openTransfers({ before: Timestamp.parse('2027-01-01T00:00:00.000Z') }));
    expect(found.map(({ transferId }) => transferId).sort()).toEqual(['in3', 'out2', 'out3']);
    const { transferId, requestedAt } = found[0] ?? {};
    expect(found[0]).toMatchObject({
      actor: 'alice',
      correlationId: expect.stringMatching(/^k\d+-0$/),
    });

    const earlier = await all(openTransfers({ before: Timestamp.parse(requestedAt) }));
    expect(earlier.map((transfer) => transfer.transferId)).not.toContain(transferId);
  });

  it('or after one, for what was stamped by a clock that was ahead', async () => {
    const before = await all(
      openTransfers({ before: Timestamp.parse('2027-01-01T00:00:00.000Z') }),
    );
    const [earliest = '', ...later] = before.map(({ requestedAt }) => requestedAt).sort();
    const found = await all(openTransfers({ after: Timestamp.parse(earliest) }));
    expect(found.map(({ requestedAt }) => requestedAt).sort()).toEqual(later);
  });
});

describe('a row that cannot be read', () => {
  const transferKey = (id: string, from: string) => ({ pk: `transfer#${id}`, sk: `from#${from}` });
  let fresh: ProjectedLedger;

  beforeEach(async () => {
    fresh = await createProjectedLedger();
    const { ledger } = fresh;
    ledger.commit(open('a'), deposit('a', 1), deposit('a', 2), deposit('a', 3));
    ledger.commit(
      reserve('a', 'b', 't1', 1),
      reserve('a', 'b', 't2', 1),
      reserve('a', 'b', 't3', 1),
    );
    await fresh.plant(ledger.committed);
    await fresh.project(ledger.committed);
  });

  const transferIds = async () =>
    (await fresh.views.transfersOf(a, { limit: 10 })).transfers.map(({ transferId }) => transferId);
  const versions = async () =>
    (await fresh.views.entries(a, { limit: 10 })).entries.map(({ version }) => version);

  it.each([
    ['damaged', { amount: 'five' }],
    ['of another schema', { schema: 2 }],
  ])('as it is %s, is passed over by every reader, and told of', async (_, wrong) => {
    await fresh.spoil(transferKey('t2', 'a'), wrong);
    await fresh.spoil({ pk: 'account#a', sk: 'entry#0000000000000003' }, wrong);
    expect(await transferIds()).toEqual(['t3', 't1']);
    expect(await versions()).toEqual([4, 2]);
    expect(fresh.counts).toEqual({ UnreadableRows: 2 });
    expect(await fresh.views.transfer(TransferId.parse('t2'))).toBeUndefined();
    expect(await fresh.views.transfer(TransferId.parse('t2'), a)).toBeUndefined();
    const told: string[] = [];
    const before = Timestamp.parse('2027-01-01T00:00:00.000Z');
    const found = await all(fresh.views.openTransfers({ before }, ({ pk }) => told.push(pk)));
    expect(found.map(({ transferId }) => transferId).sort()).toEqual(['t1', 't3']);
    expect(told).toEqual(['transfer#t2']);
  });

  it.each([
    ['with attributes of later code, in it and in its steps', { lane: 'fast' }],
    ['of before rows said their schema', { schema: undefined }],
  ])('is none %s', async (_, more) => {
    const key = transferKey('t2', 'a');
    const row = (await fresh.items()).find(({ pk }) => pk === key.pk);
    const reserved = { ...Object(row?.['reserved']), lane: 'fast' };
    await fresh.spoil(key, { ...more, reserved });
    await fresh.spoil({ pk: 'account#a', sk: 'entry#0000000000000003' }, more);
    await fresh.spoil({ pk: 'account#a', sk: 'summary' }, more);
    expect(await transferIds()).toEqual(['t3', 't2', 't1']);
    expect(await versions()).toEqual([4, 3, 2]);
    expect(fresh.counts).toEqual({});
  });

  it.each([
    ['of another schema', { schema: 2 }],
    ['without its version', { version: undefined }],
    ['whose version is no number', { version: 'seven' }],
  ])(
    'as a summary %s, makes the statement empty and stops the projection of its account alone',
    async (_, wrong) => {
      await fresh.spoil({ pk: 'account#a', sk: 'summary' }, wrong);
      expect(await fresh.views.entries(a, { limit: 10 })).toEqual({ entries: [], asOfVersion: 0 });
      const more = [deposit('a', 4), open('b')].flatMap(
        (command) => fresh.ledger.commit(command) ?? [],
      );
      await fresh.plant(more);
      // Another environment, which does not remember how the summary was.
      const other = fresh.elsewhere();
      expect(await other.project(more)).toEqual({ batchItemFailures: [] });
      expect(other.counts).toEqual({ UnreadableRecords: 1 });
      expect(await fresh.views.summaryVersion(b)).toBe(1);

      expect(await other.rebuild('a')).toEqual({ accounts: [{ accountId: 'a', version: 8 }] });
      expect(await versions()).toEqual([8, 4, 3, 2]);
    },
  );
});
