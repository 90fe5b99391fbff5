import { describe, expect, it } from 'vitest';
import { createFundedLedger } from '../http/ledger.ts';

/** `a1` at version 4: opened at 10:00:01, paid in at 10:00:03, :04 and :05. */
const createLedger = async () => {
  const ledger = await createFundedLedger();
  await ledger.deposit('a1', { body: { amount: 1 } });
  await ledger.deposit('a1', { body: { amount: 2 } });
  ledger.store.load.mockClear();
  return ledger;
};
const notFound = { status: 404, body: { code: 'account_not_found' } };

describe('reading an account', () => {
  it('answers 200 with the account as its stream has it, and its version as ETag', async () => {
    const ledger = await createLedger();
    const answer = await ledger.getAccount('a1');
    expect(answer).toMatchObject({ status: 200, headers: { ETag: '"4"' } });
    expect(answer.body).toEqual({
      accountId: 'a1',
      owner: 'local',
      currency: 'EUR',
      status: 'open',
      balance: 10_003,
      reserved: 0,
      available: 10_003,
      overdraftLimit: 0,
      version: 4,
      openedAt: '2026-11-21T10:00:01.000Z',
    });
    expect(ledger.store.load).toHaveBeenCalledOnce();
  });

  it.each([
    [{ version: '1' }, 0, 1],
    [{ version: '3' }, 10_001, 3],
    [{ version: '4' }, 10_003, 4],
    [{ at: '2026-11-21T10:00:01.000Z' }, 0, 1],
    [{ at: '2026-11-21T10:00:04.999Z' }, 10_001, 3],
    [{ at: '2030-01-01T00:00:00.000Z' }, 10_003, 4],
    [{ at: '2030-01-01T00:00:00Z' }, 10_003, 4],
    [{ at: '2026-11-21T12:00:04.9999+02:00' }, 10_001, 3],
    [{ at: '2026-11-21t10:00:01z' }, 0, 1],
  ])('answers as it was with %j', async (query, balance, version) => {
    const ledger = await createLedger();
    expect(await ledger.getAccount('a1', { query })).toMatchObject({
      status: 200,
      headers: { ETag: `"${version}"` },
      body: { balance, version },
    });
    expect(ledger.store.load).not.toHaveBeenCalled();
  });

  it.each([
    ['a long time ago', '2026-11-21T10:00:04.000Z', true],
    ['five minutes ago', '2026-11-21T11:55:00.000Z', true],
    ['a millisecond less than that', '2026-11-21T11:55:00.001Z', false],
    ['now', '2026-11-21T12:00:00.000Z', false],
    ['ahead of now', '2030-01-01T00:00:00.000Z', false],
  ])('says of %s whether it will read the same for ever', async (_, at, final) => {
    const ledger = await createLedger();
    expect((await ledger.getAccount('a1', { query: { at } })).body).toMatchObject({
      version: expect.any(Number),
      final,
    });
    await ledger.time.sleep(5 * 60_000);
    const later = Date.parse(at) <= Date.parse('2026-11-21T12:00:00.000Z');
    expect((await ledger.getAccount('a1', { query: { at } })).body['final']).toBe(later);
  });

  it('takes the time for that before it reads: no moment becomes final while the account is read', async () => {
    const ledger = await createLedger();
    const asOf = ledger.store.asOf.getMockImplementation();
    ledger.store.asOf.mockImplementationOnce(async (...asked) => {
      await ledger.time.sleep(5 * 60_000);
      return asOf ? asOf(...asked) : ledger.store.load(asked[0]);
    });
    const { body } = await ledger.getAccount('a1', { query: { at: '2026-11-21T12:00:00.000Z' } });
    expect(body['final']).toBe(false);
  });

  it.each([{}, { version: '3' }])('says nothing of that in any other answer: %j', async (query) => {
    const ledger = await createLedger();
    expect((await ledger.getAccount('a1', { query })).body).not.toHaveProperty('final');
  });

  it.each(['"4"', 'W/"4"', '"1", W/"4"', '*', '"4","4"'])(
    'answers 304 to a client that has it: %s',
    async (tags) => {
      for (const query of [{}, { version: '4' }, { at: '2026-11-21T11:59:00Z' }]) {
        const answer = await (await createLedger()).getAccount('a1', {
          query,
          headers: { 'If-None-Match': tags },
        });
        expect(answer).toMatchObject({
          status: 304,
          body: {},
          headers: { ETag: '"4"', 'Cache-Control': 'no-store' },
        });
        expect(answer.headers).not.toHaveProperty('Content-Type');
      }
    },
  );

  it.each(['"3"', 'W/"3", "5"', '"04"', '""', '"3,4"'])(
    'answers 200 to a client that has another: %s',
    async (tags) => {
      const answer = await (await createLedger()).getAccount('a1', {
        headers: { 'If-None-Match': tags },
      });
      expect(answer).toMatchObject({ status: 200, body: { version: 4 } });
    },
  );

  it('answers 200 where a client may have it from before it was final', async () => {
    const headers = { 'If-None-Match': '"4"' };
    const answer = await (await createLedger()).getAccount('a1', {
      query: { at: '2026-11-21T11:00:00Z' },
      headers,
    });
    expect(answer).toMatchObject({ status: 200, body: { final: true } });
  });

  it('answers 404 and 400 whatever a client has', async () => {
    const ledger = await createLedger();
    const any = { headers: { 'If-None-Match': '*' } };
    expect(await ledger.getAccount('missing', any)).toMatchObject({ status: 404 });
    expect(await ledger.getAccount('a1', { ...any, query: { version: '5' } })).toMatchObject({
      status: 404,
    });
    for (const tags of ['4', '"4', '', '*, "4"']) {
      expect(await ledger.getAccount('a1', { headers: { 'If-None-Match': tags } })).toMatchObject({
        status: 400,
        body: { errors: [{ path: 'If-None-Match' }] },
      });
    }
  });

  it('answers 404 before the account was opened', async () => {
    const query = { at: '2026-11-21T10:00:00.999Z' };
    expect(await (await createLedger()).getAccount('a1', { query })).toMatchObject(notFound);
  });

  it.each(['5', '6', '9007199254740991'])(
    'answers 404 version_not_found to version %s, still to come',
    async (version) => {
      expect(await (await createLedger()).getAccount('a1', { query: { version } })).toMatchObject({
        status: 404,
        body: { code: 'version_not_found', currentVersion: 4 },
      });
    },
  );

  it.each([{}, { version: '1' }, { at: '2026-11-21T10:00:05.000Z' }])(
    'answers 404 where there is no such account, with %j',
    async (query) => {
      expect(await (await createLedger()).getAccount('missing', { query })).toMatchObject(notFound);
    },
  );

  it.each([
    [{ version: '0' }, 'version'],
    [{ version: '-1' }, 'version'],
    [{ version: '1.5' }, 'version'],
    [{ version: '1e3' }, 'version'],
    [{ version: '' }, 'version'],
    [{ version: '9007199254740992' }, 'version'],
    [{ version: '1,2' }, 'version'],
    [{ at: 'yesterday' }, 'at'],
    [{ at: '2026-11-21' }, 'at'],
    [{ at: '2026-02-30T10:00:00.000Z' }, 'at'],
    [{ version: '1', at: '2026-11-21T10:00:05.000Z' }, 'query'],
    [{ versoin: '1' }, 'versoin'],
  ])('answers 400 to %j', async (query, path) => {
    expect(await (await createLedger()).getAccount('a1', { query })).toMatchObject({
      status: 400,
      body: {
        code: 'validation_failed',
        errors: [{ path, message: expect.stringMatching(/^(must|takes|is not known)/) }],
      },
    });
  });

  it('answers 400 to an id that can be none', async () => {
    expect(await (await createLedger()).getAccount('a.1')).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'accountId' }] },
    });
  });
});
