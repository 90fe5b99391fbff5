import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Way, waysWith } from '../setup/api.ts';
import { joinTestCloud, type TestCloud, unexpected } from '../setup/cloud.ts';

let cloud: TestCloud;

beforeAll(async () => {
  cloud = await joinTestCloud();
});

afterAll(() => cloud.stop());

const balanceOf = async (accountId: string) =>
  (await cloud.api.get(`/accounts/${accountId}`)).body['balance'];

describe('a transfer of 2500 from alice to bob', () => {
  let way: Way;
  /** The source's version once the transfer has settled. */
  let version: number;

  beforeAll(async () => {
    await cloud.api.account('alice', 10_000);
    await cloud.api.account('bob');
    const transfer = { transferId: 'rent-11', from: 'alice', to: 'bob', amount: 2_500 };
    const sent = await cloud.api.transfer(
      { ...transfer, reference: 'rent' },
      { 'X-Correlation-Id': 'my-request' },
    );
    const { answer } = sent;
    ({ way } = sent);
    version = way === 'short' ? 3 : 5;
    expect(waysWith(inject('transfers'))).toContain(way);
    expect(answer.body).toMatchObject({ ...transfer, currency: 'EUR' });
    expect(answer.headers.get('location')).toBe('/transfers/rent-11');
    expect(answer.headers.get('x-correlation-id')).toBe('my-request');
  });

  it('is settled, with its steps', async () => {
    expect((await cloud.api.get('/transfers/rent-11')).body).toEqual({
      transferId: 'rent-11',
      from: 'alice',
      to: 'bob',
      amount: 2_500,
      currency: 'EUR',
      status: 'settled',
      reference: 'rent',
      requestedAt: expect.any(String),
      endedAt: expect.any(String),
      steps: [
        ...(way === 'long'
          ? [{ step: 'reserved', accountId: 'alice', version: 3, at: expect.any(String) }]
          : []),
        { step: 'credited', accountId: 'bob', version: 2, at: expect.any(String) },
        { step: 'settled', accountId: 'alice', version, at: expect.any(String) },
      ],
    });
  });

  it('has moved the money', async () => {
    const source = await cloud.api.get('/accounts/alice');
    expect(source.body).toMatchObject({
      balance: 7_500,
      reserved: 0,
      available: 7_500,
      version,
    });
    expect(source.headers.get('etag')).toBe(`"${version}"`);
    expect(await balanceOf('bob')).toBe(2_500);
  });

  it('is a line on both statements', async () => {
    const { body: statement } = await cloud.api.get('/accounts/alice/entries');
    expect(statement['asOfVersion']).toBe(version);
    expect(statement['entries']).toMatchObject([
      {
        entryId: `alice-${version}`,
        kind: 'transfer_out',
        amount: 2_500,
        balanceAfter: 7_500,
        counterparty: 'bob',
        transferId: 'rent-11',
      },
      { entryId: 'alice-2', kind: 'deposit', amount: 10_000, balanceAfter: 10_000 },
    ]);
    expect((await cloud.api.get('/accounts/bob/entries')).body['entries']).toMatchObject([
      {
        entryId: 'bob-2',
        kind: 'transfer_in',
        amount: 2_500,
        balanceAfter: 2_500,
        counterparty: 'alice',
        reference: 'rent',
      },
    ]);
  });

  it.each(['alice', 'bob'])(
    'is among the transfers of %s, and of the settled ones alone',
    async (accountId) => {
      const transfers = (query = '') => cloud.api.get(`/accounts/${accountId}/transfers${query}`);
      expect((await transfers()).body['transfers']).toMatchObject([
        { transferId: 'rent-11', status: 'settled' },
      ]);
      expect((await transfers('?status=settled')).body['transfers']).toHaveLength(1);
      expect((await transfers('?status=released')).body['transfers']).toEqual([]);
    },
  );

  it('can be seen as it was on the way, where it was', async () => {
    const { body } = await cloud.api.get('/accounts/alice?version=3');
    expect(body).toMatchObject({ available: 7_500 });
    expect([body['balance'], body['reserved']]).toEqual(
      way === 'long' ? [10_000, 2_500] : [7_500, 0],
    );
  });

  it('is replayed when it is sent again, and refused when it is another', async () => {
    const request = {
      transferId: 'rent-11',
      from: 'alice',
      to: 'bob',
      amount: 2_500,
      reference: 'rent',
    };
    const again = await cloud.api.post('/transfers', request);
    expect(again).toMatchObject({
      status: 202,
      body: { transferId: 'rent-11', status: way === 'long' ? 'reserved' : 'settled' },
    });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await cloud.api.post('/transfers', { ...request, amount: 1 })).toMatchObject({
      status: 422,
      body: { code: 'idempotency_key_reused' },
    });
    expect(await balanceOf('alice')).toBe(7_500);
  });
});

it('Prefer: wait answers once the transfer has ended', async () => {
  await cloud.api.account('w1', 100);
  await cloud.api.account('w2');
  const answer = await cloud.api.post(
    '/transfers',
    { from: 'w1', to: 'w2', amount: 40 },
    { Prefer: 'wait=10' },
  );
  expect(answer).toMatchObject({ status: 202, body: { status: 'settled' } });
  expect(await balanceOf('w2')).toBe(40);
});

describe('a transfer that the destination cannot take is accepted, then released, and the source is whole again', () => {
  it.each([
    ['missing', 'account_not_found', async () => {}],
    [
      'in-dollars',
      'currency_mismatch',
      () => cloud.api.account('in-dollars', 0, { currency: 'USD' }),
    ],
    ['full', 'amount_out_of_range', () => cloud.api.account('full', Number.MAX_SAFE_INTEGER)],
  ])('%s: %s', async (to, reason, prepare) => {
    await prepare();
    const from = `to-${to}`;
    await cloud.api.account(from, 100);
    const { body } = await cloud.api.post('/transfers', { from, to, amount: 60 });
    const ended = await cloud.api.ended(String(body['transferId']));
    expect(ended.body).toMatchObject({
      status: 'released',
      reason,
      steps: [{ step: 'reserved' }, { step: 'released' }],
    });
    expect((await cloud.api.get(`/accounts/${from}`)).body).toMatchObject({
      balance: 100,
      reserved: 0,
      available: 100,
    });
  });
});

it('50 transfers at 4 concurrent, both ways between two accounts, are all settled, and no money is lost or made', async () => {
  await cloud.api.account('left', 1_000);
  await cloud.api.account('right', 1_000);
  const ids = Array.from({ length: 50 }, (_, n) => `both-ways-${n}`);
  const queue = [...ids.entries()];
  const caller = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const [n, transferId] = next;
      const [from, to] = n % 2 === 0 ? ['left', 'right'] : ['right', 'left'];
      const body = { transferId, from, to, amount: n + 1 };
      expect(await cloud.api.post('/transfers', body, { Prefer: 'wait=10' })).toMatchObject({
        status: 202,
      });
    }
  };
  await Promise.all(Array.from({ length: 4 }, caller));
  for (const id of ids) expect((await cloud.api.ended(id)).body['status']).toBe('settled');
  // 1 + 3 + … + 49 left for the right, 2 + 4 + … + 50 came back.
  expect(await balanceOf('left')).toBe(1_025);
  expect(await balanceOf('right')).toBe(975);
});

it('nothing went wrong inside while all of this happened', () => {
  expect(unexpected(cloud, inject('transfers'))).toEqual([]);
});
