import { vi } from 'vitest';
import { TransferId } from '../../../events/values.ts';
import { createHandler as depositHandler } from '../../../functions/commands/deposit.ts';
import { createHandler as openAccountHandler } from '../../../functions/commands/open-account.ts';
import { createHandler as requestTransferHandler } from '../../../functions/commands/request-transfer.ts';
import { createHandler as withdrawHandler } from '../../../functions/commands/withdraw.ts';
import type { HttpHandler } from '../../../functions/http/chain/http-handler.ts';
import type { Transfer } from '../../../functions/ledger/transfer.ts';
import { createHandler as getAccountHandler } from '../../../functions/queries/get-account.ts';
import type { Views } from '../../../functions/views/views.ts';
import { silentHttp as http, recordedTelemetry } from '../runtime/recorded-telemetry.ts';
import { createMemoryStore } from './memory-store.ts';
import { type ClientAnswer, type ClientRequest, send } from './request.ts';

/** Time that passes only while somebody sleeps. */
export const createFakeTime = () => {
  let now = Date.parse('2026-11-21T12:00:00.000Z');
  const pauses: number[] = [];
  return {
    pauses,
    clock: () => now,
    sleep: async (milliseconds: number) => {
      pauses.push(milliseconds);
      now += milliseconds;
    },
  };
};

/**
 * The command handlers over one memory store, with a function to send each a request. The views
 * know no transfer until the test says otherwise; made ids are `made-1`, `made-2` …
 */
export const createTestLedger = () => {
  const store = createMemoryStore();
  const time = createFakeTime();
  const transfers = new Map<string, Transfer>();
  const views = {
    transfer: vi.fn<Views['transfer']>(async (transferId, from) => {
      const transfer = transfers.get(transferId);
      return from === undefined || transfer?.from === from ? transfer : undefined;
    }),
  };
  let ids = 0;
  const newId = () => {
    ids += 1;
    return `made-${ids}`;
  };
  const deposit = depositHandler({ store, ...http });
  const withdraw = withdrawHandler({ store, ...http });
  const openAccount = openAccountHandler({ store, newId, ...http });
  const requestTransfer = requestTransferHandler({
    shortWay: false,
    store,
    views,
    newId,
    time,
    ...http,
  });
  const getAccount = getAccountHandler({ store, clock: time.clock, ...http });

  const onAccount =
    (handler: HttpHandler, route: string) =>
    (accountId: string, request: ClientRequest = {}): Promise<ClientAnswer> =>
      send(handler, { route, path: { accountId }, ...request });

  return {
    store,
    views,
    /** The same route where the stage allows transfers the short way, and what it counted. */
    transferAtOnce: async (body: object, headers: ClientRequest['headers'] = {}) => {
      const { telemetry: recorded, counts } = recordedTelemetry();
      const handler = requestTransferHandler({
        ...{ ...http, shortWay: true, store, views, newId, time },
        telemetry: { ofRequest: () => ({ ...recorded, publish: () => {} }) },
      });
      return { answer: await send(handler, { route: '/transfers', body, headers }), counts };
    },
    time,
    /** Puts a transfer where the views find it. */
    show: (transfer: Transfer) => transfers.set(TransferId.parse(transfer.transferId), transfer),
    open: (body: object, headers: ClientRequest['headers'] = {}) =>
      send(openAccount, { route: '/accounts', body, headers }),
    deposit: onAccount(deposit, '/accounts/{accountId}/deposits'),
    withdraw: onAccount(withdraw, '/accounts/{accountId}/withdrawals'),
    getAccount: onAccount(getAccount, '/accounts/{accountId}'),
    transfer: (body: object, headers: ClientRequest['headers'] = {}) =>
      send(requestTransfer, { route: '/transfers', body, headers }),
  };
};
export type TestLedger = ReturnType<typeof createTestLedger>;

/** A ledger with the accounts `a1` (EUR, 100.00 paid in, at version 2) and `b1` (EUR, empty). */
export const createFundedLedger = async (): Promise<TestLedger> => {
  const ledger = createTestLedger();
  await ledger.open({ accountId: 'a1', currency: 'EUR' });
  await ledger.open({ accountId: 'b1', currency: 'EUR' });
  await ledger.deposit('a1', { body: { amount: 10_000 } });
  ledger.store.execute.mockClear();
  return ledger;
};
