import { describe, expect, it } from 'vitest';
import type {
  CommandResult,
  UndecidedReason,
} from '../../../functions/store/deciding/command-result.ts';
import { createFundedLedger, createTestLedger, type TestLedger } from '../http/ledger.ts';
import type { ClientRequest } from '../http/request.ts';

type Send = (ledger: TestLedger, request: ClientRequest) => ReturnType<TestLedger['deposit']>;
const kinds: readonly { kind: string; balanceAfter: number; ask: Send }[] = [
  { kind: 'deposit', balanceAfter: 10_250, ask: ({ deposit }, request) => deposit('a1', request) },
  {
    kind: 'withdrawal',
    balanceAfter: 9_750,
    ask: ({ withdraw }, request) => withdraw('a1', request),
  },
];
const keyed = { 'Idempotency-Key': 'k1' };

describe.each(kinds)('a $kind', ({ kind, balanceAfter, ask }) => {
  it('answers 201 with the line of the statement and the ETag of the account', async () => {
    const answer = await ask(await createFundedLedger(), {
      body: { amount: 250, currency: 'EUR', reference: 'rent' },
    });
    expect(answer).toMatchObject({ status: 201, headers: { ETag: '"3"' } });
    expect(answer.headers).not.toHaveProperty('Idempotency-Replayed');
    expect(answer.body).toEqual({
      entryId: 'a1-3',
      accountId: 'a1',
      kind,
      amount: 250,
      balanceAfter,
      version: 3,
      at: expect.any(String),
      reference: 'rent',
      availableAfter: balanceAfter,
    });
  });

  it('is recorded under its key, and under none without', async () => {
    const ledger = await createFundedLedger();
    await ask(ledger, { body: { amount: 1 }, headers: keyed });
    await ask(ledger, { body: { amount: 1 } });
    expect(ledger.store.execute.mock.calls.map(([{ keys }]) => keys)).toEqual([
      [expect.stringMatching(/^command:[A-Za-z0-9_-]{22}$/)],
      [],
    ]);
  });

  it('is answered the same again with the same key and body, whatever has happened since', async () => {
    const ledger = await createFundedLedger();
    const first = await ask(ledger, { body: { amount: 250 }, headers: keyed });
    await ledger.deposit('a1', { body: { amount: 7 } });
    const again = await ask(ledger, { body: { amount: 250 }, headers: keyed });
    expect(again).toEqual({
      ...first,
      headers: { ...first.headers, 'Idempotency-Replayed': 'true' },
    });
  });

  it('is refused with the same key and another body', async () => {
    const ledger = await createFundedLedger();
    await ask(ledger, { body: { amount: 250 }, headers: keyed });
    for (const body of [{ amount: 251 }, { amount: 250, reference: 'rent' }]) {
      expect(await ask(ledger, { body, headers: keyed })).toMatchObject({
        status: 422,
        body: { code: 'idempotency_key_reused' },
      });
    }
  });

  it.each(['"2"', '*'])('is decided with If-Match: %s', async (tag) => {
    const ledger = await createFundedLedger();
    expect(await ask(ledger, { body: { amount: 1 }, headers: { 'If-Match': tag } })).toMatchObject({
      status: 201,
    });
    expect(ledger.store.execute.mock.calls[0]?.[0].expectedVersions).toEqual(
      tag === '*' ? undefined : [2],
    );
  });

  it.each(['"1"', '"3"', 'W/"2"', '"02"', '"two"'])(
    'is not decided with If-Match: %s',
    async (tag) => {
      const ledger = await createFundedLedger();
      expect(
        await ask(ledger, { body: { amount: 1 }, headers: { 'If-Match': tag } }),
      ).toMatchObject({
        status: 412,
        body: { code: 'version_mismatch', currentVersion: 2 },
      });
      expect((await ledger.getAccount('a1')).body['version']).toBe(2);
    },
  );

  it.each(['"1"', '"3"', 'W/"1"', '"x"', '"0"'])(
    'is answered what was recorded where it is repeated with its key and If-Match: %s, which does not hold',
    async (tag) => {
      const ledger = await createFundedLedger();
      const first = await ask(ledger, {
        body: { amount: 250 },
        headers: { ...keyed, 'If-Match': '"2"' },
      });
      const again = await ask(ledger, {
        body: { amount: 250 },
        headers: { ...keyed, 'If-Match': tag },
      });
      expect(first.status).toBe(201);
      expect(again).toEqual({
        ...first,
        headers: { ...first.headers, 'Idempotency-Replayed': 'true' },
      });
    },
  );

  it('has a precondition that cannot hold asked of the store, which alone knows what is recorded', async () => {
    const ledger = await createFundedLedger();
    await ask(ledger, { body: { amount: 1 }, headers: { ...keyed, 'If-Match': 'W/"2"' } });
    expect(
      ledger.store.execute.mock.calls.map(([{ expectedVersions }]) => expectedVersions),
    ).toEqual([[]]);
  });

  it.each(['"1"', 'W/"1"', '*'])(
    'answers 404 to If-Match: %s where there is no such account',
    async (tag) => {
      const request = { body: { amount: 1 }, headers: { 'If-Match': tag } };
      expect(await ask(createTestLedger(), request)).toMatchObject({
        status: 404,
        body: { code: 'account_not_found' },
      });
    },
  );
});

describe('a rejected withdrawal', () => {
  it('is rejected again with the same key, though the money has come since', async () => {
    const ledger = await createFundedLedger();
    const request = { body: { amount: 10_001 }, headers: keyed };
    const first = await ledger.withdraw('a1', request);
    await ledger.deposit('a1', { body: { amount: 100 } });
    const again = await ledger.withdraw('a1', request);
    expect(first).toMatchObject({
      status: 422,
      body: { code: 'insufficient_funds', available: 10_000 },
    });
    expect(first.headers).not.toHaveProperty('Idempotency-Replayed');
    expect(again).toEqual({
      ...first,
      headers: { ...first.headers, 'Idempotency-Replayed': 'true' },
    });
  });
});

describe('a command that was not decided', () => {
  const askWith = async (result: CommandResult, headers: ClientRequest['headers'] = {}) => {
    const ledger = await createFundedLedger();
    ledger.store.execute.mockResolvedValueOnce(result);
    return ledger.deposit('a1', { body: { amount: 1 }, headers });
  };

  it.each<[UndecidedReason, ClientRequest['headers'], number, string | undefined]>([
    ['contention', {}, 503, '1'],
    ['contention', keyed, 503, '1'],
    ['throttled', {}, 503, '1'],
    ['unavailable', {}, 503, '1'],
    ['unknown', keyed, 503, '1'],
    // Neither "nothing was done" nor "the key will tell" would be true.
    ['unknown', {}, 500, undefined],
    ['commit_too_large', {}, 503, '60'],
    ['commit_too_large', keyed, 503, '60'],
    ['record_unreadable', keyed, 503, '10'],
    ['record_unreadable', {}, 500, undefined],
  ])(
    'because of %s, with headers %j, is answered %i',
    async (reason, headers, status, retryAfter) => {
      const answer = await askWith({ outcome: 'undecided', reason }, headers);
      expect(answer).toMatchObject({
        status,
        body: { code: status === 503 ? 'try_again' : 'internal_error' },
      });
      expect(answer.headers['Retry-After']).toBe(retryAfter);
    },
  );

  it('because its record is of another form is not said to be undone', async () => {
    const { body } = await askWith({ outcome: 'undecided', reason: 'record_unreadable' }, keyed);
    expect(body['detail']).toContain('written down in a form that is not known here yet');
  });

  it.each<UndecidedReason>(['contention', 'throttled', 'unavailable', 'commit_too_large'])(
    'because of %s, and was sent without a key, is said to be undone, and no key is promised to tell',
    async (reason) => {
      const { body } = await askWith({ outcome: 'undecided', reason });
      expect(body['detail']).toMatch(/nothing was done/i);
      expect(body['detail']).not.toMatch(/the same/);
    },
  );

  it('but will be, is answered 202 with the place that will have its outcome', async () => {
    const answer = await askWith({ outcome: 'pending', key: 'command:c1' });
    expect(answer).toMatchObject({
      status: 202,
      headers: { Location: '/accounts/a1/commands/c1', 'Retry-After': '1' },
      body: { accountId: 'a1', commandId: 'c1', status: 'pending' },
    });
  });

  it('because the same one is being decided is answered 409 with Retry-After', async () => {
    expect(await askWith({ outcome: 'in_progress' }, keyed)).toMatchObject({
      status: 409,
      headers: { 'Retry-After': '1' },
      body: { code: 'command_in_progress' },
    });
  });
});
