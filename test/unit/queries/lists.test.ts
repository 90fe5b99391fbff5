import { describe, expect, it, vi } from 'vitest';
import {
  AccountId,
  Amount,
  Currency,
  MinorUnits,
  Timestamp,
  TransferId,
  Version,
} from '../../../events/values.ts';
import type { HttpHandler } from '../../../functions/http/chain/http-handler.ts';
import type { Entry } from '../../../functions/ledger/statement.ts';
import type { Transfer } from '../../../functions/ledger/transfer.ts';
import { createHandler as listEntries } from '../../../functions/queries/list-entries.ts';
import { createHandler as listTransfers } from '../../../functions/queries/list-transfers.ts';
import { StoreUnavailable } from '../../../functions/runtime/unavailable.ts';
import type { Store } from '../../../functions/store/store.ts';
import type { Commit } from '../../../functions/store/stream/commit.ts';
import type { Views } from '../../../functions/views/views.ts';
import { send } from '../http/request.ts';
import { createMemoryLedger } from '../projections/memory-ledger.ts';
import { silentHttp as http } from '../runtime/recorded-telemetry.ts';

const at = Timestamp.parse('2026-11-21T10:00:03.000Z');
const entry: Entry = {
  entryId: 'a1-2',
  accountId: AccountId.parse('a1'),
  kind: 'deposit',
  amount: Amount.parse(10_000),
  balanceAfter: MinorUnits.parse(10_000),
  version: Version.parse(2),
  at,
};
const transfer: Transfer = {
  transferId: TransferId.parse('t1'),
  from: AccountId.parse('a1'),
  to: AccountId.parse('missing'),
  amount: Amount.parse(100),
  currency: Currency.parse('EUR'),
  status: 'reserved',
  requestedAt: at,
  steps: [{ step: 'reserved', accountId: AccountId.parse('a1'), version: Version.parse(3), at }],
};

/** Both lists over a store and views that know `a1`; `b1` has no transfers; no other is there. */
const createLists = async () => {
  const ledger = createMemoryLedger();
  for (const accountId of ['a1', 'b1'])
    ledger.commit({ type: 'open', accountId, owner: 'alice', currency: 'EUR', overdraftLimit: 0 });
  ledger.commit({ type: 'deposit', accountId: 'a1', amount: 10_000 });
  const store = {
    entries: vi.fn<Store['entries']>(async (accountId) => {
      const { version: asOfVersion } = ledger.tailOf(accountId);
      return { entries: accountId === 'a1' ? [entry] : [], asOfVersion };
    }),
    isOwnedBy: vi.fn<Store['isOwnedBy']>(),
    latest: vi.fn<Store['latest']>(async function* (accountId) {
      const commits = ledger.committed.filter(({ commit }) => commit.streamId === accountId);
      yield* commits.map(({ commit }) => commit).toReversed();
    }),
  };
  const views = {
    transfersOf: vi.fn<Views['transfersOf']>(async () => ({ transfers: [transfer] })),
    transfer: vi.fn<Views['transfer']>(async () => undefined),
  };
  const ask =
    (handler: HttpHandler) =>
    (accountId: string, query: Record<string, string> = {}) =>
      send(handler, { route: '/accounts/{accountId}/list', path: { accountId }, query });
  return {
    ledger,
    store,
    views,
    entries: ask(listEntries({ store, ...http })),
    transfers: ask(listTransfers({ store, views, ...http })),
  };
};

describe('the statement', () => {
  it('answers 200 with the entries and the version it has got to', async () => {
    const { entries, store } = await createLists();
    const answer = await entries('a1');
    expect(answer).toMatchObject({ status: 200, headers: { ETag: '"2"' } });
    expect(answer.body).toEqual({ entries: [entry], asOfVersion: 2 });
    expect(store.entries).toHaveBeenCalledExactlyOnceWith('a1', { limit: 25, before: undefined });
  });

  it('is not sent to a client that has it, and is once it has got further', async () => {
    const { store } = await createLists();
    const ask = (tags: string) =>
      send(listEntries({ store, ...http }), {
        path: { accountId: 'a1' },
        headers: { 'If-None-Match': tags },
      });
    expect(await ask('W/"2"')).toMatchObject({ status: 304, headers: { ETag: '"2"' }, body: {} });
    expect(await ask('"1"')).toMatchObject({ status: 200, body: { entries: [entry] } });
  });

  it('goes on where its cursor says', async () => {
    const { entries, store } = await createLists();
    store.entries.mockResolvedValueOnce({ entries: [entry], next: entry.version, asOfVersion: 2 });
    const { body } = await entries('a1', { limit: '1' });
    expect(body).toMatchObject({ nextCursor: expect.stringMatching(/^[A-Za-z0-9_-]+$/) });
    await entries('a1', { limit: '100', cursor: String(body['nextCursor']) });
    expect(store.entries).toHaveBeenLastCalledWith('a1', { limit: 100, before: 2 });
  });

  it('is empty where no money was moved, and 404 where there is no account', async () => {
    const { entries } = await createLists();
    expect(await entries('b1')).toMatchObject({
      status: 200,
      headers: { ETag: '"1"' },
      body: { entries: [], asOfVersion: 1 },
    });
    expect(await entries('missing')).toMatchObject({
      status: 404,
      body: { code: 'account_not_found' },
    });
  });
});

describe('the list of transfers', () => {
  it('answers 200 with the transfers', async () => {
    const { transfers, views } = await createLists();
    const answer = await transfers('a1');
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ transfers: [transfer], asOfVersion: 2 });
    expect(views.transfersOf).toHaveBeenCalledExactlyOnceWith('a1', { limit: 25 });
  });

  const filtered = { status: 'held', reference: 'rent' };

  it('goes on where its cursor says, with the status and the reference that were asked for', async () => {
    const { transfers, views } = await createLists();
    const next = `${at}#t1#a1`;
    views.transfersOf.mockResolvedValueOnce({ transfers: [transfer], next });
    const { body } = await transfers('a1', filtered);
    const cursor = String(body['nextCursor']);
    for (const asked of [{}, { status: 'held' }, filtered]) {
      await transfers('a1', { cursor, limit: '7', ...asked });
      expect(views.transfersOf).toHaveBeenLastCalledWith('a1', {
        ...{ limit: 7, before: next, ...filtered },
      });
    }
  });

  it.each([
    ['another status', filtered, { status: 'settled' }],
    ['another reference', filtered, { reference: 'Rent' }],
    ['a status that was not asked for', {}, { status: 'held' }],
    ['a reference that was not asked for', { status: 'held' }, { reference: 'rent' }],
  ])('is 400 where a cursor comes with %s', async (_, first, then) => {
    const { transfers, views } = await createLists();
    views.transfersOf.mockResolvedValueOnce({ transfers: [], next: `${at}#t1#a1` });
    const { body } = await transfers('a1', first);
    const cursor = String(body['nextCursor']);
    expect(await transfers('a1', { cursor, ...then })).toMatchObject({
      status: 400,
      body: { code: 'validation_failed', errors: [{ path: 'cursor' }] },
    });
    expect(views.transfersOf).toHaveBeenCalledTimes(1);
  });

  it('is 404 where there is no such account, though a transfer names it', async () => {
    const { transfers } = await createLists();
    expect(await transfers('b1')).toMatchObject({ status: 200, body: { asOfVersion: 1 } });
    expect(await transfers('missing')).toMatchObject({
      status: 404,
      body: { code: 'account_not_found' },
    });
  });
});

/** Gives commits, and then fails. */
async function* failing(commits: readonly Commit[], error: Error) {
  yield* commits;
  throw error;
}

describe('the version that the list of transfers is at', () => {
  const reserve = (transferId: string, amount = 1) => ({
    ...{ type: 'reserve', accountId: 'a1', to: 'b1' },
    ...{ transferId, amount },
  });
  const deposit = { type: 'deposit', accountId: 'a1', amount: 1 };
  const shown = (transferId: string, from: string, ...steps: [string, number][]): Transfer => ({
    ...transfer,
    transferId: TransferId.parse(transferId),
    from: AccountId.parse(from),
    steps: steps.map(([accountId, version]) => ({
      step: 'reserved',
      accountId: AccountId.parse(accountId),
      version: Version.parse(version),
      at,
    })),
  });
  const asOf = async (
    accountId: string,
    happens: (ledger: Awaited<ReturnType<typeof createLists>>['ledger']) => void,
    page: readonly Transfer[],
    beyond: readonly Transfer[] = [],
  ) => {
    const { ledger, views, transfers } = await createLists();
    happens(ledger);
    views.transfersOf.mockResolvedValue({ transfers: [...page] });
    views.transfer.mockImplementation(async (id, from) =>
      beyond.find((found) => found.transferId === id && found.from === from),
    );
    const { body } = await transfers(accountId);
    return { version: body['asOfVersion'], lookedUp: views.transfer.mock.calls };
  };

  it('is that of the account where all that it did is shown, without looking further', async () => {
    expect(
      await asOf('a1', (ledger) => ledger.commit(reserve('t1')), [shown('t1', 'a1', ['a1', 3])]),
    ).toEqual({ version: 3, lookedUp: [] });
  });

  it('is that before the first step that is not shown', async () => {
    const happens = (ledger: ReturnType<typeof createMemoryLedger>) => {
      for (const id of ['t1', 't2', 't3']) ledger.commit(reserve(id));
    };
    const page = [shown('t3', 'a1', ['a1', 5]), shown('t1', 'a1', ['a1', 3])];
    const { version, lookedUp } = await asOf('a1', happens, page);
    expect(version).toBe(3);
    expect(lookedUp).toEqual([['t2', 'a1']]);
  });

  it('counts what is beyond the page', async () => {
    const happens = (ledger: ReturnType<typeof createMemoryLedger>) => {
      ledger.commit(reserve('t1'));
      ledger.commit(deposit);
    };
    expect(await asOf('a1', happens, [], [shown('t1', 'a1', ['a1', 3])])).toMatchObject({
      version: 4,
    });
  });

  it('waits for the end of a transfer, and not for that of its reservation alone', async () => {
    const happens = (ledger: ReturnType<typeof createMemoryLedger>) => {
      ledger.commit(reserve('t1'));
      ledger.commit({ type: 'settle', accountId: 'a1', transferId: 't1' });
    };
    const reserved = shown('t1', 'a1', ['a1', 3]);
    expect(await asOf('a1', happens, [reserved])).toMatchObject({ version: 4 });
    const settled = shown('t1', 'a1', ['a1', 3], ['a1', 5]);
    expect(await asOf('a1', happens, [settled])).toMatchObject({ version: 5 });
  });

  it('waits for a hold, and for its capture', async () => {
    const happens = (ledger: ReturnType<typeof createMemoryLedger>) => {
      ledger.commit({ ...reserve('t1'), type: 'hold' });
      ledger.commit({ type: 'capture', accountId: 'a1', transferId: 't1' });
    };
    expect(await asOf('a1', happens, [])).toMatchObject({ version: 2 });
    const held = shown('t1', 'a1', ['a1', 3]);
    expect(await asOf('a1', happens, [held])).toMatchObject({ version: 3 });
    const captured = shown('t1', 'a1', ['a1', 3], ['a1', 4]);
    expect(await asOf('a1', happens, [captured])).toMatchObject({ version: 4 });
  });

  it('waits for a release', async () => {
    const happens = (ledger: ReturnType<typeof createMemoryLedger>) => {
      ledger.commit(reserve('t1'));
      ledger.commit({ type: 'release', accountId: 'a1', transferId: 't1', reason: 'gone' });
    };
    expect(await asOf('a1', happens, [shown('t1', 'a1', ['a1', 3])])).toMatchObject({ version: 3 });
  });

  it('waits for what comes in, in the row of the account that it came from', async () => {
    const credit = { type: 'credit', accountId: 'b1', from: 'a1', transferId: 't1', amount: 1 };
    const happens = (ledger: ReturnType<typeof createMemoryLedger>) =>
      ledger.commit({ ...credit, currency: 'EUR' });
    expect(await asOf('b1', happens, [])).toMatchObject({ version: 1, lookedUp: [['t1', 'a1']] });
    const other = shown('t1', 'c1', ['b1', 2]);
    expect(await asOf('b1', happens, [other])).toMatchObject({ version: 1 });
    const credited = shown('t1', 'a1', ['a1', 3], ['b1', 2]);
    expect(await asOf('b1', happens, [credited])).toMatchObject({ version: 2 });
  });

  it('is that of its newest step where more is missing than is looked at', async () => {
    const happens = (ledger: ReturnType<typeof createMemoryLedger>) => {
      for (let n = 1; n <= 20; n += 1) ledger.commit(reserve(`t${n}`));
    };
    const page = [shown('t2', 'a1', ['a1', 4]), shown('t1', 'a1', ['a1', 3])];
    const { version, lookedUp } = await asOf('a1', happens, page);
    expect(version).toBe(4);
    expect(lookedUp).toHaveLength(10);
    expect(await asOf('a1', happens, [])).toMatchObject({ version: 0 });
  });

  it('does not count what has no step of a transfer for what is shown', async () => {
    const happens = (ledger: ReturnType<typeof createMemoryLedger>) => {
      ledger.commit(reserve('t1'));
      for (let n = 0; n < 30; n += 1) ledger.commit(deposit);
    };
    expect(await asOf('a1', happens, [])).toEqual({ version: 0, lookedUp: [['t1', 'a1']] });
    expect(await asOf('a1', happens, [shown('t1', 'a1', ['a1', 3])])).toMatchObject({
      version: 33,
    });
  });

  it('does not conclude from an event without a step that those before it are shown', async () => {
    const happens = (ledger: ReturnType<typeof createMemoryLedger>) => {
      for (let n = 1; n <= 30; n += 1) ledger.commit(reserve(`t${n}`));
      ledger.commit(deposit);
      for (let n = 31; n <= 39; n += 1) ledger.commit(reserve(`t${n}`));
    };
    expect(await asOf('a1', happens, [])).toMatchObject({ version: 0 });
    const page = [shown('t2', 'a1', ['a1', 4])];
    expect(await asOf('a1', happens, page)).toMatchObject({ version: 4 });
  });

  it('is found among 200 commits at most', async () => {
    const { ledger, store, transfers, views } = await createLists();
    ledger.commit(reserve('t1'));
    for (let n = 0; n < 250; n += 1) ledger.commit(deposit);
    let read = 0;
    store.latest.mockImplementation(async function* () {
      for (const { commit } of ledger.committed.toReversed()) {
        if (commit.streamId !== 'a1') continue;
        read += 1;
        yield commit;
      }
    });
    views.transfersOf.mockResolvedValue({ transfers: [] });
    expect((await transfers('a1')).body).toMatchObject({ asOfVersion: 253 });
    expect(read).toBe(200);
  });

  it('goes no further than a commit that cannot be read, which hides no transfer', async () => {
    const { ledger, store, transfers, views } = await createLists();
    const newest = ledger.commit(reserve('t1'));
    views.transfersOf.mockResolvedValue({ transfers: [shown('t1', 'a1', ['a1', 3])] });
    for (const commits of [[], newest ? [newest.commit] : []]) {
      store.latest.mockReturnValue(failing(commits, new Error('not a commit')));
      // Of what comes after it nothing is known to be all that there is.
      expect(await transfers('a1')).toMatchObject({
        status: 200,
        body: { transfers: [{ transferId: 't1' }], asOfVersion: commits.length > 0 ? 0 : 3 },
      });
    }
  });

  it('is not said where the stream did not answer', async () => {
    const { store, transfers } = await createLists();
    const unavailable = new StoreUnavailable('throttled', undefined);
    store.latest.mockReturnValue(failing([], unavailable));
    expect(await transfers('a1')).toMatchObject({ status: 503, body: { code: 'try_again' } });
  });
});

describe('a page', () => {
  const encoded = (content: unknown) => Buffer.from(JSON.stringify(content)).toString('base64url');

  it.each([
    ['limit', '0'],
    ['limit', '101'],
    ['limit', 'ten'],
    ['limit', ''],
    ['cursor', 'junk'],
    ['cursor', ''],
    ['cursor', encoded('a string')],
    ['cursor', encoded({ v: 0, before: 7 })],
    ['cursor', encoded({ v: 1, before: -7 })],
    ['cursor', encoded({ v: 1, before: 7, extra: 1 })],
    ['cursor', encoded({ v: 1, before: `${at}#t1` })],
    ['page', '2'],
  ])('of entries cannot have ?%s=%s', async (name, value) => {
    const { entries, store } = await createLists();
    expect(await entries('a1', { [name]: value })).toMatchObject({
      status: 400,
      body: { code: 'validation_failed', errors: [{ path: name }] },
    });
    expect(store.entries).not.toHaveBeenCalled();
  });

  it.each([
    ['cursor', encoded({ v: 1, before: 7 })],
    ['cursor', encoded({ v: 1, before: 'x'.repeat(2000) })],
    ['cursor', encoded({ v: 1, before: `${at}#t1` })],
    ['status', 'open'],
  ])('of transfers cannot have ?%s=%s', async (name, value) => {
    const { transfers } = await createLists();
    expect(await transfers('a1', { [name]: value })).toMatchObject({
      status: 400,
      body: { code: 'validation_failed', errors: [{ path: name }] },
    });
  });
});
