import { setImmediate } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createHandler as amendAccount } from '../../../functions/commands/accounts/amend-account.ts';
import { createHandler as closeAccount } from '../../../functions/commands/accounts/close-account.ts';
import { createHandler as freezeAccount } from '../../../functions/commands/accounts/freeze-account.ts';
import { createHandler as unfreezeAccount } from '../../../functions/commands/accounts/unfreeze-account.ts';
import { createHandler as bulk } from '../../../functions/commands/bulk/bulk.ts';
import { createHandler as deposit } from '../../../functions/commands/deposit.ts';
import { createHandler as openAccount } from '../../../functions/commands/open-account.ts';
import { createHandler as createPosting } from '../../../functions/commands/postings/create-posting.ts';
import { createHandler as requestTransfer } from '../../../functions/commands/request-transfer.ts';
import { createHandler as captureTransfer } from '../../../functions/commands/transfers/capture-transfer.ts';
import { createHandler as reverseTransfer } from '../../../functions/commands/transfers/reverse-transfer.ts';
import { createHandler as voidTransfer } from '../../../functions/commands/transfers/void-transfer.ts';
import { createHandler as withdraw } from '../../../functions/commands/withdraw.ts';
import type { HttpHandler } from '../../../functions/http/chain/http-handler.ts';
import type { Callers } from '../../../functions/http/identity/callers.ts';
import { machineTime } from '../../../functions/http/polling.ts';
import { createHandler as docs } from '../../../functions/queries/docs.ts';
import { createHandler as getAccount } from '../../../functions/queries/get-account.ts';
import { createHandler as getCommand } from '../../../functions/queries/get-command.ts';
import { createHandler as getPosting } from '../../../functions/queries/get-posting.ts';
import { createHandler as getTransfer } from '../../../functions/queries/get-transfer.ts';
import { createHandler as health } from '../../../functions/queries/health.ts';
import { createHandler as listAccounts } from '../../../functions/queries/list-accounts.ts';
import { createHandler as listEntries } from '../../../functions/queries/list-entries.ts';
import { createHandler as listTransfers } from '../../../functions/queries/list-transfers.ts';
import { createHandler as openApi } from '../../../functions/queries/openapi.ts';
import { createHandler as routeNotFound } from '../../../functions/queries/route-not-found.ts';
import { createHandler as getStatement } from '../../../functions/queries/statement/get-statement.ts';
import {
  type HttpTelemetry,
  httpTelemetryFromEnvironment,
} from '../../../functions/runtime/telemetry.ts';
import type { Store } from '../../../functions/store/store.ts';
import type { Views } from '../../../functions/views/views.ts';
import { definitionOf, functionNames } from '../../../infra/constructs/catalogue.ts';
import { requests } from '../../../testing/ledger-requests.ts';
import { createLedgerDatabase } from '../../mutants/memory-database.ts';
import { createMeteredStore } from '../../setup/metered-store.ts';
import { type ClientRequest, eventOf, lambdaContext } from './request.ts';

const MANY = 50;

/** What all handlers here are made of. */
interface World {
  readonly store: Store;
  readonly views: Views;
  readonly telemetry: HttpTelemetry;
  readonly callers: Callers;
}

/** A handler, what each of many requests asks of it, and what each is answered. */
interface Case {
  readonly create: (world: World) => HttpHandler;
  readonly request: (n: number) => ClientRequest;
  readonly status: number;
  /** What tells that the answer is that of request `n`. */
  readonly body?: (n: number) => object;
  /** Whether it is counted as an accepted command, where its status does not say so. */
  readonly counts?: true;
}

/** Five requests meet on each account. */
const accountOf = (n: number) => `shared-${n % 10}`;
const path = (n: number) => ({ accountId: accountOf(n) });

const cases: Readonly<Record<string, Case>> = {
  'open-account': {
    create: (world) => openAccount({ ...world, newId: () => 'never-made' }),
    request: (n) => ({ route: '/accounts', body: { accountId: `new-${n}`, currency: 'EUR' } }),
    status: 201,
    body: (n) => ({ accountId: `new-${n}` }),
  },
  deposit: {
    create: deposit,
    request: (n) => ({
      route: '/accounts/{accountId}/deposits',
      path: path(n),
      body: { amount: n + 1 },
    }),
    status: 201,
    body: (n) => ({ accountId: accountOf(n), amount: n + 1 }),
  },
  withdraw: {
    create: withdraw,
    request: (n) => ({
      route: '/accounts/{accountId}/withdrawals',
      path: path(n),
      body: { amount: n + 1 },
    }),
    status: 201,
    body: (n) => ({ accountId: accountOf(n), amount: n + 1 }),
  },
  'request-transfer': {
    create: (world) =>
      requestTransfer({
        ...world,
        shortWay: true,
        newId: () => 'never-made',
        time: machineTime,
      }),
    request: (n) => ({
      route: '/transfers',
      body: { transferId: `t-${n}`, from: accountOf(n), to: 'elsewhere', amount: n + 1 },
    }),
    status: 202,
    body: (n) => ({ transferId: `t-${n}`, from: accountOf(n), amount: n + 1 }),
  },
  'amend-account': {
    create: amendAccount,
    // Those of one account describe it one after the other.
    request: (n) => ({
      route: '/accounts/{accountId}',
      method: 'PATCH',
      path: path(n),
      body: { overdraftLimit: n + 1 },
    }),
    status: 200,
    counts: true,
    body: (n) => ({ accountId: accountOf(n) }),
  },
  'freeze-account': {
    create: freezeAccount,
    request: (n) => ({
      route: '/accounts/{accountId}/freeze',
      path: path(n),
      body: { scope: 'debits' },
    }),
    status: 200,
    counts: true,
    body: (n) => ({ accountId: accountOf(n), frozen: 'debits' }),
  },
  'unfreeze-account': {
    create: unfreezeAccount,
    request: (n) => ({ route: '/accounts/{accountId}/unfreeze', path: path(n), body: {} }),
    status: 200,
    counts: true,
    body: (n) => ({ accountId: accountOf(n), status: 'open' }),
  },
  'close-account': {
    create: closeAccount,
    request: (n) => ({ route: '/accounts/{accountId}/close', path: path(n), body: {} }),
    status: 422,
    body: (n) => ({ instance: `/accounts/${accountOf(n)}/close`, code: 'account_not_empty' }),
  },
  'capture-transfer': {
    create: (world) => captureTransfer({ ...world, endOfHold }),
    request: (n) => ({
      route: '/transfers/{transferId}/capture',
      path: { transferId: `none-${n}` },
      body: {},
    }),
    status: 404,
    body: (n) => ({ instance: `/transfers/none-${n}/capture` }),
  },
  'void-transfer': {
    create: (world) => voidTransfer({ ...world, endOfHold }),
    request: (n) => ({
      route: '/transfers/{transferId}/void',
      path: { transferId: `none-${n}` },
      body: {},
    }),
    status: 404,
    body: (n) => ({ instance: `/transfers/none-${n}/void` }),
  },
  'reverse-transfer': {
    create: (world) => reverseTransfer({ ...world, newId: () => 'never-made' }),
    request: (n) => ({
      route: '/transfers/{transferId}/reversal',
      path: { transferId: `none-${n}` },
      body: {},
    }),
    status: 404,
    body: (n) => ({ instance: `/transfers/none-${n}/reversal` }),
  },
  'create-posting': {
    create: (world) => createPosting({ ...world, newId: () => 'never-made' }),
    request: (n) => ({
      route: '/postings',
      body: {
        postingId: `p-${n}`,
        legs: [
          { accountId: accountOf(n), amount: -1 },
          { accountId: accountOf(n + 1), amount: 1 },
        ],
      },
    }),
    status: 201,
    body: (n) => ({ postingId: `p-${n}` }),
  },
  bulk: {
    create: (world) =>
      bulk({ ...world, newId: () => 'never-made', clock: Date.now, budget: 10_000 }),
    request: (n) => ({
      route: '/bulk',
      body: { items: [{ type: 'deposit', accountId: accountOf(n), amount: n + 1 }] },
    }),
    status: 200,
    counts: true,
    body: (n) => ({ results: [{ status: 201, body: { amount: n + 1 } }] }),
  },
  'list-accounts': {
    create: listAccounts,
    request: () => ({ route: '/accounts' }),
    status: 200,
    body: () => ({ accounts: [] }),
  },
  'get-statement': {
    create: (world) => getStatement({ ...world, clock: Date.now }),
    request: (n) => ({ route: '/accounts/{accountId}/statement', path: path(n) }),
    status: 200,
    body: (n) => ({ accountId: accountOf(n), closingBalance: 1_000 }),
  },
  'get-posting': {
    create: getPosting,
    request: (n) => ({ route: '/postings/{postingId}', path: { postingId: `none-${n}` } }),
    status: 404,
    body: (n) => ({ instance: `/postings/none-${n}` }),
  },
  'get-account': {
    create: (world) => getAccount({ ...world, clock: Date.now }),
    request: (n) => ({ route: '/accounts/{accountId}', path: path(n) }),
    status: 200,
    body: (n) => ({ accountId: accountOf(n) }),
  },
  'list-entries': {
    create: listEntries,
    request: (n) => ({ route: '/accounts/{accountId}/entries', path: path(n) }),
    status: 200,
  },
  'list-transfers': {
    create: listTransfers,
    request: (n) => ({ route: '/accounts/{accountId}/transfers', path: path(n) }),
    status: 200,
  },
  'get-transfer': {
    create: getTransfer,
    request: (n) => ({ route: '/transfers/{transferId}', path: { transferId: `none-${n}` } }),
    status: 404,
    body: (n) => ({ instance: `/transfers/none-${n}` }),
  },
  'get-command': {
    create: (world) => getCommand({ ...world, endOfHold: async () => undefined, clock: Date.now }),
    request: (n) => ({
      route: '/accounts/{accountId}/commands/{commandId}',
      path: { ...path(n), commandId: `none-${n}` },
    }),
    status: 404,
    body: (n) => ({ instance: `/accounts/${accountOf(n)}/commands/none-${n}` }),
  },
  health: { create: health, request: () => ({ route: '/health' }), status: 200 },
  openapi: { create: openApi, request: () => ({ route: '/openapi.json' }), status: 200 },
  docs: {
    create: (world) =>
      docs({ ...world, page: { contentSecurityPolicy: "default-src 'none'", gzip: page } }),
    request: () => ({ route: '/docs' }),
    status: 200,
  },
  'route-not-found': {
    create: (world) => routeNotFound({ ...world, methodsByPath: {} }),
    request: (n) => ({ route: `/nowhere/${n}` }),
    status: 404,
    body: (n) => ({ instance: `/nowhere/${n}` }),
  },
};

const endOfHold = async () => undefined;

/** JSON, as the other answers are, so that all are read the same way. */
const page = gzipSync('{}').toString('base64');

/** Answers after others have had their turn. */
const later = async <T>(value: T): Promise<T> => {
  await setImmediate();
  return value;
};

const views: Views = {
  transfer: () => later(undefined),
  transfersOf: () => later({ transfers: [] }),
  accountsOf: async () => ({ accounts: [] }),
  dueHolds: async function* () {},
  openTransfers: async function* () {},
};

let store: Store;
let lines: Record<string, unknown>[];

beforeEach(async () => {
  store = createMeteredStore(await createLedgerDatabase()).store;
  for (let n = 0; n < 10; n += 1) {
    await store.execute(requests.open(accountOf(n)));
    await store.execute(requests.deposit(accountOf(n), 1_000));
  }
  lines = [];
  vi.stubEnv('POWERTOOLS_METRICS_NAMESPACE', 'Holdfast');
  vi.stubEnv('POWERTOOLS_DEV', 'true');
  vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false');
  vi.stubEnv('POWERTOOLS_SERVICE_NAME', 'many-at-once');
  for (const method of ['log', 'info', 'warn', 'error'] as const) {
    vi.spyOn(console, method).mockImplementation((line) => void lines.push(JSON.parse(line)));
  }
});

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

it('every function that answers requests is among them', () => {
  const behindRoutes = functionNames.filter((name) => definitionOf(name).route !== undefined);
  expect(Object.keys(cases).toSorted()).toEqual(behindRoutes.toSorted());
});

describe.each(Object.entries(cases))(
  `${MANY} requests at once in one environment: %s`,
  (_, { create, request, status, body, counts }) => {
    it('each has its own answer, log line and record of metrics, under its own ids', async () => {
      const handler = create({
        store,
        views,
        telemetry: httpTelemetryFromEnvironment(),
        callers: { by: 'nothing' },
      });
      const isCommand = counts ?? (status === 201 || status === 202);
      const idOf = (n: number) => `correlation-${n}`;
      const answers = await Promise.all(
        Array.from({ length: MANY }, (_, n) =>
          handler(eventOf({ ...request(n), headers: { 'X-Correlation-Id': idOf(n) } }), {
            ...lambdaContext(),
            awsRequestId: `invocation-${n}`,
          }),
        ),
      );

      for (const [n, { statusCode, headers, body: text }] of answers.entries()) {
        expect(statusCode).toBe(status);
        expect(headers['X-Correlation-Id']).toBe(idOf(n));
        expect(JSON.parse(text)).toMatchObject(body?.(n) ?? {});
        const own = lines.filter((line) => line['correlation_id'] === idOf(n));
        const { routeKey: route, pathParameters } = eventOf(request(n));
        expect(own.filter((line) => line['message'] === 'answered')).toMatchObject([
          { route, ...pathParameters, status, function_request_id: `invocation-${n}` },
        ]);
        const measured = own.filter((line) => 'RequestLatency' in line);
        expect(measured).toMatchObject([{ RequestLatency: expect.any(Number) }]);
        expect(measured[0]?.['CommandAccepted']).toBe(isCommand ? 1 : undefined);
      }
      expect(
        lines.filter((line) => !String(line['correlation_id']).startsWith('correlation-')),
      ).toEqual([]);
    });
  },
);
