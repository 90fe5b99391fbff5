import { describe, expect, it } from 'vitest';
import document from '../../../functions/queries/openapi.json' with { type: 'json' };
import { createCheck } from '../../../fuzz/check.ts';
import { createRequests, type FuzzRequest } from '../../../fuzz/requests.ts';
import { toCurl } from '../../../fuzz/send.ts';
import { randomOf } from '../../../testing/random.ts';

const check = createCheck(document);

const account = {
  ...{
    accountId: 'a1',
    owner: 'local',
    currency: 'EUR',
    status: 'open',
    balance: 0,
    reserved: 0,
    available: 0,
  },
  ...{ overdraftLimit: 0, version: 1, openedAt: '2026-11-21T10:00:00.000Z' },
};
const own = { 'apigw-requestid': 'r', 'x-correlation-id': 'c', 'cache-control': 'no-store' };
const json = { ...own, 'content-type': 'application/json' };
const problem = (status: number, code: string) => ({
  status,
  headers: { ...own, 'content-type': 'application/problem+json' },
  text: JSON.stringify({
    type: `urn:holdfast:problem:${code}`,
    ...{ title: 't', status, detail: 'd', instance: '/accounts/a1', code },
  }),
});

const get: FuzzRequest = { method: 'GET', target: '/accounts/a1', headers: [] };
const found = (
  answer: { status: number; headers: object; text: string },
  request: Partial<FuzzRequest> = {},
) => check.violations({ ...get, ...request }, { ...answer, headers: { ...answer.headers } });

describe('an answer as documented', () => {
  it.each([
    [
      'an account',
      { status: 200, headers: { ...json, etag: '"1"' }, text: JSON.stringify(account) },
      {},
    ],
    ['HEAD', { status: 200, headers: json, text: '' }, { method: 'HEAD' }],
    ['a problem', problem(404, 'account_not_found'), {}],
    ['304', { status: 304, headers: own, text: '' }, {}],
    [
      'what the gateway says',
      {
        status: 429,
        headers: { 'content-type': 'application/json', 'apigw-requestid': 'r' },
        text: '{"message":"Too Many Requests"}',
      },
      {},
    ],
    ['a path that is not there', problem(404, 'route_not_found'), { target: '/nowhere' }],
    [
      'a method that is not there',
      {
        ...problem(405, 'method_not_allowed'),
        headers: { ...problem(405, '').headers, allow: 'GET, HEAD, PATCH' },
      },
      { method: 'PUT' },
    ],
  ])('%s', (_, answer, request) => {
    expect(found(answer, request)).toEqual([]);
  });
});

describe('an answer that is not', () => {
  const good = { status: 200, headers: json, text: JSON.stringify(account) };
  it.each([
    ['of a status of its own', { ...good, status: 418 }, {}, '418 is not documented'],
    [
      'of another type',
      { ...good, headers: { ...json, 'content-type': 'text/html' } },
      {},
      'it is "text/html"',
    ],
    [
      'without a member',
      { ...good, text: JSON.stringify({ ...account, balance: undefined }) },
      {},
      'balance',
    ],
    [
      'with one too many',
      { ...good, text: JSON.stringify({ ...account, secret: 1 }) },
      {},
      'secret',
    ],
    ['not JSON', { ...good, text: '<html>' }, {}, 'not JSON'],
    ['HEAD with a body', good, { method: 'HEAD' }, 'with a body'],
    [
      'without a header',
      { ...good, headers: { ...json, 'x-correlation-id': undefined } },
      {},
      'missing',
    ],
    [
      'with a header of others',
      { ...good, headers: { ...json, location: '/x' } },
      {},
      'location is not documented',
    ],
    ['with a code of others', problem(404, 'transfer_not_found'), {}, 'code transfer_not_found'],
    ['accepting what is forbidden', good, { standing: 'broken' as const }, 'forbids'],
    [
      'refusing what is allowed',
      problem(400, 'validation_failed'),
      { standing: 'sound' as const },
      'allows',
    ],
    ['404 where a route is', problem(404, 'route_not_found'), { method: 'PUT' }, 'it is not 405'],
  ])('%s', (_, answer, request, message) => {
    expect(found(answer, request).join('\n')).toContain(message);
  });
});

describe('generated requests', () => {
  const generate = (seed: number, count: number) => {
    const next = createRequests({
      random: randomOf(seed),
      ...check,
      accountIds: ['a1', 'a2'],
      prefix: 'p-',
    });
    return Array.from({ length: count }, next);
  };

  it('follow from their seed', () => {
    expect(generate(7, 100)).toEqual(generate(7, 100));
    expect(generate(7, 100)).not.toEqual(generate(8, 100));
  });

  it('are of every route, half of them sound, with bodies that fit', () => {
    const all = generate(1, 2_000);
    expect(new Set(all.flatMap((request) => check.routeOf(request) ?? [])).size).toBe(
      check.operations.size,
    );
    const sound = all.filter(({ standing }) => standing === 'sound');
    expect(sound.length).toBeGreaterThan(800);
    for (const request of sound.filter(({ body }) => body)) {
      const schema = check.operations.get(check.routeOf(request) ?? '')?.requestBody?.content[
        'application/json'
      ].schema;
      expect(schema && check.fits(schema, JSON.parse(String(request.body)))).toBe(true);
    }
  });
});

it('a request is shown as a command for a shell', () => {
  const body = Buffer.from(`{"reference":"it's"}`);
  const headers = [['Idempotency-Key', '']] as const;
  expect(toCurl('http://host', { method: 'POST', target: '/accounts', headers, body })).toBe(
    `curl -i -X POST --path-as-is 'http://host/accounts' -H 'Idempotency-Key;' --data-binary '{"reference":"it'\\''s"}'`,
  );
});
