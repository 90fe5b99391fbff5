import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import * as z from 'zod/mini';
import type { Interceptor } from '../../local-cloud/endpoint.ts';
import { bearer } from '../../testing/bearer.ts';
import type { Api, ApiAnswer } from '../setup/api.ts';
import { joinTestCloud, type TestCloud } from '../setup/cloud.ts';
import { eventually } from '../setup/eventually.ts';

let cloud: TestCloud;
/** As an operator, who owns the accounts that it opens. */
let api: Api;

beforeAll(async () => {
  cloud = await joinTestCloud();
  api = await cloud.as('operator', 'ledger:operate');
});

afterAll(() => cloud.stop());

type Call = Parameters<Interceptor>[0];

/** As much of the answer to many requests as all have. */
const Results = z.object({ results: z.array(z.unknown()) });

/** Without the times, which differ from one request to the next. */
const withoutTimes = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (name, member: unknown) =>
      /^(?:at|\w+At)$/.test(name) ? undefined : member,
    ),
  );

let accounts = 0;
/** Opens an account of its own for a test. */
const open = async (balance = 0, more: Record<string, unknown> = {}): Promise<string> => {
  accounts += 1;
  const accountId = `bank-${accounts}`;
  await api.account(accountId, balance, more);
  return accountId;
};
const account = async (accountId: string) => (await api.get(`/accounts/${accountId}`)).body;
const post = (path: string, body: unknown = {}, headers: Record<string, string> = {}) =>
  api.post(path, body, headers);
const refused = (answer: ApiAnswer, status: number, code: string, more: object = {}) =>
  expect(answer).toMatchObject({ status, body: { code, ...more } });

/** A transfer that holds 60 of 100, from a new account to another. */
const held = async (hold: object = {}) => {
  const [from, to] = [await open(100), await open()];
  const answer = await post('/transfers', { from, to, amount: 60, reference: 'order 7', hold });
  const transferId = String(answer.body['transferId']);
  return { from, to, transferId, answer, path: `/transfers/${transferId}` };
};
const transfer = async (transferId: string) => (await api.get(`/transfers/${transferId}`)).body;
const ended = (transferId: string) => api.ended(transferId);

describe('what is said of an account', () => {
  it('is shown from its opening on, changed in part, and removed', async () => {
    const said = { name: 'Household', metadata: { 'crm.id': '4711', branch: 'north' } };
    const accountId = await open(5, said);
    expect(await account(accountId)).toMatchObject({ ...said, balance: 5, version: 2 });
    const amended = await api.patch(`/accounts/${accountId}`, {
      name: 'Rent',
      metadata: { branch: null, desk: '3' },
    });
    expect(amended).toMatchObject({
      status: 200,
      body: { name: 'Rent', metadata: { 'crm.id': '4711', desk: '3' }, version: 3 },
    });
    expect(amended.headers.get('etag')).toBe('"3"');
    expect(await account(accountId)).toEqual(amended.body);
    expect((await api.get(`/accounts/${accountId}?version=2`)).body).toMatchObject(said);
    const same = await api.patch(`/accounts/${accountId}`, { name: 'Rent' });
    expect(same).toMatchObject({ status: 200, body: { version: 3 } });
  });

  it('is bounded, with what is there already', async () => {
    const accountId = await open(0, { metadata: { a: 'x'.repeat(2_000) } });
    const answer = await api.patch(`/accounts/${accountId}`, {
      metadata: { b: 'x'.repeat(99) },
    });
    refused(answer, 400, 'validation_failed', { errors: [{ path: 'metadata' }] });
    refused(await api.patch(`/accounts/${accountId}`, {}), 400, 'validation_failed');
    const named = await api.patch(`/accounts/${accountId}`, '{"metadata":{"__proto__":"x"}}');
    refused(named, 400, 'malformed_json');
  });

  it('changes the overdraft no further than it is in use', async () => {
    const accountId = await open(0, { overdraftLimit: 100 });
    await post(`/accounts/${accountId}/withdrawals`, { amount: 60 });
    const path = `/accounts/${accountId}`;
    refused(await api.patch(path, { overdraftLimit: 59 }), 422, 'limit_in_use', {
      available: -60,
    });
    expect(await api.patch(path, { overdraftLimit: 60 })).toMatchObject({
      status: 200,
      body: { overdraftLimit: 60 },
    });
  });
});

describe('the accounts of an owner', () => {
  it('are listed newest first, each on one page', async () => {
    const opened = [await open(1), await open(2), await open(3)];
    const seen: unknown[] = [];
    await eventually(async () => {
      seen.length = 0;
      let cursor: unknown;
      do {
        const query: string = cursor === undefined ? '' : `&cursor=${cursor}`;
        const page = await api.get(`/accounts?limit=2${query}`);
        const list = page.body['accounts'];
        if (Array.isArray(list)) seen.push(...list.map(({ accountId }) => accountId));
        cursor = page.body['nextCursor'];
      } while (cursor !== undefined);
      expect(seen).toEqual(expect.arrayContaining(opened));
    });
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.slice(0, 3)).toEqual(opened.toReversed());
  });
});

describe('a frozen account', () => {
  it('with its debits frozen pays nothing out, and takes money in', async () => {
    const [accountId, other] = [await open(100), await open(100)];
    const frozen = await post(`/accounts/${accountId}/freeze`, {
      scope: 'debits',
      reason: 'court',
    });
    expect(frozen).toMatchObject({ status: 200, body: { status: 'frozen', frozen: 'debits' } });
    const again = await post(`/accounts/${accountId}/freeze`, { scope: 'debits' });
    expect(again).toMatchObject({ status: 200, body: { version: frozen.body['version'] } });
    refused(
      await post(`/accounts/${accountId}/withdrawals`, { amount: 1 }),
      422,
      'account_not_open',
    );
    refused(
      await post('/transfers', { from: accountId, to: other, amount: 1 }),
      422,
      'account_not_open',
    );
    expect(await post(`/accounts/${accountId}/deposits`, { amount: 1 })).toMatchObject({
      status: 201,
    });
    const { ended: into } = await api.transfer({
      transferId: `into-${accountId}`,
      from: other,
      to: accountId,
      amount: 1,
    });
    expect(into.body).toMatchObject({ status: 'settled' });
    const open_ = await post(`/accounts/${accountId}/unfreeze`);
    expect(open_).toMatchObject({ status: 200, body: { status: 'open' } });
    expect(open_.body).not.toHaveProperty('frozen');
    expect(await post(`/accounts/${accountId}/withdrawals`, { amount: 1 })).toMatchObject({
      status: 201,
    });
  });

  it('with all of it frozen takes nothing in: a transfer is released', async () => {
    const [accountId, other] = [await open(), await open(100)];
    await post(`/accounts/${accountId}/freeze`, { scope: 'all' });
    refused(await post(`/accounts/${accountId}/deposits`, { amount: 1 }), 422, 'account_not_open');
    const { ended: end } = await api.transfer({
      transferId: `frozen-${accountId}`,
      from: other,
      to: accountId,
      amount: 1,
    });
    expect(end.body).toMatchObject({ status: 'released', reason: 'account_not_open' });
    expect(await account(other)).toMatchObject({ balance: 100, reserved: 0 });
  });
});

describe('closing an account', () => {
  it('takes an empty one, and is for ever', async () => {
    const accountId = await open(5);
    const path = `/accounts/${accountId}`;
    refused(await post(`${path}/close`), 422, 'account_not_empty');
    await post(`${path}/withdrawals`, { amount: 5 });
    const closed = await post(`${path}/close`);
    expect(closed).toMatchObject({
      status: 200,
      body: { status: 'closed', closedAt: expect.any(String) },
    });
    expect(await post(`${path}/close`)).toMatchObject({ status: 200, body: closed.body });
    for (const answer of [
      await post(`${path}/deposits`, { amount: 1 }),
      await post(`${path}/freeze`, { scope: 'all' }),
      await api.patch(path, { name: 'x' }),
    ])
      refused(answer, 422, 'account_not_open');
  });
});

describe('a hold', () => {
  it('reserves and rests, shows in the steps, and is captured whole', async () => {
    const { from, to, transferId, answer, path } = await held();
    expect(answer).toMatchObject({
      status: 202,
      body: { status: 'held', heldAmount: 60, amount: 60, steps: [{ step: 'held' }] },
    });
    expect(await account(from)).toMatchObject({ balance: 100, reserved: 60, available: 40 });
    expect(await transfer(transferId)).toMatchObject({ status: 'held' });
    await eventually(async () => {
      const list = await api.get(`/accounts/${from}/transfers?status=held`);
      expect(list.body).toMatchObject({ transfers: [{ transferId, status: 'held' }] });
    });
    const captured = await post(`${path}/capture`);
    expect(captured).toMatchObject({
      status: 202,
      body: { status: 'reserved', amount: 60, heldAmount: 60, reference: 'order 7' },
    });
    expect((await ended(transferId)).body).toMatchObject({
      status: 'settled',
      amount: 60,
      steps: [{ step: 'held' }, { step: 'reserved' }, { step: 'credited' }, { step: 'settled' }],
    });
    expect(await account(to)).toMatchObject({ balance: 60 });
    refused(await post(`${path}/capture`), 422, 'hold_captured');
    refused(await post(`${path}/void`), 422, 'hold_captured');
  });

  it('is captured in part: the remainder is given back at once', async () => {
    const { from, to, transferId, path } = await held();
    refused(await post(`${path}/capture`, { amount: 61 }), 422, 'exceeds_hold');
    const keyed = { 'Idempotency-Key': 'capture' };
    const captured = await post(`${path}/capture`, { amount: 25 }, keyed);
    expect(captured).toMatchObject({ status: 202, body: { amount: 25, heldAmount: 60 } });
    const again = await post(`${path}/capture`, { amount: 25 }, keyed);
    expect(again).toMatchObject({ status: 202, body: captured.body });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect((await ended(transferId)).body).toMatchObject({ status: 'settled', amount: 25 });
    expect(await account(from)).toMatchObject({ balance: 75, reserved: 0 });
    expect(await account(to)).toMatchObject({ balance: 25 });
  });

  it('is voided', async () => {
    const { from, transferId, path } = await held();
    expect(await post(`${path}/void`)).toMatchObject({
      status: 200,
      body: { status: 'released', reason: 'voided', reference: 'order 7' },
    });
    expect(await account(from)).toMatchObject({ balance: 100, reserved: 0 });
    refused(await post(`${path}/capture`), 422, 'hold_voided');
    refused(await post(`${path}/void`), 422, 'hold_voided');
    await eventually(async () =>
      expect(await transfer(transferId)).toMatchObject({ status: 'released', reason: 'voided' }),
    );
  });

  it('expires, though nobody asks', async () => {
    const expiresAt = new Date(Date.now() + 1_500).toISOString();
    const { from, transferId, path } = await held({ expiresAt });
    await eventually(async () => {
      await cloud.function('expire-holds').invoke({});
      expect(await account(from)).toMatchObject({ reserved: 0 });
    }, 60_000);
    refused(await post(`${path}/capture`), 422, 'hold_expired');
    expect((await ended(transferId)).body).toMatchObject({ status: 'released', reason: 'expired' });
  });

  it('is not captured once its time is over, however late the schedule is', async () => {
    const expiresAt = Date.now() + 1_500;
    const { path } = await held({ expiresAt: new Date(expiresAt).toISOString() });
    await eventually(() => expect(Date.now()).toBeGreaterThan(expiresAt));
    await eventually(async () => refused(await post(`${path}/capture`), 422, 'hold_expired'));
  });

  it('is refused where it would end before it begins, however good it was when it was asked for', async () => {
    const [from, to] = [await open(100), await open()];
    const expiresAt = Date.now() + 3_000;
    const stop = cloud.intercept(async (call, forward) => {
      if (call.operation === 'GetItem' || call.operation === 'Query')
        await eventually(() => expect(Date.now()).toBeGreaterThan(expiresAt));
      return forward();
    });
    const hold = { expiresAt: new Date(expiresAt).toISOString() };
    const answer = await post('/transfers', { from, to, amount: 60, hold }).finally(stop);
    refused(answer, 422, 'hold_expired');
    expect(await account(from)).toMatchObject({ balance: 100, reserved: 0 });
  });

  it('stays while its source is frozen', async () => {
    const { from, path } = await held();
    await post(`/accounts/${from}/freeze`, { scope: 'all' });
    refused(await post(`${path}/capture`), 422, 'account_not_open');
    expect(await account(from)).toMatchObject({ reserved: 60 });
    await post(`/accounts/${from}/unfreeze`);
    expect(await post(`${path}/capture`)).toMatchObject({ status: 202 });
  });

  it('is released with the reason where its destination was closed meanwhile', async () => {
    const { from, to, transferId, path } = await held();
    await post(`/accounts/${to}/close`);
    await post(`${path}/capture`);
    expect((await ended(transferId)).body).toMatchObject({
      status: 'released',
      reason: 'account_not_open',
    });
    expect(await account(from)).toMatchObject({ balance: 100, reserved: 0 });
  });

  it('is asked for within a year, and ahead', async () => {
    const [from, to] = [await open(100), await open()];
    const until = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
    for (const expiresAt of [until(366), until(-1)]) {
      const answer = await post('/transfers', { from, to, amount: 1, hold: { expiresAt } });
      refused(answer, 400, 'validation_failed', { errors: [{ path: 'hold.expiresAt' }] });
    }
  });

  it('is no other transfer', async () => {
    const [from, to] = [await open(100), await open()];
    const transferId = `plain-${from}`;
    await api.transfer({ transferId, from, to, amount: 1 });
    refused(await post(`/transfers/${transferId}/capture`), 422, 'not_held');
    refused(await post(`/transfers/${transferId}/void`), 422, 'not_held');
    refused(await post('/transfers/nothing/capture'), 404, 'transfer_not_found');
  });
});

describe('a reversal', () => {
  const settled = async (amount = 60) => {
    const [from, to] = [await open(100), await open()];
    const transferId = `paid-${from}`;
    await api.transfer({ transferId, from, to, amount });
    return { from, to, transferId, path: `/transfers/${transferId}/reversal` };
  };

  it('takes a transfer back, in parts that never exceed it, and is linked both ways', async () => {
    const { from, to, transferId, path } = await settled();
    const part = await post(path, { amount: 20, reference: 'returned' });
    expect(part).toMatchObject({
      status: 202,
      body: { from: to, to: from, amount: 20, reverses: transferId },
    });
    const first = String(part.body['transferId']);
    expect((await ended(first)).body).toMatchObject({ status: 'settled', reverses: transferId });
    refused(await post(path, { amount: 41 }), 422, 'already_reversed', { reversible: 40 });
    const rest = await post(path);
    expect(rest).toMatchObject({ status: 202, body: { amount: 40 } });
    await ended(String(rest.body['transferId']));
    refused(await post(path), 422, 'already_reversed', { reversible: 0 });
    expect(await account(from)).toMatchObject({ balance: 100 });
    expect(await account(to)).toMatchObject({ balance: 0 });
    await eventually(async () =>
      expect((await transfer(transferId))['reversals']).toEqual(
        expect.arrayContaining([{ transferId: first, amount: 20, status: 'settled' }]),
      ),
    );
  });

  it('is refused where the money is spent, and can be tried again', async () => {
    const { to, path } = await settled();
    await post(`/accounts/${to}/withdrawals`, { amount: 60 });
    refused(await post(path), 422, 'insufficient_funds');
    await post(`/accounts/${to}/deposits`, { amount: 60 });
    expect(await post(path)).toMatchObject({ status: 202, body: { amount: 60 } });
  });

  it('gives its part back where it is released', async () => {
    const { from, to, path } = await settled();
    await post(`/accounts/${from}/freeze`, { scope: 'all' });
    const lost = await post(path, { amount: 50 });
    expect((await ended(String(lost.body['transferId']))).body).toMatchObject({
      status: 'released',
    });
    await post(`/accounts/${from}/unfreeze`);
    expect(await account(to)).toMatchObject({ balance: 60, reserved: 0 });
    expect(await post(path)).toMatchObject({ status: 202, body: { amount: 60 } });
  });

  it('is of what was credited, whatever has become of the accounts', async () => {
    const from = await open(9);
    const transferId = `to-nobody-${from}`;
    await api.transfer({ transferId, from, to: 'nobody-there', amount: 1 });
    const reversal = `/transfers/${transferId}/reversal`;
    refused(await post(reversal), 422, 'not_settled');
    refused(await post(`${reversal}?dryRun=true`), 422, 'not_settled');
    refused(await post(reversal, {}, { 'If-Match': '"3"' }), 412, 'version_mismatch');
    const dollars = await open(0, { currency: 'USD' });
    const other = `in-dollars-${from}`;
    await api.transfer({ transferId: other, from, to: dollars, amount: 1 });
    refused(await post(`/transfers/${other}/reversal`), 422, 'not_settled');
  });

  it('is of what was credited', async () => {
    const { path } = await held();
    refused(await post(`${path}/reversal`), 422, 'not_settled');
    const keyed = { 'Idempotency-Key': 'reversal' };
    refused(await post(`${path}/reversal`, {}, keyed), 422, 'not_settled');
    await post(`${path}/capture`);
    await api.ended(path.replace('/transfers/', ''));
    const again = await post(`${path}/reversal`, {}, keyed);
    refused(again, 422, 'not_settled');
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await post(`${path}/reversal`)).toMatchObject({ status: 202 });
  });
});

describe('a posting', () => {
  const legsOf = (ids: readonly string[], amounts: readonly number[]) =>
    ids.map((accountId, index) => ({ accountId, amount: amounts[index] ?? 0 }));

  it('lands whole, and is there to be read', async () => {
    const ids = [await open(100), await open(), await open()];
    const body = {
      postingId: `p-${ids[0]}`,
      legs: legsOf(ids, [-100, 97, 3]),
      reference: 'order 4711',
      metadata: { shop: '9' },
    };
    const posted = await post('/postings', body);
    expect(posted).toMatchObject({ status: 201, body: { ...body, currency: 'EUR' } });
    expect(posted.headers.get('location')).toBe(`/postings/${body.postingId}`);
    expect(await api.get(`/postings/${body.postingId}`)).toMatchObject({
      status: 200,
      body: { ...body, legs: posted.body['legs'] },
    });
    expect((await api.get(`/accounts/${ids[1]}/entries`)).body).toMatchObject({
      entries: [{ kind: 'posting_in', amount: 97, postingId: body.postingId }],
    });
    const again = await post('/postings', body);
    expect(again).toMatchObject({ status: 201, body: posted.body });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    refused(await api.get('/postings/nothing'), 404, 'posting_not_found');
  });

  it('lands not at all where a leg is refused, which is named', async () => {
    const ids = [await open(100), await open(10), await open()];
    refused(
      await post('/postings', { legs: legsOf(ids, [-50, -11, 61]) }),
      422,
      'insufficient_funds',
      { leg: 1, available: 10 },
    );
    expect(await account(String(ids[0]))).toMatchObject({ balance: 100 });
    const missing = [String(ids[0]), 'nobody-there'];
    refused(await post('/postings', { legs: legsOf(missing, [-1, 1]) }), 422, 'account_not_found', {
      leg: 1,
    });
    const unbalanced = { legs: legsOf(ids, [-50, 10, 39]) };
    refused(await post('/postings', unbalanced), 422, 'unbalanced_legs');
    const keyed = { 'Idempotency-Key': 'unbalanced' };
    refused(await post('/postings', unbalanced, keyed), 422, 'unbalanced_legs');
    const again = await post('/postings', unbalanced, keyed);
    refused(again, 422, 'unbalanced_legs');
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    const balanced = { legs: legsOf(ids, [-50, 10, 40]) };
    refused(await post('/postings', balanced, keyed), 422, 'idempotency_key_reused');
    refused(await post('/postings?dryRun=true', balanced, keyed), 422, 'idempotency_key_reused');
    const dollars = await open(0, { currency: 'USD' });
    refused(
      await post('/postings', { legs: legsOf([String(ids[0]), dollars], [-1, 1]) }),
      422,
      'currency_mismatch',
      { leg: 1 },
    );
    for (const legs of [
      legsOf([String(ids[0])], [-1]),
      legsOf([String(ids[0]), String(ids[0])], [-1, 1]),
      legsOf(ids, [-1, 0, 1]),
    ])
      refused(await post('/postings', { legs }), 400, 'validation_failed');
  });
});

describe('many requests in one', () => {
  it('are each decided, in order, and hear what they would have heard alone', async () => {
    const [a, b] = [await open(), await open()];
    const items = [
      { type: 'withdrawal', accountId: a, amount: 1 },
      { type: 'deposit', accountId: a, amount: 10, key: 'in' },
      { type: 'withdrawal', accountId: a, amount: 4 },
      { type: 'transfer', from: a, to: b, amount: 6 },
      { type: 'deposit', accountId: 'nobody-there', amount: 1 },
      { type: 'deposit', accountId: a, amount: 0 },
      { type: 'gift' },
    ];
    const keyed = { 'Idempotency-Key': `bulk-${a}` };
    const answer = await post('/bulk', { items }, keyed);
    expect(answer).toMatchObject({
      status: 200,
      body: {
        results: [
          { status: 422, body: { code: 'insufficient_funds' } },
          { status: 201, body: { kind: 'deposit', balanceAfter: 10 } },
          { status: 201, body: { kind: 'withdrawal', balanceAfter: 6 } },
          { status: 202, body: { from: a, to: b, amount: 6 } },
          { status: 404, body: { code: 'account_not_found' } },
          { status: 400, body: { code: 'validation_failed' } },
          { status: 400, body: { code: 'validation_failed' } },
        ],
      },
    });
    const again = await post('/bulk', { items }, keyed);
    const { results } = again.body;
    expect(results).toMatchObject([
      { status: 422, replayed: true },
      { status: 201, replayed: true },
      {},
      {},
      {},
      {},
      {},
    ]);
    await eventually(async () => expect(await account(a)).toMatchObject({ balance: 0 }));
    refused(
      await post('/bulk', { items: items.slice(0, 2) }, keyed),
      422,
      'idempotency_key_reused',
    );
  });

  it('of one account share commits: 500 deposits in at most 8', async () => {
    const accountId = await open();
    const items = Array.from({ length: 500 }, (_, index) => ({
      type: 'deposit',
      accountId,
      amount: 1,
      key: `d-${index}`,
    }));
    const answer = await post('/bulk', { items });
    const { results } = answer.body;
    expect(Array.isArray(results) && results.every(({ status }) => status === 201)).toBe(true);
    expect(await account(accountId)).toMatchObject({ balance: 500, version: 501 });
    refused(await post('/bulk', { items: [...items, items[0]] }), 400, 'validation_failed');
  });

  it('take no version to be decided at, for they are about several accounts', async () => {
    const accountId = await open(5);
    const bodies = {
      '/bulk': { items: [{ type: 'withdrawal', accountId, amount: 1 }] },
      '/postings': {
        legs: [
          { accountId, amount: -1 },
          { accountId: await open(), amount: 1 },
        ],
      },
    };
    for (const [path, body] of Object.entries(bodies)) {
      for (const tag of ['"1"', '*', 'rubbish']) {
        const answer = await post(path, body, { 'If-Match': tag });
        refused(answer, 400, 'validation_failed', { errors: [{ path: 'If-Match' }] });
      }
    }
    expect(await account(accountId)).toMatchObject({ balance: 5 });
  });

  it('have holds of the terms that a hold may have', async () => {
    const [from, to] = [await open(100), await open()];
    const until = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
    const item = (expiresAt: string) => ({
      ...{ type: 'transfer', transferId: `terms-${from}`, from, to, amount: 1 },
      hold: { expiresAt },
    });
    for (const expiresAt of [until(366), until(-1)]) {
      const { body } = await post('/bulk', { items: [item(expiresAt)] });
      const path = 'hold.expiresAt';
      const body400 = { code: 'validation_failed', errors: [{ path }], instance: '/transfers' };
      expect(body).toMatchObject({ results: [{ status: 400, body: body400 }] });
    }
    // Nothing was claimed.
    const { body } = await post('/bulk', { items: [item(until(1))] });
    expect(body).toMatchObject({ results: [{ status: 202, body: { status: 'held' } }] });
  });

  it('share their keys with the caller’s other requests, and are repeated as one', async () => {
    const accountId = await open();
    const items = [{ type: 'deposit', accountId, amount: 1 }];
    const key = (name: string) => ({ 'Idempotency-Key': `${name}-${accountId}` });
    await post('/accounts', { currency: 'EUR' }, key('opened'));
    for (const query of ['', '?dryRun=true'])
      refused(await post(`/bulk${query}`, { items }, key('opened')), 422, 'idempotency_key_reused');
    const first = await post('/bulk', { items }, key('many'));
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    for (const [path, body] of [
      ['/accounts', { currency: 'EUR' }],
      ['/accounts?dryRun=true', { currency: 'EUR' }],
      ['/bulk', { items: [...items, ...items] }],
      ['/bulk?dryRun=true', { items: [...items, ...items] }],
    ] as const)
      refused(await post(path, body, key('many')), 422, 'idempotency_key_reused');
    const again = await post('/bulk', { items }, key('many'));
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.body).toMatchObject({ results: [{ status: 201, replayed: true }] });
    expect(await account(accountId)).toMatchObject({ balance: 1 });
  });

  it('name what is wrong in an item, whatever it is, and are counted as one request all the same', async () => {
    const accountId = await open();
    const deposit = { type: 'deposit', accountId, amount: 1 };
    const body = `{"items":[${JSON.stringify(deposit)},[],{"type":"gift","amount":1e-400},{"type":"transfer","from":"a","to":"b","amount":1,"metadata":{"a":1}}]}`;
    for (const replayed of [false, true]) {
      const answer = await post('/bulk', body, { 'Idempotency-Key': `odd-${accountId}` });
      const invalid = (path: string) => ({ status: 400, body: { errors: [{ path }] } });
      const first = { status: 201, ...(replayed ? { replayed } : {}) };
      const results = [first, invalid('item'), invalid('type'), invalid('metadata.a')];
      expect(answer).toMatchObject({ status: 200, body: { results } });
    }
    expect(await account(accountId)).toMatchObject({ balance: 1 });
  });
});

describe('a posting between callers', () => {
  it('tells nobody what another’s account could not take in, while the own one cannot pay', async () => {
    const [theirs, own] = [await open(1_234_567), `eves-${accounts}`];
    const eve = await cloud.as('eve', 'ledger:read ledger:write ledger:deposit');
    await eve.account(own, 5);
    for (const amount of [Number.MAX_SAFE_INTEGER, 6]) {
      const legs = [
        { accountId: theirs, amount },
        { accountId: own, amount: -amount },
      ];
      for (const query of ['', '?dryRun=true'])
        refused(await eve.post(`/postings${query}`, { legs }), 422, 'insufficient_funds', {
          leg: 1,
        });
    }
  });

  it('shows each its own legs, by every route, and what the other has left to none', async () => {
    const [a, b] = [`alices-${accounts}`, `bobs-${accounts}`];
    const scopes = 'ledger:read ledger:write ledger:deposit';
    const [alice, bob] = [await cloud.as('alice', scopes), await cloud.as('bob', scopes)];
    await alice.account(a, 5);
    await bob.account(b, 1_000);
    const legs = [
      { accountId: a, amount: 10 },
      { accountId: b, amount: -10 },
    ];
    const posted = await bob.post('/postings', { legs }, { 'Idempotency-Key': `posted-${b}` });
    expect(posted.body).toMatchObject({ availableAfter: 990 });
    const postingId = String(posted.body['postingId']);
    expect((await alice.get(`/postings/${postingId}`)).body['legs']).toHaveLength(1);
    const told = await alice.get(`/accounts/${a}/commands/${postingId}`);
    refused(told, 404, 'command_not_found');

    const body = {
      postingId: `by-operator-${a}`,
      legs: [
        { ...legs[0], amount: -3 },
        { accountId: await open(), amount: 3 },
      ],
    };
    expect((await post('/postings', body)).body).toMatchObject({ availableAfter: 3 });
    const again = await alice.post('/postings', body);
    expect(again).toMatchObject({ status: 201, body: { postingId: body.postingId } });
    expect(again.body).not.toHaveProperty('availableAfter');
    expect((await post('/postings', body)).body).toMatchObject({ availableAfter: 3 });
  });
});

describe('what fails in the middle', () => {
  const refuse = (name: string, isMeant: (call: Call) => boolean) => {
    const { name: functionName } = cloud.function(name);
    return cloud.intercept(async (call, forward) =>
      call.functionName === functionName && isMeant(call)
        ? {
            status: 400,
            headers: { 'content-type': 'application/x-amz-json-1.0' },
            body: Buffer.from(JSON.stringify({ __type: 'ValidationException', message: 'no' })),
          }
        : forward(),
    );
  };

  it('of one account of a bulk, nothing is said to be undone of the others', async () => {
    const carol = await cloud.as('carol', 'ledger:read ledger:write ledger:deposit');
    const [one, two] = [`carols-${accounts}-1`, `carols-${accounts}-2`];
    for (const accountId of [one, two]) await carol.account(accountId, 10);
    const stop = refuse(
      'bulk',
      ({ operation, body }) => operation === 'Query' && body.includes(two),
    );
    onTestFinished(stop);
    const items = [
      { type: 'withdrawal', accountId: one, amount: 1 },
      { type: 'withdrawal', accountId: two, amount: 1 },
    ];
    const answer = await carol.post('/bulk', { items });
    expect(answer.body).toMatchObject({
      results: [{ status: 201 }, { status: 503, body: { code: 'try_again' } }],
    });
    expect((await carol.get(`/accounts/${one}`)).body).toMatchObject({ balance: 9 });
  });

  it('of a command, once it is done, nobody hears that it was not', async () => {
    const accountId = await open(0, { name: 'Rent' });
    let isDone = false;
    const stop = refuse('freeze-account', ({ operation }) => {
      if (operation === 'PutItem' || operation === 'TransactWriteItems') isDone = true;
      return isDone && operation === 'Query';
    });
    onTestFinished(stop);
    refused(await post(`/accounts/${accountId}/freeze`, { scope: 'all' }), 500, 'internal_error');
    expect(await account(accountId)).toMatchObject({ status: 'frozen', name: 'Rent' });
    await post(`/accounts/${accountId}/unfreeze`);
    isDone = false;
    const keyed = { 'Idempotency-Key': `freeze-${accountId}` };
    refused(await post(`/accounts/${accountId}/freeze`, { scope: 'all' }, keyed), 503, 'try_again');
    stop();
    const told = await post(`/accounts/${accountId}/freeze`, { scope: 'all' }, keyed);
    expect(told).toMatchObject({ status: 200, body: { status: 'frozen', name: 'Rent' } });
  });

  it('of a change of an account, its answer needs no more reads', async () => {
    const accountId = await open(0, { name: 'Rent', metadata: { a: 'b' } });
    let isDone = false;
    const stop = refuse('amend-account', ({ operation }) => {
      if (operation === 'PutItem') isDone = true;
      return isDone && operation === 'Query';
    });
    onTestFinished(stop);
    const answer = await api.patch(`/accounts/${accountId}`, { overdraftLimit: 5 });
    expect(answer).toMatchObject({
      status: 200,
      body: { name: 'Rent', metadata: { a: 'b' }, overdraftLimit: 5, version: 2 },
    });
    stop();
    expect(await account(accountId)).toEqual(answer.body);
  });
});

describe('a dry run', () => {
  /** A transfer of 60 that has been paid in. */
  const paid = async (): Promise<string> => {
    const [from, to] = [await open(100), await open()];
    const transferId = `rehearsed-${from}`;
    await api.transfer({ transferId, from, to, amount: 60 });
    return transferId;
  };
  const frozen = async (): Promise<string> => {
    const accountId = await open();
    await post(`/accounts/${accountId}/freeze`, { scope: 'all' });
    return accountId;
  };
  const said = { reference: 'said beforehand', metadata: { 'order.id': '7' } };
  /** By route: requests that have everything that may be in them, and what each is to be done with. */
  const requests: Readonly<Record<string, () => Promise<readonly [string, object][]>>> = {
    'POST /accounts': async () => [
      [
        '/accounts',
        {
          ...{ accountId: 'rehearsed', owner: 'somebody', currency: 'BHD', overdraftLimit: 3 },
          ...{ name: 'Household', metadata: said.metadata },
        },
      ],
    ],
    'POST /accounts/{accountId}/deposits': async () => [
      [`/accounts/${await open()}/deposits`, { amount: 5, currency: 'EUR', reference: 'r' }],
    ],
    'POST /accounts/{accountId}/withdrawals': async () => [
      [`/accounts/${await open(9)}/withdrawals`, { amount: 5, currency: 'EUR', reference: 'r' }],
    ],
    'POST /accounts/{accountId}/freeze': async () => [
      [`/accounts/${await open(0, { name: 'Rent' })}/freeze`, { scope: 'debits', reason: 'r' }],
    ],
    'POST /accounts/{accountId}/unfreeze': async () => [
      [`/accounts/${await frozen()}/unfreeze`, { reason: 'r' }],
    ],
    'POST /accounts/{accountId}/close': async () => [[`/accounts/${await open()}/close`, {}]],
    'POST /transfers': async () => [
      [
        '/transfers',
        {
          transferId: 'rehearsed-plain',
          ...{ from: await open(9), to: await open(), amount: 5, currency: 'EUR', ...said },
        },
      ],
      [
        '/transfers',
        {
          ...{ transferId: 'rehearsed-hold', from: await open(9), to: await open(), amount: 5 },
          ...{ hold: { expiresAt: new Date(Date.now() + 3_600_000).toISOString() }, ...said },
        },
      ],
    ],
    'POST /transfers/{transferId}/capture': async () => [
      [`${(await held()).path}/capture`, { amount: 20 }],
      [`${(await held()).path}/capture`, {}],
    ],
    'POST /transfers/{transferId}/void': async () => [[`${(await held()).path}/void`, {}]],
    'POST /transfers/{transferId}/reversal': async () => [
      [
        `/transfers/${await paid()}/reversal`,
        { transferId: 'rehearsed-part', amount: 20, reference: 'r' },
      ],
      [`/transfers/${await paid()}/reversal`, { transferId: 'rehearsed-whole' }],
    ],
    'POST /postings': async () => [
      [
        '/postings',
        {
          postingId: 'rehearsed',
          legs: [
            { accountId: await open(9), amount: -5 },
            { accountId: await open(), amount: 5 },
          ],
          ...said,
        },
      ],
    ],
    'POST /bulk': async () => [
      [
        '/bulk',
        {
          items: [
            { type: 'deposit', accountId: await open(), amount: 5, reference: 'r' },
            { type: 'withdrawal', accountId: await open(9), amount: 10 },
          ],
        },
      ],
    ],
  };

  it('is tried of every POST there is', () => {
    const posts = cloud.template.api.routes
      .map(({ routeKey }) => routeKey)
      .filter((route) => route.startsWith('POST '));
    expect(Object.keys(requests).toSorted()).toEqual(posts.toSorted());
  });

  it.each(Object.keys(requests))('of %s answers what it will be answered', async (route) => {
    for (const [path, body] of (await requests[route]?.()) ?? []) {
      const dry = await post(`${path}?dryRun=true`, body);
      const again = await post(`${path}?dryRun=true`, body);
      expect(withoutTimes(again.body)).toEqual(withoutTimes(dry.body));
      const real = await post(path, body);
      expect([200, 201, 202]).toContain(real.status);
      expect(dry.status).toBe(200);
      expect(dry.headers.get('dry-run')).toBe('true');
      expect(withoutTimes(dry.body)).toEqual(withoutTimes(real.body));
    }
  });

  it('of many requests decides each on what the ones before it leave', async () => {
    const accountId = await open(10);
    const twice = { type: 'withdrawal', key: 'twice', accountId, amount: 2 };
    const items = [
      { type: 'withdrawal', accountId, amount: 8 },
      { type: 'withdrawal', accountId, amount: 8 },
      { type: 'deposit', accountId, amount: 6 },
      { type: 'withdrawal', accountId, amount: 8 },
      { type: 'deposit', accountId, amount: 4 },
      ...[twice, twice, { ...twice, amount: 1 }],
      { type: 'transfer', transferId: `r-${accountId}`, from: accountId, to: 'nobody', amount: 1 },
    ];
    const dry = await post('/bulk?dryRun=true', { items });
    expect(dry.body).toMatchObject({
      results: [
        { status: 201, body: { balanceAfter: 2, version: 3 } },
        { status: 422, body: { code: 'insufficient_funds', available: 2 } },
        { status: 201, body: { balanceAfter: 8, version: 4 } },
        { status: 201, body: { balanceAfter: 0 } },
        { status: 201, body: { balanceAfter: 4 } },
        { status: 201, body: { balanceAfter: 2 } },
        { status: 201, body: { balanceAfter: 2 }, replayed: true },
        { status: 422, body: { code: 'idempotency_key_reused' } },
        { status: 404, body: { code: 'account_not_found' } },
      ],
    });
    // Carried out, a transfer to nobody is accepted, and then released.
    const statuses = (answer: ApiAnswer) => z.parse(Results, answer.body).results.slice(0, -1);
    expect(withoutTimes(statuses(await post('/bulk', { items })))).toEqual(
      withoutTimes(statuses(dry)),
    );
  });

  it('says what the destination will say, too', async () => {
    const [hold, whole, part] = [await held(), await paid(), await paid()];
    await post(`/accounts/${hold.to}/close`);
    refused(await post(`${hold.path}/capture?dryRun=true`), 422, 'account_not_open');
    const dollars = await open(0, { currency: 'USD' });
    for (const [to, status, code] of [
      ['nobody', 404, 'account_not_found'],
      [dollars, 422, 'currency_mismatch'],
    ] as const) {
      const { body } = await post('/transfers', { from: await open(10), to, amount: 1, hold: {} });
      const path = `/transfers/${String(body['transferId'])}/capture?dryRun=true`;
      refused(await post(path), status, code);
    }
    for (const [id, body] of [
      [whole, {}],
      [part, { amount: 1 }],
    ] as const) {
      await post(`/accounts/${(await transfer(id))['from']}/freeze`, { scope: 'all' });
      refused(await post(`/transfers/${id}/reversal?dryRun=true`, body), 422, 'account_not_open');
    }
  });

  it('answers as it would be answered, and does nothing', async () => {
    const [a, b] = [await open(100), await open()];
    const before = await account(a);
    const keyed = { 'Idempotency-Key': 'rehearsed' };
    const dry = await post(`/accounts/${a}/withdrawals?dryRun=true`, { amount: 30 }, keyed);
    expect(dry).toMatchObject({ status: 200, body: { kind: 'withdrawal', balanceAfter: 70 } });
    expect(dry.headers.get('dry-run')).toBe('true');
    refused(
      await post(`/accounts/${a}/withdrawals?dryRun=true`, { amount: 101 }),
      422,
      'insufficient_funds',
    );
    expect(await post('/transfers?dryRun=true', { from: a, to: b, amount: 1 })).toMatchObject({
      status: 200,
    });
    refused(
      await post('/transfers?dryRun=true', { from: a, to: 'nobody-there', amount: 1 }),
      404,
      'account_not_found',
    );
    const legs = [
      { accountId: a, amount: -1 },
      { accountId: b, amount: 1 },
    ];
    expect(await post('/postings?dryRun=true', { legs })).toMatchObject({ status: 200 });
    expect(await account(a)).toEqual(before);
    expect(await post(`/accounts/${a}/withdrawals`, { amount: 30 }, keyed)).toMatchObject({
      status: 201,
    });
    const replayed = await post(`/accounts/${a}/withdrawals?dryRun=true`, { amount: 30 }, keyed);
    expect(replayed.headers.get('idempotency-replayed')).toBe('true');
  });
});

describe('a statement', () => {
  it('has the totals of its period on every page, joins with the next, and names its head', async () => {
    const accountId = await open(100);
    await post(`/accounts/${accountId}/withdrawals`, { amount: 30, reference: '=1+1' });
    const { at } = (await post(`/accounts/${accountId}/deposits`, { amount: 5 })).body;
    await eventually(async () => {
      const last = await post(`/accounts/${accountId}/deposits`, { amount: 7 });
      expect(last.body['at'] !== at).toBe(true);
    });
    const path = `/accounts/${accountId}/statement`;
    const until = await api.get(`${path}?to=${at}`);
    expect(until).toMatchObject({
      status: 200,
      body: {
        openingBalance: 0,
        closingBalance: 75,
        credits: { count: 2, amount: 105 },
        debits: { count: 1, amount: 30 },
        firstVersion: 1,
        lastVersion: 4,
        head: { version: 4, hash: expect.any(String) },
        final: false,
      },
    });
    const asIt = await api.get(`/accounts/${accountId}?at=${at}`);
    expect(asIt.body).toMatchObject({ balance: 75, version: 4 });
    const after = await api.get(`${path}?from=${at}`);
    expect(after.body).toMatchObject({ openingBalance: 75, firstVersion: 5 });

    const pages: ApiAnswer[] = [];
    for (let next: string | undefined = `${path}?to=${at}&limit=1`; next; ) {
      const page: ApiAnswer = await api.get(next);
      pages.push(page);
      next = /<([^>]+)>; rel="next"/.exec(page.headers.get('link') ?? '')?.[1];
    }
    const entries = pages.flatMap(({ body }) => body['entries']);
    expect(entries).toEqual(until.body['entries']);
    for (const { body } of pages) expect(body['credits']).toEqual(until.body['credits']);
    const cursor = pages[0]?.body['nextCursor'];
    refused(await api.get(`${path}?cursor=${cursor}&limit=1`), 400, 'validation_failed');
    refused(await api.get('/accounts/nobody-there/statement'), 404, 'account_not_found');
  });

  it('has the account’s version for a tag, in either form', async () => {
    const accountId = await open(5);
    const path = `/accounts/${accountId}/statement`;
    for (const Accept of ['application/json', 'text/csv']) {
      const get = (headers: Record<string, string>) =>
        fetch(cloud.url + path, { headers: { Accept, ...bearer(cloud.operator), ...headers } });
      const answer = await get({});
      expect([answer.status, answer.headers.get('etag')]).toEqual([200, '"2"']);
      const known = await get({ 'If-None-Match': '"2"' });
      expect([known.status, known.headers.get('etag')]).toEqual([304, '"2"']);
      expect(await known.text()).toBe('');
    }
    await post(`/accounts/${accountId}/deposits`, { amount: 1 });
    expect((await api.get(path, { 'If-None-Match': '"2"' })).status).toBe(200);
  });

  it('does not begin after its end, said or not', async () => {
    const path = `/accounts/${await open(5)}/statement`;
    for (const query of [
      'from=2099-01-01T00:00:00Z',
      'from=2020-01-02T00:00:00Z&to=2020-01-01T00:00:00Z',
    ])
      refused(await api.get(`${path}?${query}`), 400, 'validation_failed');
  });

  it('comes as CSV of which all pages join to the whole', async () => {
    const accountId = await open(12345);
    await post(`/accounts/${accountId}/withdrawals`, { amount: 45, reference: '=HYPERLINK("x")' });
    const read = async (query: string) => {
      const response = await fetch(`${cloud.url}/accounts/${accountId}/statement${query}`, {
        headers: { Accept: 'text/csv', ...bearer(cloud.operator) },
      });
      expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8');
      const link = /<[^>]*\?([^>]+)>/.exec(response.headers.get('link') ?? '')?.[1];
      return { text: await response.text(), next: link && `?${link}` };
    };
    const { text: whole } = await read('');
    let [joined, next]: [string, string | undefined] = ['', '?limit=1'];
    while (next) {
      const page: Awaited<ReturnType<typeof read>> = await read(next);
      joined += page.text;
      next = page.next;
    }
    expect(joined).toBe(whole);
    const [header, first, second] = whole.split('\r\n');
    expect(header).toContain('amount,amountDecimal,balanceAfter,balanceAfterDecimal');
    expect(first).toContain('12345,123.45,12345,123.45');
    expect(second).toContain(`"'=HYPERLINK(""x"")"`);
  });
});

describe('a cursor', () => {
  it('is of the list of one account, and means nothing in that of another', async () => {
    const [a, b] = [await open(9), await open(9)];
    for (const accountId of [a, b]) {
      for (let n = 0; n < 3; n += 1) {
        await post(`/accounts/${accountId}/withdrawals`, { amount: 1 });
        await api.transfer({
          transferId: `${accountId}-${n}`,
          from: accountId,
          to: 'x',
          amount: 1,
        });
      }
    }
    for (const list of ['entries', 'transfers', 'statement']) {
      const { body } = await api.get(`/accounts/${a}/${list}?limit=1`);
      const cursor = String(body['nextCursor']);
      expect(await api.get(`/accounts/${a}/${list}?limit=1&cursor=${cursor}`)).toMatchObject({
        status: 200,
      });
      const other = await api.get(`/accounts/${b}/${list}?limit=1&cursor=${cursor}`);
      refused(other, 400, 'validation_failed', { errors: [{ path: 'cursor' }] });
    }
  });
});

describe('what the caller has left', () => {
  it('is in the answers that move money', async () => {
    const [a, b] = [await open(100), await open()];
    const moved = await post(`/accounts/${a}/withdrawals`, { amount: 30 });
    expect(moved.body).toMatchObject({ availableAfter: 70 });
    const { answer } = await api.transfer({
      transferId: `left-${a}`,
      from: a,
      to: b,
      amount: 5,
    });
    expect(answer.body).toMatchObject({ availableAfter: 65 });
    expect(await transfer(`left-${a}`)).not.toHaveProperty('availableAfter');
  });
});

describe('a reference', () => {
  it('finds the transfers that have exactly it', async () => {
    const [from, to] = [await open(100), await open()];
    for (const [transferId, reference] of [
      [`r1-${from}`, 'rent'],
      [`r2-${from}`, 'rent 2'],
    ] as const)
      await api.transfer({
        transferId,
        from,
        to,
        amount: 1,
        reference,
        metadata: { n: '1' },
      });
    await eventually(async () => {
      const list = await api.get(`/accounts/${from}/transfers?reference=rent`);
      expect(list.body['transfers']).toMatchObject([
        { transferId: `r1-${from}`, reference: 'rent', metadata: { n: '1' } },
      ]);
    });
  });
});
