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
import type { Views } from '../../../functions/views/views.ts';
import { createFundedLedger } from '../http/ledger.ts';
import { send } from '../http/request.ts';
import { silentHttpTelemetry as telemetry } from '../runtime/recorded-telemetry.ts';

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

/**
 * Both lists over views that know `a1`, one entry and one transfer; the store knows `a1` and `b1`.
 */
const createLists = async () => {
  const { store } = await createFundedLedger();
  store.load.mockClear();
  const knows = (accountId: string) => (accountId === 'a1' ? 2 : 0);
  const views = {
    summaryVersion: vi.fn<Views['summaryVersion']>(async (accountId) => knows(accountId)),
    entries: vi.fn<Views['entries']>(async (accountId) => ({
      entries: accountId === 'a1' ? [entry] : [],
      asOfVersion: knows(accountId),
    })),
    transfersOf: vi.fn<Views['transfersOf']>(async () => ({ transfers: [transfer] })),
  };
  const ask =
    (handler: HttpHandler) =>
    (accountId: string, query: Record<string, string> = {}) =>
      send(handler, { route: '/accounts/{accountId}/list', path: { accountId }, query });
  const dependencies = { store, views, telemetry };
  return {
    store,
    views,
    entries: ask(listEntries(dependencies)),
    transfers: ask(listTransfers(dependencies)),
  };
};

describe('the statement', () => {
  it('answers 200 with the entries and the version it has got to', async () => {
    const { entries, views, store } = await createLists();
    const answer = await entries('a1');
    expect(answer).toMatchObject({ status: 200, headers: { ETag: '"2"' } });
    expect(answer.body).toEqual({ entries: [entry], asOfVersion: 2 });
    expect(views.entries).toHaveBeenCalledExactlyOnceWith('a1', { limit: 25, before: undefined });
    expect(store.load).not.toHaveBeenCalled();
  });

  it('is not sent to a client that has it, and is once it has got further', async () => {
    const { store, views } = await createLists();
    const ask = (tags: string) =>
      send(listEntries({ store, views, telemetry }), {
        path: { accountId: 'a1' },
        headers: { 'If-None-Match': tags },
      });
    expect(await ask('W/"2"')).toMatchObject({ status: 304, headers: { ETag: '"2"' }, body: {} });
    expect(await ask('"1"')).toMatchObject({ status: 200, body: { entries: [entry] } });
  });

  it('goes on where its cursor says', async () => {
    const { entries, views } = await createLists();
    views.entries.mockResolvedValueOnce({ entries: [entry], next: entry.version, asOfVersion: 2 });
    const { body } = await entries('a1', { limit: '1' });
    expect(body).toMatchObject({ nextCursor: expect.stringMatching(/^[A-Za-z0-9_-]+$/) });
    await entries('a1', { limit: '100', cursor: String(body['nextCursor']) });
    expect(views.entries).toHaveBeenLastCalledWith('a1', { limit: 100, before: 2 });
  });

  it('is empty where the views do not know the account yet, and 404 where nobody does', async () => {
    const { entries } = await createLists();
    const answer = await entries('b1');
    expect(answer).toMatchObject({ status: 200, body: { entries: [], asOfVersion: 0 } });
    expect(answer.headers).not.toHaveProperty('ETag');
    expect(await entries('missing')).toMatchObject({
      status: 404,
      body: { code: 'account_not_found' },
    });
  });
});

describe('the list of transfers', () => {
  it('answers 200 with the transfers', async () => {
    const { transfers, views, store } = await createLists();
    expect(await transfers('a1')).toMatchObject({
      status: 200,
      body: { transfers: [transfer], asOfVersion: 2 },
    });
    expect(views.transfersOf).toHaveBeenCalledExactlyOnceWith('a1', { limit: 25 });
    expect(store.load).not.toHaveBeenCalled();
  });

  it('goes on where its cursor says, with the status that is asked for', async () => {
    const { transfers, views } = await createLists();
    const next = `${at}#t1`;
    views.transfersOf.mockResolvedValueOnce({ transfers: [transfer], next });
    const { body } = await transfers('a1');
    await transfers('a1', { cursor: String(body['nextCursor']), status: 'settled', limit: '7' });
    expect(views.transfersOf).toHaveBeenLastCalledWith('a1', {
      limit: 7,
      before: next,
      status: 'settled',
    });
  });

  it('is 404 where there is no such account, though a transfer names it', async () => {
    const { transfers } = await createLists();
    expect(await transfers('b1')).toMatchObject({ status: 200, body: { asOfVersion: 0 } });
    expect(await transfers('missing')).toMatchObject({
      status: 404,
      body: { code: 'account_not_found' },
    });
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
    const { entries, views } = await createLists();
    expect(await entries('a1', { [name]: value })).toMatchObject({
      status: 400,
      body: { code: 'validation_failed', errors: [{ path: name }] },
    });
    expect(views.entries).not.toHaveBeenCalled();
  });

  it.each([
    ['cursor', encoded({ v: 1, before: 7 })],
    ['cursor', encoded({ v: 1, before: 'x'.repeat(2000) })],
    ['status', 'open'],
  ])('of transfers cannot have ?%s=%s', async (name, value) => {
    const { transfers } = await createLists();
    expect(await transfers('a1', { [name]: value })).toMatchObject({
      status: 400,
      body: { code: 'validation_failed', errors: [{ path: name }] },
    });
  });
});
