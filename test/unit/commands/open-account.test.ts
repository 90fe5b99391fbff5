import { describe, expect, it } from 'vitest';
import { Caller } from '../../../events/values.ts';
import { deriveId, IdempotencyKey } from '../../../functions/http/request/idempotency.ts';
import { Command } from '../../../functions/ledger/account.ts';
import { recordKey } from '../../../functions/store/writing/record-key.ts';
import { createTestLedger } from '../http/ledger.ts';

const keyed = { 'Idempotency-Key': 'k1' };

describe('opening an account', () => {
  it('answers 201 with the account, its ETag and where it is', async () => {
    const answer = await createTestLedger().open({
      accountId: 'a1',
      currency: 'EUR',
      overdraftLimit: 500,
    });
    expect(answer.status).toBe(201);
    expect(answer.headers).toMatchObject({
      ETag: '"1"',
      Location: '/accounts/a1',
      'Content-Type': 'application/json',
    });
    expect(answer.headers).not.toHaveProperty('Idempotency-Replayed');
    expect(answer.body).toEqual({
      accountId: 'a1',
      owner: 'local',
      currency: 'EUR',
      status: 'open',
      balance: 0,
      reserved: 0,
      available: 0,
      overdraftLimit: 500,
      version: 1,
      openedAt: '2026-11-21T10:00:01.000Z',
    });
  });

  it('makes an id where the client sends none, another one each time', async () => {
    const ledger = createTestLedger();
    const answers = [
      await ledger.open({ currency: 'EUR' }),
      await ledger.open({ currency: 'EUR' }),
    ];
    expect(answers.map(({ body }) => body['accountId'])).toEqual(['made-1', 'made-2']);
    expect(ledger.store.execute).toHaveBeenLastCalledWith(expect.objectContaining({ keys: [] }));
  });

  it('lets a key determine the id, and records it for the caller alone', async () => {
    const ledger = createTestLedger();
    const { body, headers } = await ledger.open({ currency: 'EUR' }, keyed);
    expect(body['accountId']).toMatch(/^[A-Za-z0-9_-]{22}$/);
    expect(headers['Location']).toBe(`/accounts/${body['accountId']}`);
    const recorded = [`command:${body['accountId']}`];
    expect(ledger.store.execute).toHaveBeenLastCalledWith(
      expect.objectContaining({ keys: recorded }),
    );

    await createTestLedger().open({ accountId: 'mine', currency: 'EUR' }, keyed);
    await ledger.open({ accountId: 'mine', currency: 'EUR' }, { 'Idempotency-Key': 'k1' });
    expect(ledger.store.execute).toHaveBeenLastCalledWith(
      expect.objectContaining({ keys: recorded }),
    );
  });

  it.each([{ accountId: 'a1', currency: 'EUR' }, { currency: 'EUR' }])(
    'answers a repeat of %j with the same status and body',
    async (body) => {
      const ledger = createTestLedger();
      const first = await ledger.open(body, keyed);
      const again = await ledger.open({ ...body, overdraftLimit: 0 }, keyed);
      expect(again).toMatchObject({ status: 201, body: first.body });
      expect(again.headers).toEqual({ ...first.headers, 'Idempotency-Replayed': 'true' });
    },
  );

  it.each(['JPY', 'KWD', 'CLF', 'XAF', 'CHE', 'XCG'])('may be in %s', async (currency) => {
    expect(await createTestLedger().open({ currency })).toMatchObject({
      status: 201,
      body: { currency },
    });
  });

  it.each(['XXX', 'XTS', 'XAU', 'DEM', 'HRK', 'BGN', 'ZZZ', 'eur', ''])(
    'may not be in %j',
    async (currency) => {
      const ledger = createTestLedger();
      expect(await ledger.open({ currency }, keyed)).toMatchObject({
        status: 400,
        body: { code: 'validation_failed', errors: [{ path: 'currency' }] },
      });
      expect(ledger.store.execute).not.toHaveBeenCalled();
    },
  );

  it('goes on with an account in a currency of before, and repeats the answer to it', async () => {
    const ledger = createTestLedger();
    const command = {
      type: 'open',
      accountId: 'old',
      owner: 'local',
      currency: 'DEM',
      overdraftLimit: 0,
    };
    await ledger.store.execute({
      command: Command.parse(command),
      keys: [recordKey(deriveId(Caller.parse('local'), '', IdempotencyKey.parse('k1')))],
      actor: Caller.parse('local'),
      correlationId: 'c1',
    });
    expect(await ledger.open({ accountId: 'old', currency: 'DEM' }, keyed)).toMatchObject({
      status: 201,
      headers: { 'Idempotency-Replayed': 'true' },
      body: { currency: 'DEM' },
    });
    expect(await ledger.open({ accountId: 'new', currency: 'DEM' })).toMatchObject({ status: 400 });
    expect(await ledger.deposit('old', { body: { amount: 1, currency: 'DEM' } })).toMatchObject({
      status: 201,
    });
    expect(await ledger.getAccount('old')).toMatchObject({
      status: 200,
      body: { currency: 'DEM', balance: 1 },
    });
  });

  it.each([
    ['another currency', { currency: 'USD' }],
    ['another id', { accountId: 'a2', currency: 'EUR' }],
  ])('refuses the same key with %s', async (_, body) => {
    const ledger = createTestLedger();
    await ledger.open({ currency: 'EUR' }, keyed);
    expect(await ledger.open(body, keyed)).toMatchObject({
      status: 422,
      body: { code: 'idempotency_key_reused' },
    });
  });

  it('replays a rejection too', async () => {
    const ledger = createTestLedger();
    await ledger.open({ accountId: 'a1', currency: 'EUR' });
    const first = await ledger.open({ accountId: 'a1', currency: 'EUR' }, keyed);
    const again = await ledger.open({ accountId: 'a1', currency: 'EUR' }, keyed);
    expect(first).toMatchObject({ status: 409, body: { code: 'account_already_exists' } });
    expect(again).toMatchObject({
      status: 409,
      body: first.body,
      headers: { 'Idempotency-Replayed': 'true' },
    });
  });

  it.each(['"1"', '*', 'W/"1"'])(
    'answers 412 to If-Match: %s, for what is to be opened has no version',
    async (tag) => {
      const ledger = createTestLedger();
      expect(
        await ledger.open({ accountId: 'a1', currency: 'EUR' }, { 'If-Match': tag }),
      ).toMatchObject({
        status: 412,
        body: { code: 'version_mismatch' },
      });
      expect((await ledger.getAccount('a1')).status).toBe(404);
    },
  );

  it.each(['"1"', '*', 'W/"1"', '"x"', '"0"'])(
    'is answered what was recorded where it is repeated with its key and If-Match: %s',
    async (tag) => {
      const ledger = createTestLedger();
      const first = await ledger.open({ currency: 'EUR' }, keyed);
      const again = await ledger.open({ currency: 'EUR' }, { ...keyed, 'If-Match': tag });
      expect(first.status).toBe(201);
      expect(again).toEqual({
        ...first,
        headers: { ...first.headers, 'Idempotency-Replayed': 'true' },
      });
    },
  );

  it('whose result is not known is answered 500 without a key, though the client chose the id: that is no key', async () => {
    const ledger = createTestLedger();
    ledger.store.execute.mockResolvedValueOnce({ outcome: 'undecided', reason: 'unknown' });
    expect(await ledger.open({ accountId: 'a1', currency: 'EUR' })).toMatchObject({
      status: 500,
      body: { code: 'internal_error' },
    });
  });

  it.each([
    [{}, 'currency'],
    [{ currency: 'Euro' }, 'currency'],
    [{ currency: 'EUR', accountId: 'a b' }, 'accountId'],
    [{ currency: 'EUR', accountId: 'x'.repeat(65) }, 'accountId'],
    [{ currency: 'EUR', overdraftLimit: -1 }, 'overdraftLimit'],
    [{ currency: 'EUR', owner: '' }, 'owner'],
    [{ currency: 'EUR', owner: 'x'.repeat(129) }, 'owner'],
  ])('refuses %j', async (body, path) => {
    expect(await createTestLedger().open(body)).toMatchObject({
      status: 400,
      body: { code: 'validation_failed', errors: [{ path }] },
    });
  });
});
