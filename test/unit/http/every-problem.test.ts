import { describe, expect, it } from 'vitest';
import { createHandler as deposit } from '../../../functions/commands/deposit.ts';
import { PROBLEMS, type ProblemCode } from '../../../functions/http/answer/problem.ts';
import type { RejectionCode } from '../../../functions/ledger/account.ts';
import { createHandler as getCommand } from '../../../functions/queries/get-command.ts';
import { createHandler as getPosting } from '../../../functions/queries/get-posting.ts';
import { createHandler as getTransfer } from '../../../functions/queries/get-transfer.ts';
import { createHandler as routeNotFound } from '../../../functions/queries/route-not-found.ts';
import type { CommandResult } from '../../../functions/store/deciding/command-result.ts';
import {
  silentHttp as http,
  silentHttpWithTokens as httpWithTokens,
  silentHttpTelemetry as telemetry,
} from '../runtime/recorded-telemetry.ts';
import { createFundedLedger, createTestLedger } from './ledger.ts';
import { type ClientAnswer, send } from './request.ts';

interface Case {
  readonly status: number;
  /** How a client comes by it. */
  readonly ask: () => Promise<ClientAnswer>;
  /** What of the body depends on the case. */
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A deposit whose outcome the store says. */
const depositThat = async (
  result: CommandResult,
  headers: Readonly<Record<string, string>> = {},
) => {
  const ledger = await createFundedLedger();
  ledger.store.execute.mockResolvedValueOnce(result);
  return ledger.deposit('a1', { body: { amount: 1 }, headers });
};
/** A command on a route that may be refused for anything: which routes are, is the document's. */
const refusedFor = (code: RejectionCode) => {
  const { store } = createTestLedger();
  store.execute.mockResolvedValueOnce(rejected(code));
  const request = { route: '/things/{accountId}', path: { accountId: 'a1' }, body: { amount: 1 } };
  return send(deposit({ store, ...http }), request);
};
const rejected = (code: RejectionCode): CommandResult => ({
  outcome: 'rejected',
  rejection: { code, detail: 'Because.' },
  replayed: false,
});

const cases: Readonly<Record<ProblemCode, Case>> = {
  validation_failed: {
    status: 400,
    ask: async () => (await createFundedLedger()).deposit('a1', { body: { amount: 0 } }),
    body: {
      errors: [{ path: 'amount', message: expect.stringContaining('1 to 9007199254740991') }],
    },
  },
  malformed_json: {
    status: 400,
    ask: async () => (await createFundedLedger()).deposit('a1', { rawBody: '{"amount":' }),
  },
  forbidden: {
    status: 403,
    ask: () => {
      const handler = getTransfer({ ...createTestLedger(), ...httpWithTokens });
      const claims = { sub: 'alice', scope: 'ledger:write' };
      return send(handler, { path: { transferId: 't1' }, claims });
    },
  },
  account_not_found: {
    status: 404,
    ask: () => createTestLedger().deposit('missing', { body: { amount: 1 } }),
  },
  transfer_not_found: {
    status: 404,
    ask: () => {
      const { store, views } = createTestLedger();
      return send(getTransfer({ store, views, ...http }), { path: { transferId: 'missing' } });
    },
  },
  command_not_found: {
    status: 404,
    ask: () => {
      const { recordOf, isOwnedBy, commitAt } = createTestLedger().store;
      return send(
        getCommand({
          store: {
            recordOf,
            isOwnedBy,
            commitAt,
            help: async () => false,
          },
          endOfHold: async () => undefined,
          clock: () => 0,
          ...http,
        }),
        {
          path: { accountId: 'a1', commandId: 'missing' },
        },
      );
    },
  },
  route_not_found: {
    status: 404,
    ask: () => send(routeNotFound({ methodsByPath: {}, telemetry }), { route: '/nowhere' }),
  },
  method_not_allowed: {
    status: 405,
    ask: () =>
      send(routeNotFound({ methodsByPath: { '/health': ['GET', 'HEAD'] }, telemetry }), {
        method: 'ANY',
        route: '/health',
      }),
    headers: { Allow: 'GET, HEAD' },
  },
  version_not_found: {
    status: 404,
    ask: async () => (await createFundedLedger()).getAccount('a1', { query: { version: '3' } }),
    body: { currentVersion: 2 },
  },
  account_already_exists: {
    status: 409,
    ask: async () => (await createFundedLedger()).open({ accountId: 'a1', currency: 'EUR' }),
  },
  command_in_progress: {
    status: 409,
    ask: () => depositThat({ outcome: 'in_progress' }),
    headers: { 'Retry-After': '1' },
  },
  version_mismatch: {
    status: 412,
    ask: async () =>
      (await createFundedLedger()).withdraw('a1', {
        body: { amount: 1 },
        headers: { 'If-Match': '"7"' },
      }),
    body: { currentVersion: 2 },
  },
  body_too_large: {
    status: 413,
    ask: async () =>
      (await createFundedLedger()).deposit('a1', { body: { reference: 'x'.repeat(16 * 1024) } }),
  },
  unsupported_media_type: {
    status: 415,
    ask: async () =>
      (await createFundedLedger()).deposit('a1', {
        body: { amount: 1 },
        headers: { 'Content-Type': 'text/plain' },
      }),
  },
  insufficient_funds: {
    status: 422,
    ask: async () => (await createFundedLedger()).withdraw('a1', { body: { amount: 10_001 } }),
    body: { available: 10_000 },
  },
  currency_mismatch: {
    status: 422,
    ask: async () =>
      (await createFundedLedger()).deposit('a1', { body: { amount: 1, currency: 'USD' } }),
  },
  same_account: {
    status: 422,
    ask: async () => (await createFundedLedger()).transfer({ from: 'a1', to: 'a1', amount: 1 }),
  },
  amount_out_of_range: {
    status: 422,
    ask: async () =>
      (await createFundedLedger()).deposit('a1', { body: { amount: Number.MAX_SAFE_INTEGER } }),
  },
  account_not_open: { status: 422, ask: () => depositThat(rejected('account_not_open')) },
  account_not_empty: { status: 422, ask: () => refusedFor('account_not_empty') },
  limit_in_use: { status: 422, ask: () => refusedFor('limit_in_use') },
  exceeds_hold: { status: 422, ask: () => refusedFor('exceeds_hold') },
  hold_expired: { status: 422, ask: () => refusedFor('hold_expired') },
  hold_voided: { status: 422, ask: () => refusedFor('hold_voided') },
  hold_captured: { status: 422, ask: () => refusedFor('hold_captured') },
  not_held: { status: 422, ask: () => refusedFor('not_held') },
  not_settled: { status: 422, ask: () => refusedFor('not_settled') },
  already_reversed: { status: 422, ask: () => refusedFor('already_reversed') },
  unbalanced_legs: { status: 422, ask: () => refusedFor('unbalanced_legs') },
  posting_not_found: {
    status: 404,
    ask: () => {
      const { store } = createTestLedger();
      return send(getPosting({ store, ...http }), { path: { postingId: 'missing' } });
    },
  },
  idempotency_key_reused: {
    status: 422,
    ask: async () => {
      const ledger = await createFundedLedger();
      const headers = { 'Idempotency-Key': 'k' };
      await ledger.deposit('a1', { body: { amount: 1 }, headers });
      return ledger.deposit('a1', { body: { amount: 2 }, headers });
    },
  },
  internal_error: {
    status: 500,
    ask: async () => {
      const ledger = await createFundedLedger();
      ledger.store.execute.mockRejectedValueOnce(new Error('a secret of the inside'));
      return ledger.deposit('a1', { body: { amount: 1 } });
    },
  },
  try_again: {
    status: 503,
    ask: () => depositThat({ outcome: 'undecided', reason: 'contention' }),
    headers: { 'Retry-After': '1' },
  },
};

describe('every error of the contract', () => {
  it.each(Object.entries(cases))(
    '%s is answered as problem+json with its status',
    async (code, expected) => {
      const answer = await expected.ask();

      expect(answer.status).toBe(expected.status);
      expect(answer.headers).toMatchObject({
        'Content-Type': 'application/problem+json',
        'X-Correlation-Id': 'gateway-request-id',
        ...expected.headers,
      });
      expect(answer.body).toMatchObject({
        type: `urn:holdfast:problem:${code}`,
        title: expect.stringMatching(/./),
        status: expected.status,
        detail: expect.stringMatching(/./),
        instance: expect.stringMatching(/^\//),
        code,
        ...expected.body,
      });
    },
  );

  it('has nothing in it besides what the contract names', async () => {
    const known = [
      'available',
      'code',
      'currentVersion',
      'detail',
      'errors',
      'instance',
      'status',
      'title',
      'type',
    ];
    for (const { ask } of Object.values(cases)) {
      expect(known).toEqual(expect.arrayContaining(Object.keys((await ask()).body)));
    }
  });

  it('is in the one table of codes', () => {
    expect(Object.keys(cases).sort()).toEqual(Object.keys(PROBLEMS).sort());
  });

  it('tells nothing of the inside where something unexpected was thrown', async () => {
    expect(JSON.stringify(await cases.internal_error.ask())).not.toContain('secret');
  });
});
