import { describe, expect, it } from 'vitest';
import { AccountId, Timestamp, Version } from '../../../events/values.ts';
import { Transfer } from '../../../functions/ledger/transfer.ts';
import type {
  CommandResult,
  UndecidedReason,
} from '../../../functions/store/deciding/command-result.ts';
import { createFundedLedger } from '../http/ledger.ts';

const keyed = { 'Idempotency-Key': 'k1' };
const rent = { from: 'a1', to: 'b1', amount: 2500, reference: 'rent' };
const endedAt = Timestamp.parse('2026-11-21T12:00:01.000Z');

const anothers = Transfer.parse({
  ...{ transferId: 't1', from: 'b1', to: 'a1', amount: 1, currency: 'EUR', status: 'settled' },
  ...{ requestedAt: endedAt, steps: [] },
});

describe('requesting a transfer', () => {
  it('answers 202 with the reserved transfer and where it is, without an ETag', async () => {
    const answer = await (await createFundedLedger()).transfer({
      ...rent,
      transferId: 't1',
      currency: 'EUR',
    });
    expect(answer.status).toBe(202);
    expect(answer.headers).toMatchObject({ Location: '/transfers/t1' });
    expect(answer.headers).not.toHaveProperty('ETag');
    expect(answer.headers).not.toHaveProperty('Preference-Applied');
    expect(answer.body).toEqual({
      transferId: 't1',
      from: 'a1',
      to: 'b1',
      amount: 2500,
      currency: 'EUR',
      status: 'reserved',
      reference: 'rent',
      requestedAt: expect.any(String),
      steps: [{ step: 'reserved', accountId: 'a1', version: 3, at: expect.any(String) }],
      availableAfter: 7500,
    });
  });

  const derived = expect.stringMatching(/^[A-Za-z0-9_-]{22}$/);
  it.each([
    ['neither', rent, {}, ['made-1']],
    ['a transferId', { ...rent, transferId: 't1' }, {}, ['t1']],
    ['a key', rent, keyed, [derived]],
    ['both', { ...rent, transferId: 't1' }, keyed, ['t1', derived]],
  ])(
    'is recorded under what makes it one transfer, when the client sends %s',
    async (_, body, headers, commandIds) => {
      const ledger = await createFundedLedger();
      const { body: transfer } = await ledger.transfer(body, headers);
      const keys = ledger.store.execute.mock.calls[0]?.[0].keys ?? [];
      expect(keys.map((key) => key.replace(/^command:/, ''))).toEqual(commandIds);
      expect(keys.every((key) => key.startsWith('command:'))).toBe(true);
      expect(transfer['transferId']).toEqual(commandIds[0]);
    },
  );

  it('is recorded once where the client sends back the id that its key determined', async () => {
    const ledger = await createFundedLedger();
    const { transferId } = (await ledger.transfer(rent, keyed)).body;
    const again = await ledger.transfer({ ...rent, transferId }, keyed);
    expect(ledger.store.execute.mock.calls[1]?.[0].keys).toEqual([`command:${transferId}`]);
    expect(again).toMatchObject({ status: 202, headers: { 'Idempotency-Replayed': 'true' } });
  });

  it.each([
    ['key', rent, keyed],
    ['transferId', { ...rent, transferId: 't1' }, {}],
    ['key and transferId', { ...rent, transferId: 't1' }, keyed],
  ])(
    'answers a repeat of the same %s as it did first, however far the transfer has got',
    async (_, body, headers) => {
      const ledger = await createFundedLedger();
      const first = await ledger.transfer(body, headers);
      ledger.show({ ...Transfer.parse(first.body), status: 'settled', endedAt });
      const again = await ledger.transfer(body, headers);
      expect(again).toEqual({
        ...first,
        headers: { ...first.headers, 'Idempotency-Replayed': 'true' },
      });
    },
  );

  it.each([
    ['key', { ...rent, amount: 1 }, keyed],
    ['key', { ...rent, transferId: 't2' }, keyed],
    ['transferId', { ...rent, transferId: 't1', to: 'c1' }, {}],
  ])('refuses the same %s with another body', async (_, body, headers) => {
    const ledger = await createFundedLedger();
    await ledger.transfer(
      { ...rent, ...('transferId' in body && body.transferId === 't1' ? body : {}), to: 'b1' },
      headers,
    );
    expect(await ledger.transfer(body, headers)).toMatchObject({
      status: 422,
      body: { code: 'idempotency_key_reused' },
    });
  });

  it('means one transfer by a transferId, across all sources, and replays it for ever', async () => {
    const ledger = await createFundedLedger();
    await ledger.deposit('b1', { body: { amount: 5000 } });
    const first = await ledger.transfer({ ...rent, transferId: 't1' });
    const other = await ledger.transfer({ ...rent, transferId: 't1', from: 'b1', to: 'a1' });
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
    expect((await ledger.getAccount('b1')).body).toMatchObject({ reserved: 0, version: 2 });
    const again = await ledger.transfer({ ...rent, transferId: 't1' });
    expect(again).toEqual({
      ...first,
      headers: { ...first.headers, 'Idempotency-Replayed': 'true' },
    });
  });

  it('means one transfer by a transferId also where that was rejected, whatever the views show', async () => {
    const ledger = await createFundedLedger();
    const tooMuch = { ...rent, transferId: 't1', from: 'b1', to: 'a1' };
    const first = await ledger.transfer(tooMuch);
    expect(first).toMatchObject({ status: 422, body: { code: 'insufficient_funds' } });
    ledger.show({ ...anothers, from: AccountId.parse('c1') });
    expect(await ledger.transfer({ ...rent, transferId: 't1' })).toMatchObject({
      status: 422,
      body: { code: 'idempotency_key_reused' },
    });
    const again = await ledger.transfer(tooMuch);
    expect(again).toEqual({
      ...first,
      headers: { ...first.headers, 'Idempotency-Replayed': 'true' },
    });
    expect(ledger.views.transfer).not.toHaveBeenCalled();
  });

  it('has the same key stand for another transfer on another source', async () => {
    const ledger = await createFundedLedger();
    await ledger.deposit('b1', { body: { amount: 5000 } });
    const ids = [
      await ledger.transfer(rent, keyed),
      await ledger.transfer({ ...rent, from: 'b1', to: 'a1' }, keyed),
    ];
    expect(new Set(ids.map(({ body }) => body['transferId'])).size).toBe(2);
  });

  it('takes If-Match to be about the source', async () => {
    const ledger = await createFundedLedger();
    expect(await ledger.transfer(rent, { 'If-Match': '"1"' })).toMatchObject({
      status: 412,
      body: { currentVersion: 2 },
    });
    expect(await ledger.transfer(rent, { 'If-Match': '"2"' })).toMatchObject({ status: 202 });
    expect(
      await ledger.transfer({ ...rent, from: 'missing' }, { 'If-Match': '"2"' }),
    ).toMatchObject({ status: 404 });
  });

  it.each(['W/"1"', '"x"', '"0"', '"1"'])(
    'is answered what was recorded where it is repeated with If-Match: %s',
    async (tag) => {
      const ledger = await createFundedLedger();
      const first = await ledger.transfer({ ...rent, transferId: 't1' });
      const again = await ledger.transfer({ ...rent, transferId: 't1' }, { 'If-Match': tag });
      expect(again).toEqual({
        ...first,
        headers: { ...first.headers, 'Idempotency-Replayed': 'true' },
      });
    },
  );

  it.each([
    [{ ...rent, amount: 10_001 }, 422, 'insufficient_funds'],
    [{ ...rent, to: 'a1' }, 422, 'same_account'],
    [{ ...rent, currency: 'USD' }, 422, 'currency_mismatch'],
    [{ ...rent, from: 'missing' }, 404, 'account_not_found'],
  ])('refuses %j', async (body, status, code) => {
    expect(await (await createFundedLedger()).transfer(body)).toMatchObject({
      status,
      body: { code },
    });
  });
});

describe('Prefer: wait', () => {
  it('answers as soon as the transfer has ended, as it then stands', async () => {
    const ledger = await createFundedLedger();
    const reserved = Transfer.parse((await ledger.transfer({ ...rent, transferId: 't1' })).body);
    const settled: Transfer = { ...reserved, status: 'settled', endedAt };
    ledger.views.transfer
      .mockResolvedValueOnce(undefined)
      .mockResolvedValueOnce(reserved)
      .mockResolvedValueOnce({ ...reserved, status: 'credited' })
      .mockResolvedValueOnce(settled);
    const answer = await ledger.transfer({ ...rent, transferId: 't1' }, { Prefer: 'wait=10' });
    expect(answer).toMatchObject({
      status: 202,
      headers: {
        'Preference-Applied': 'wait=10',
        Location: '/transfers/t1',
        'Idempotency-Replayed': 'true',
      },
    });
    // What is left is the owner's alone to hear, who asks.
    expect(answer.body).toEqual({ ...settled, availableAfter: expect.any(Number) });
    expect(ledger.time.pauses).toEqual([10, 10, 10]);
  });

  it('looks when the transfers before it had ended after that time', async () => {
    const ledger = await createFundedLedger();
    const took = async (milliseconds: number) => {
      ledger.time.pauses.length = 0;
      const requestedAt = new Date(ledger.time.clock()).toISOString();
      const ended = new Date(ledger.time.clock() + milliseconds).toISOString();
      ledger.views.transfer.mockImplementation(async (transferId) =>
        Transfer.parse({
          ...anothers,
          transferId,
          from: 'a1',
          to: 'b1',
          requestedAt,
          endedAt: ended,
        }),
      );
      await ledger.transfer({ ...rent, amount: 1 }, { Prefer: 'wait=10' });
      return ledger.time.pauses;
    };
    expect(await took(400)).toEqual([50]);
    expect(await took(400)).toEqual([50 + 2 * 0.25 * (420 - 50)]);
    for (let n = 0; n < 60; n += 1) await took(6_000);
    expect((await took(6_000)).map(Math.round)).toEqual([6_020]);
  });

  it('has who must queue look for the end where that is expected, and for no outcome once it has come', async () => {
    const ledger = await createFundedLedger();
    const queues = async (milliseconds: number) => {
      const startedAt = ledger.time.clock();
      ledger.views.transfer.mockImplementation(async (transferId) => {
        const requestedAt = new Date(startedAt).toISOString();
        const ended =
          ledger.time.clock() - startedAt >= milliseconds &&
          new Date(startedAt + milliseconds).toISOString();
        const steps = [{ step: 'reserved', accountId: 'a1', version: 7, at: requestedAt }];
        const transfer = {
          ...anothers,
          transferId,
          from: 'a1',
          to: 'b1',
          requestedAt,
          steps,
          status: 'reserved',
        };
        return Transfer.parse(
          ended ? { ...transfer, status: 'settled', endedAt: ended } : transfer,
        );
      });
      ledger.views.transfer.mockClear();
      const looks: unknown[] = [];
      ledger.store.execute.mockImplementationOnce(async ({ elsewhere }) => {
        if (!elsewhere) throw new Error('the store is not told where to look');
        await ledger.time.sleep(elsewhere.expectedAt - ledger.time.clock());
        looks.push(ledger.time.clock() - startedAt, await elsewhere.look());
        const [, shown] = looks;
        const at = Timestamp.parse(new Date(startedAt).toISOString());
        return (
          (shown as CommandResult) ?? {
            outcome: 'accepted',
            version: Version.parse(7),
            at,
            replayed: false,
          }
        );
      });
      const answer = await ledger.transfer({ ...rent, amount: 1 }, { Prefer: 'wait=10' });
      expect(answer).toMatchObject({ status: 202, body: { status: 'settled', from: 'a1' } });
      return [...looks, ledger.time.clock() - startedAt, ledger.views.transfer.mock.calls.length];
    };
    const accepted = { outcome: 'accepted', version: 7, at: expect.any(String), replayed: false };
    expect(await queues(30)).toEqual([50, accepted, 50, 1]);
    // Looked for in vain, it is looked for again whenever a quarter of the time has passed.
    expect(await queues(70)).toEqual([50, undefined, 50 * 1.25 ** 2, 3]);
    // Halfway between the last two looks is when it is believed to have ended.
    const took = 50 * ((1.25 + 1.25 ** 2) / 2);
    expect(await queues(60)).toEqual([
      expect.closeTo(50 + 2 * 0.25 * (took - 50)),
      accepted,
      expect.anything(),
      1,
    ]);
  });

  it('has who must queue look no later than the wait is over', async () => {
    const ledger = await createFundedLedger();
    await ledger.transfer(rent, { Prefer: 'wait=0' });
    expect(ledger.store.execute.mock.lastCall?.[0].elsewhere?.expectedAt).toBe(ledger.time.clock());
  });

  it('answers after N seconds with the transfer as it stands', async () => {
    const ledger = await createFundedLedger();
    const first = await ledger.transfer(rent, keyed);
    ledger.show({ ...Transfer.parse(first.body), status: 'credited' });
    const startedAt = ledger.time.clock();
    const answer = await ledger.transfer(rent, { ...keyed, Prefer: 'wait=3' });
    expect(ledger.time.clock() - startedAt).toBe(3000);
    expect(answer).toMatchObject({ status: 202, body: { status: 'credited' } });
  });

  it.each([
    ['do not know it yet', async () => undefined],
    ['cannot be read', async () => Promise.reject(new Error('no'))],
    [
      'know another source’s by that id',
      async (_: unknown, from?: string) =>
        from === undefined ? { ...anothers, endedAt } : undefined,
    ],
  ])('answers what was recorded where the views %s', async (_, transfer) => {
    const ledger = await createFundedLedger();
    ledger.views.transfer.mockImplementation(transfer);
    expect(await ledger.transfer(rent, { Prefer: 'wait=1' })).toMatchObject({
      status: 202,
      headers: { 'Preference-Applied': 'wait=1' },
      body: { status: 'reserved' },
    });
  });

  it('does not wait for what was rejected', async () => {
    const ledger = await createFundedLedger();
    const answer = await ledger.transfer({ ...rent, amount: 10_001 }, { Prefer: 'wait=10' });
    expect(answer).toMatchObject({ status: 422 });
    expect(answer.headers).not.toHaveProperty('Preference-Applied');
    expect(ledger.time.pauses).toEqual([]);
  });

  it.each(['wait=11', 'wait=soon'])('is refused as %s', async (prefer) => {
    expect(await (await createFundedLedger()).transfer(rent, { Prefer: prefer })).toMatchObject({
      status: 400,
      body: { code: 'validation_failed', errors: [{ path: 'Prefer' }] },
    });
  });

  it('is ignored where the preference is another', async () => {
    const answer = await (await createFundedLedger()).transfer(rent, { Prefer: 'respond-async' });
    expect(answer.status).toBe(202);
    expect(answer.headers).not.toHaveProperty('Preference-Applied');
  });
});

describe('a transfer that was not decided', () => {
  const own = { ...rent, transferId: 't1' };
  const askWith = async (
    reason: UndecidedReason,
    body: object,
    headers: Record<string, string> = {},
  ) => {
    const ledger = await createFundedLedger();
    ledger.store.execute.mockResolvedValueOnce({ outcome: 'undecided', reason });
    return ledger.transfer(body, headers);
  };

  it('and whose result is not known promises no key where the client has sent none: the id was made here', async () => {
    const { status, headers, body } = await askWith('unknown', rent);
    expect([status, body['code']]).toEqual([500, 'internal_error']);
    expect(headers).not.toHaveProperty('Retry-After');
    expect(body['detail']).not.toMatch(/the same|made-1/);
  });

  it.each([
    ['its own transferId', own, {}, 'the same transferId t1'],
    ['an Idempotency-Key', rent, keyed, 'the same Idempotency-Key'],
    ['both', own, keyed, 'the same Idempotency-Key'],
  ])(
    'is to be sent again where the client has sent %s, which will tell',
    async (_, body, headers, named) => {
      for (const reason of ['unknown', 'contention', 'throttled', 'unavailable'] as const) {
        const answer = await askWith(reason, body, headers);
        expect(answer).toMatchObject({
          status: 503,
          headers: { 'Retry-After': '1' },
          body: { code: 'try_again' },
        });
        expect(answer.body['detail']).toContain(named);
      }
    },
  );

  it.each<UndecidedReason>(['contention', 'throttled', 'unavailable', 'commit_too_large'])(
    'because of %s is said to be undone where the client has sent no key, and none is promised to tell',
    async (reason) => {
      const answer = await askWith(reason, rent);
      expect(answer).toMatchObject({ status: 503, body: { code: 'try_again' } });
      expect(answer.body['detail']).toMatch(/nothing was done/i);
      expect(answer.body['detail']).not.toMatch(/the same|made-1/);
    },
  );

  it('because its record is of another form is to be sent again only where the client can repeat it', async () => {
    expect(await askWith('record_unreadable', own)).toMatchObject({
      status: 503,
      headers: { 'Retry-After': '10' },
    });
    expect(await askWith('record_unreadable', rent)).toMatchObject({
      status: 500,
      body: { code: 'internal_error' },
    });
  });

  it('but is being decided names what the client has sent', async () => {
    const ledger = await createFundedLedger();
    ledger.store.execute.mockResolvedValueOnce({ outcome: 'in_progress' });
    const { status, body } = await ledger.transfer(own);
    expect([status, body['detail']]).toEqual([
      409,
      expect.stringContaining('the same transferId t1'),
    ]);
  });

  it.each([
    [own, 503, 'the same transferId t1'],
    [rent, 500, 'not known'],
  ])(
    'because something was thrown on the way (%j) is answered %i',
    async (body, status, detail) => {
      const ledger = await createFundedLedger();
      ledger.store.execute.mockRejectedValueOnce(
        Object.assign(new Error('socket'), { code: 'ECONNRESET' }),
      );
      const answer = await ledger.transfer(body);
      expect([answer.status, answer.body['detail']]).toEqual([
        status,
        expect.stringContaining(detail),
      ]);
    },
  );
});

describe('a transfer that may go the short way', () => {
  const settled = Transfer.parse({
    ...{ transferId: 't1', from: 'a1', to: 'b1', amount: 2500, currency: 'EUR', status: 'settled' },
    ...{ requestedAt: endedAt, endedAt },
    steps: [
      { step: 'credited', accountId: 'b1', version: 2, at: endedAt },
      { step: 'settled', accountId: 'a1', version: 3, at: endedAt },
    ],
  });
  const body = { ...rent, transferId: 't1' };

  it('is asked for so where the stage allows it, and only there', async () => {
    const ledger = await createFundedLedger();
    await ledger.transferAtOnce(body);
    await ledger.transfer(body);
    expect(ledger.store.execute.mock.calls.map(([request]) => request.atOnce)).toEqual([
      true,
      false,
    ]);
  });
  it.each([false, true])(
    'is answered as it was settled, without a look at the views; replayed: %s',
    async (replayed) => {
      const ledger = await createFundedLedger();
      ledger.store.execute.mockResolvedValue({
        outcome: 'accepted',
        version: Version.parse(3),
        at: endedAt,
        answer: settled,
        replayed,
      });
      const { answer, counts } = await ledger.transferAtOnce(body, { Prefer: 'wait=5' });
      expect(answer).toMatchObject({
        status: 202,
        headers: { Location: '/transfers/t1', 'Preference-Applied': 'wait=5' },
        body: settled,
      });
      expect('Idempotency-Replayed' in answer.headers).toBe(replayed);
      expect(ledger.views.transfer).not.toHaveBeenCalled();
      expect(counts['TransfersSettledAtOnce']).toBe(replayed ? undefined : 1);
    },
  );
});
