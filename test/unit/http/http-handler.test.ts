import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { json } from '../../../functions/http/answer/http-answer.ts';
import { httpHandler } from '../../../functions/http/chain/http-handler.ts';
import { StoreUnavailable } from '../../../functions/runtime/unavailable.ts';
import { silentHttp as http } from '../runtime/recorded-telemetry.ts';
import { createFundedLedger } from './ledger.ts';
import { type ClientRequest, eventOf, lambdaContext, send } from './request.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('the correlation id', () => {
  const echo = httpHandler(http, 'ledger:read', z.object({}), async (_, { correlationId }) =>
    json(200, { correlationId }),
  );

  it.each([
    ['checkout-4711', 'one word'],
    ['with spaces ~ and "signs"', 'any printable ASCII'],
    ['x'.repeat(128), '128 characters'],
  ])('is taken over from the client: %s', async (sent) => {
    const { headers, body } = await send(echo, { headers: { 'X-Correlation-Id': sent } });
    expect(headers['X-Correlation-Id']).toBe(sent);
    expect(body).toEqual({ correlationId: sent });
  });

  it.each(['c1,c1', 'c1, c1', 'c1,c1,c1'])('that came twice is taken once: %s', async (sent) => {
    const { headers } = await send(echo, { headers: { 'X-Correlation-Id': sent } });
    expect(headers['X-Correlation-Id']).toBe('c1');
  });

  it.each([
    ['x'.repeat(129), 'too long'],
    ['ümlaut', 'not ASCII'],
    ['tab\there', 'not printable'],
    ['', 'empty'],
  ])('is made where the client sends none that will do: %j (%s)', async (sent) => {
    const { headers } = await send(echo, { headers: { 'X-Correlation-Id': sent } });
    expect(headers['X-Correlation-Id']).toBe('gateway-request-id');
  });

  it('comes back on errors, and when the handler throws', async () => {
    const headers = { 'X-Correlation-Id': 'c1' };
    const failing = httpHandler(http, 'ledger:read', z.object({}), async () => {
      throw new Error('no');
    });
    expect((await send(failing, { headers })).headers['X-Correlation-Id']).toBe('c1');
    const ledger = await createFundedLedger();
    const { status, headers: answered } = await ledger.deposit('a1', { rawBody: '{', headers });
    expect([status, answered['X-Correlation-Id']]).toEqual([400, 'c1']);
  });

  it('reaches the store with the command, and so does the caller', async () => {
    const ledger = await createFundedLedger();
    await ledger.deposit('a1', { body: { amount: 1 }, headers: { 'X-Correlation-Id': 'c1' } });
    expect(ledger.store.execute).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ correlationId: 'c1', actor: 'local' }),
    );
  });
});

describe('a body', () => {
  const deposit = async (request: ClientRequest) =>
    (await createFundedLedger()).deposit('a1', request);
  const paid = '{"amount":1}';
  const replaced = '{"amount":1,"reference":"\ufffd"}';
  const lengthOf = (text: string) => String(Buffer.byteLength(text));

  it.each<[string, ClientRequest]>([
    ['in plain text', { rawBody: paid }],
    ['in base64', { rawBody: base64(paid), isBase64Encoded: true }],
    ['with a byte order mark', { rawBody: `\u{feff}${paid}` }],
    [
      'with a charset',
      { rawBody: paid, headers: { 'Content-Type': 'application/json; charset=utf-8' } },
    ],
    [
      'in any spelling of the media type',
      { rawBody: paid, headers: { 'Content-Type': 'Application/JSON' } },
    ],
    ['of exactly 16 KiB', { rawBody: paid.padEnd(16 * 1024) }],
    ['that is not encoded', { rawBody: paid, headers: { 'Content-Encoding': 'identity' } }],
    [
      'that is not encoded, and says so twice',
      { rawBody: paid, headers: { 'Content-Encoding': 'Identity, identity' } },
    ],
    [
      'with a comma in a quoted parameter',
      { rawBody: paid, headers: { 'Content-Type': 'application/json; profile="a,\\"b"' } },
    ],
    ['with its length', { rawBody: paid, headers: { 'Content-Length': '12' } }],
    ['with its length twice', { rawBody: paid, headers: { 'Content-Length': '12, 12' } }],
    [
      'with a U+FFFD that the client has sent',
      { rawBody: replaced, headers: { 'Content-Length': lengthOf(replaced) } },
    ],
    ['with a U+FFFD whose length is not told', { rawBody: replaced }],
    ['with a U+FFFD in base64', { rawBody: base64(replaced), isBase64Encoded: true }],
  ])('is read %s', async (_, request) => {
    expect((await deposit(request)).status).toBe(201);
  });

  it.each<[string, number, string, ClientRequest]>([
    [
      'of one byte more than 16 KiB',
      413,
      'body_too_large',
      { rawBody: paid.padEnd(16 * 1024 + 1) },
    ],
    [
      'of more than 16 KiB under its base64',
      413,
      'body_too_large',
      { rawBody: base64(paid.padEnd(16 * 1024 + 1)), isBase64Encoded: true },
    ],
    [
      'of more than 16 KiB of UTF-8 in fewer characters',
      413,
      'body_too_large',
      { rawBody: JSON.stringify({ reference: 'ü'.repeat(9000) }) },
    ],
    [
      'of another type',
      415,
      'unsupported_media_type',
      { rawBody: paid, headers: { 'Content-Type': 'text/json' } },
    ],
    [
      'of a form',
      415,
      'unsupported_media_type',
      { rawBody: 'amount=1', headers: { 'Content-Type': 'application/x-www-form-urlencoded' } },
    ],
    ['without a type', 415, 'unsupported_media_type', { method: 'POST' }],
    ['that is empty', 400, 'malformed_json', { rawBody: '' }],
    ['that ends too early', 400, 'malformed_json', { rawBody: '{"amount":1' }],
    [
      'that is not UTF-8',
      400,
      'malformed_json',
      { rawBody: Buffer.from([0x22, 0xff, 0x22]).toString('base64'), isBase64Encoded: true },
    ],
    [
      'whose byte that is not UTF-8 was replaced on the way',
      400,
      'malformed_json',
      { rawBody: replaced, headers: { 'Content-Length': String(Buffer.byteLength(replaced) - 2) } },
    ],
    ...['gzip', 'GZIP', 'br', 'identity, gzip', 'x-unknown', 'deflate,identity'].map(
      (coding): [string, number, string, ClientRequest] => [
        `encoded as ${coding}`,
        415,
        'unsupported_media_type',
        { rawBody: paid, headers: { 'Content-Encoding': coding } },
      ],
    ),
    ...[
      ['Content-Type', 'application/json,application/json'],
      ['Content-Type', 'application/json; charset=utf-8, application/json'],
      ['Content-Type', 'text/plain, application/json'],
      ['Content-Length', '12,13'],
      ['Content-Length', 'twelve'],
      ['If-None-Match', '*'],
      ['If-None-Match', '"7"'],
      ['If-None-Match', ''],
      ['Idempotency-Key', 'k,k'],
    ].map(([name = '', value = '']): [string, number, string, ClientRequest] => [
      `with ${name}: ${value}`,
      400,
      'validation_failed',
      { rawBody: paid, headers: { [name]: value } },
    ]),
    [
      'that holds half a character',
      400,
      'malformed_json',
      { rawBody: '{"amount":1,"reference":"\\ud800"}' },
    ],
    ['that is no object', 400, 'validation_failed', { rawBody: '[1]' }],
    ['that is null', 400, 'validation_failed', { rawBody: 'null' }],
  ])('%s is answered %i %s', async (_, status, code, request) => {
    const answer = await deposit(request);
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ status, code });
  });

  it('is decided at whichever of several versions the account is at', async () => {
    const ledger = await createFundedLedger();
    const at = (ifMatch: string) =>
      ledger.deposit('a1', { rawBody: paid, headers: { 'If-Match': ifMatch } });
    expect(await at('"1", "2", "7"')).toMatchObject({ status: 201, body: { version: 3 } });
    expect(await at('"3","3"')).toMatchObject({ status: 201, body: { version: 4 } });
    expect(await at('"7", W/"4", "3"')).toMatchObject({ status: 412, body: { currentVersion: 4 } });
  });

  it('that is encoded is answered with what would be understood', async () => {
    const answer = await deposit({ rawBody: paid, headers: { 'Content-Encoding': 'gzip' } });
    expect(answer.headers['Accept-Encoding']).toBe('identity');
  });
});

describe('validation', () => {
  const errorsOf = async (body: object, headers: ClientRequest['headers'] = {}) => {
    const ledger = await createFundedLedger();
    const answer = await ledger.deposit('a1', { body, headers });
    expect(ledger.store.execute).not.toHaveBeenCalled();
    expect(answer).toMatchObject({ status: 400, body: { code: 'validation_failed' } });
    return answer.body['errors'];
  };

  it('names every field that is wrong, and says what is', async () => {
    expect(await errorsOf({ currency: 'eur', reference: '' })).toEqual([
      { path: 'amount', message: expect.stringContaining('integer in minor units') },
      { path: 'currency', message: 'must be three capital letters (ISO 4217)' },
      { path: 'reference', message: 'must not be empty' },
    ]);
    expect(await errorsOf({ amount: 1, currency: 5 })).toEqual([
      { path: 'currency', message: 'must be a string' },
    ]);
  });

  it('refuses unknown fields by name, so that a typo cannot be ignored', async () => {
    expect(await errorsOf({ amount: 1, refrence: 'rent', constructor: 1 })).toEqual([
      { path: 'refrence', message: 'is not known here' },
      { path: 'constructor', message: 'is not known here' },
    ]);
    const ledger = await createFundedLedger();
    const answer = await ledger.deposit('a1', { rawBody: '{"amount":1,"__proto__":{"amount":2}}' });
    expect(answer.body).toMatchObject({
      code: 'validation_failed',
      errors: [{ path: '__proto__' }],
    });
  });

  it.each([0, -1, 1.5, '100', null, true, 2 ** 53])('refuses an amount of %j', async (amount) => {
    expect(await errorsOf({ amount })).toEqual([{ path: 'amount', message: expect.any(String) }]);
  });

  it('refuses an amount that would have to be rounded', async () => {
    const ledger = await createFundedLedger();
    for (const amount of [
      '0.99999999999999999999',
      '9007199254740990.6',
      '9007199254740993',
      '1e400',
    ]) {
      const answer = await ledger.deposit('a1', { rawBody: `{"amount":${amount}}` });
      expect(answer.body).toMatchObject({
        code: 'validation_failed',
        errors: [{ path: 'amount' }],
      });
    }
  });

  it('names headers as they are spelled', async () => {
    expect(await errorsOf({ amount: 1 }, { 'Idempotency-Key': 'ü', 'If-Match': '7' })).toEqual([
      { path: 'Idempotency-Key', message: 'must be 1 to 255 printable ASCII characters' },
      { path: 'If-Match', message: expect.stringContaining('must be an entity tag like "7"') },
    ]);
  });

  it('names a part of the path, and query parameters that a command does not take', async () => {
    const ledger = await createFundedLedger();
    const answer = await ledger.deposit('a b', { body: { amount: 1 }, query: { amount: '2' } });
    expect(answer.body['errors']).toEqual([
      { path: 'accountId', message: expect.stringContaining('1 to 64') },
      { path: 'amount', message: 'is not known here' },
    ]);
  });

  it('does not answer thousands of mistakes one by one', async () => {
    const fields = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`f${index}`, 0]));
    expect(await errorsOf({ amount: 1, ...fields })).toHaveLength(20);
  });
});

describe('what is thrown', () => {
  const anyTransfer = z.object({
    headers: z.object({ 'idempotency-key': z.optional(z.string()) }),
    body: z.optional(z.object({ transferId: z.optional(z.string()) })),
  });
  const throwing = (error: unknown) =>
    httpHandler(http, 'ledger:read', anyTransfer, async () => {
      throw error;
    });
  const key: ClientRequest = { rawBody: '{}', headers: { 'Idempotency-Key': 'k' } };
  const own: ClientRequest = { rawBody: '{"transferId":"t1"}' };
  const neither: ClientRequest = { rawBody: '{}' };
  const query: ClientRequest = { rawBody: '{}', method: 'GET' };
  const throttled = Object.assign(new Error('slow down'), { name: 'ThrottlingException' });
  const lost = Object.assign(new Error('socket'), { code: 'ECONNRESET' });
  const denied = Object.assign(new Error('no'), {
    name: 'AccessDeniedException',
    $metadata: { httpStatusCode: 400 },
  });
  const unavailable = new StoreUnavailable('throttled', throttled);
  const bug = new TypeError('undefined is not a function');

  it.each<[string, unknown, string, ClientRequest, number, string]>([
    ['a bug', bug, 'query', query, 500, 'looked at.'],
    ['what is not even an error', 'oops', 'query', query, 500, 'looked at.'],
    ['a right that is missing', denied, 'query', query, 500, 'looked at.'],
    ['throttling', throttled, 'query', query, 503, 'could not be read just now'],
    ['a store that did not answer', unavailable, 'query', query, 503, 'could not be read just now'],
    ['a bug', bug, 'command with a key', key, 500, 'with the same Idempotency-Key'],
    [
      'a bug',
      bug,
      'command with an id of the client’s own',
      own,
      500,
      'with the same transferId t1',
    ],
    ['a bug', bug, 'command without either', neither, 500, 'Whether this was done is not known'],
    ['a lost connection', lost, 'command with a key', key, 503, 'with the same Idempotency-Key'],
    [
      'a lost connection',
      lost,
      'command with an id of the client’s own',
      own,
      503,
      'with the same transferId t1',
    ],
    [
      'a lost connection',
      lost,
      'command without either',
      neither,
      500,
      'Whether this was done is not known',
    ],
    [
      'a store that did not answer',
      unavailable,
      'command with a key',
      key,
      503,
      'with the same Idempotency-Key',
    ],
    [
      'a store that did not answer, and so did nothing',
      unavailable,
      'command without',
      neither,
      503,
      'Nothing was done',
    ],
  ])('%s (%o) in a %s', async (_, error, _where, request, status, detail) => {
    const answer = await send(throwing(error), request);
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({
      code: status === 500 ? 'internal_error' : 'try_again',
      instance: '/test',
    });
    expect(answer.body['detail']).toContain(detail);
    expect(answer.headers['Retry-After']).toBe(status === 500 ? undefined : '1');
  });

  it('promises no key to a command that was sent without one, and no repeat to a query', async () => {
    for (const error of [bug, lost, unavailable]) {
      expect((await send(throwing(error), neither)).body['detail']).not.toMatch(
        /with the same|Idempotency-Key/,
      );
      expect((await send(throwing(error), query)).body['detail']).not.toMatch(
        /with the same|was done/,
      );
    }
  });

  it.each<[string, ClientRequest, number, string | undefined]>([
    ['a query', query, 503, '1'],
    ['a command with a key', key, 503, '1'],
    ['a command with an id of the client’s own', own, 503, '1'],
    ['a command without either', neither, 500, undefined],
  ])(
    '%s that would outlive its Lambda is answered at the last moment',
    async (_, request, status, retryAfter) => {
      const endless = httpHandler(http, 'ledger:read', anyTransfer, () => new Promise(() => {}));
      const { statusCode, headers } = await endless(eventOf(request), lambdaContext(251));
      expect([statusCode, headers['Retry-After'], headers['X-Correlation-Id']]).toEqual([
        status,
        retryAfter,
        'gateway-request-id',
      ]);
    },
  );
});
