import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AccountId, Timestamp, TransferId } from '../../../events/values.ts';
import { TransferStatus } from '../../../functions/ledger/transfer.ts';
import type { ReservedAt } from '../../../functions/views/views.ts';
import {
  all,
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

const find = (id: string, { views }: ProjectedLedger = projected) =>
  views.transfer(TransferId.parse(id));

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
    // Pages of 100 pointers, and their rows: a few hundred, whatever there is.
    expect(fresh.requests()).toEqual([
      ...['Query', 'BatchGetItem', 'Query', 'BatchGetItem'],
      ...['Query', 'BatchGetItem'],
    ]);
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
    // As if all had been requested in one millisecond.
    const at = '2026-11-21T12:00:00.000Z';
    for (const { pk, sk } of await fresh.items()) {
      if (String(sk).startsWith('transfer#'))
        await fresh.remove({ pk: String(pk), sk: String(sk) });
    }
    for (const from of ['a', ...sources]) {
      const to = from === 'a' ? 'b' : 'a';
      const key = { pk: 'transfer#t1', sk: `from#${from}` };
      await fresh.spoil(key, { reserved: { accountId: from, version: 3, at } });
      for (const accountId of [from, to]) {
        const pointer = { pk: `account#${accountId}`, sk: `transfer#${at}#t1#${from}` };
        await fresh.spoil(pointer, { schema: 3, transferId: 't1', from, version: 3 });
      }
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
  });

  it('are read with two requests a page', async () => {
    projected.requests();
    await projected.views.transfersOf(a, { limit: 5 });
    expect(projected.requests()).toEqual(['Query', 'BatchGetItem']);
  });

  it('are not shown before their rows are there, and keep none of the others from being shown', async () => {
    const fresh = await createProjectedLedger();
    const { ledger } = fresh;
    ledger.commit(open('a'), deposit('a', 10_000));
    for (let n = 0; n < 8; n += 1) ledger.commit(reserve('a', 'b', `t${n}`));
    await fresh.project(ledger.committed);
    for (const id of ['t7', 't3', 't2', 't0'])
      await fresh.remove({ pk: `transfer#${id}`, sk: 'from#a' });
    for (const limit of [1, 2, 3, 4, 8]) {
      const found: string[] = [];
      let before: string | undefined;
      do {
        const page = await fresh.views.transfersOf(a, { limit, before });
        found.push(...page.transfers.map(({ transferId }) => transferId));
        before = page.next;
      } while (before !== undefined);
      expect(found).toEqual(['t6', 't5', 't4', 't1']);
    }
  });

  it('of an account whose id begins alike are others', async () => {
    const fresh = await createProjectedLedger();
    const { ledger } = fresh;
    for (const id of ['a', 'a1']) ledger.commit(open(id), deposit(id, 100));
    ledger.commit(reserve('a1', 'b', 't1'));
    await fresh.project(ledger.committed);
    expect(await fresh.views.transfersOf(a, { limit: 5 })).toEqual({ transfers: [] });
  });

  it('that went the short way are among them, settled from the first', async () => {
    const fresh = await createProjectedLedger();
    const { ledger } = fresh;
    for (const id of ['a', 'b']) ledger.commit(open(id), deposit(id, 100));
    ledger.commit(reserve('a', 'b', 't1'));
    const [source, destination] = ledger.transferAtOnce('t2', 'a', 'b', 30);
    if (!source || !destination) throw new Error('both sides commit');
    await fresh.project(ledger.committed.slice(0, 3));
    // The destination's commit may come first, alone, and says nothing.
    await fresh.project([destination]);
    expect(await find('t2', fresh)).toBeUndefined();
    await fresh.project([source]);
    for (const accountId of [a, b]) {
      const { transfers: found } = await fresh.views.transfersOf(accountId, { limit: 5 });
      expect(found.map(({ transferId }) => transferId)).toEqual(['t2', 't1']);
      expect(found[0]).toEqual({
        ...{ transferId: 't2', from: 'a', to: 'b', amount: 30, currency: 'EUR' },
        ...{ status: 'settled', reference: 'rent' },
        requestedAt: source.commit.at,
        endedAt: source.commit.at,
        steps: [
          { step: 'credited', accountId: 'b', version: 3, at: source.commit.at },
          { step: 'settled', accountId: 'a', version: 4, at: source.commit.at },
        ],
      });
    }
    const ofAll = { before: Timestamp.parse('2027-01-01T00:00:00.000Z') };
    const stillOpen = await all(fresh.views.openTransfers(ofAll, () => {}));
    expect(stillOpen.map(({ transferId }) => transferId)).toEqual(['t1']);
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
  it.each([
    ['damaged', { amount: 'five' }],
    ['of another schema', { schema: 4 }],
    ['of the schema before', { schema: 2 }],
    ['of before rows said their schema', { schema: undefined }],
  ])('as it is %s, is passed over by every reader, and told of', async (_, wrong) => {
    await fresh.spoil(transferKey('t2', 'a'), wrong);
    expect(await transferIds()).toEqual(['t3', 't1']);
    expect(fresh.counts).toEqual({ UnreadableRows: 1 });
    expect(await fresh.views.transfer(TransferId.parse('t2'))).toBeUndefined();
    expect(await fresh.views.transfer(TransferId.parse('t2'), a)).toBeUndefined();
    const told: string[] = [];
    const before = Timestamp.parse('2027-01-01T00:00:00.000Z');
    const found = await all(fresh.views.openTransfers({ before }, ({ pk }) => told.push(pk)));
    expect(found.map(({ transferId }) => transferId).sort()).toEqual(['t1', 't3']);
    expect(told).toEqual(['transfer#t2']);
  });

  it('as a pointer of another schema, hides its transfer and no other', async () => {
    const pointer = (await fresh.items()).find(
      ({ pk, sk }) => pk === 'account#a' && String(sk).includes('#t2#'),
    );
    await fresh.spoil({ pk: 'account#a', sk: String(pointer?.['sk']) }, { schema: 4 });
    expect(await transferIds()).toEqual(['t3', 't1']);
    expect(fresh.counts).toEqual({ UnreadableRows: 1 });
  });

  it('is none with attributes of later code, in it and in its steps', async () => {
    const key = transferKey('t2', 'a');
    const row = (await fresh.items()).find(({ pk }) => pk === key.pk);
    const reserved = { ...Object(row?.['reserved']), lane: 'fast' };
    await fresh.spoil(key, { lane: 'fast', reserved });
    expect(await transferIds()).toEqual(['t3', 't2', 't1']);
    expect(fresh.counts).toEqual({});
  });
});
