import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { joinTestCloud, type TestCloud } from '../setup/cloud.ts';

let cloud: TestCloud;

beforeAll(async () => {
  cloud = await joinTestCloud();
  await cloud.api.account('asked', 100);
  await cloud.api.account('paid');
  await cloud.api.post('/transfers', {
    transferId: 'asked-for',
    from: 'asked',
    to: 'paid',
    amount: 10,
  });
  await cloud.api.ended('asked-for');
});

afterAll(() => cloud.stop());

/** Sends a request as it is, headers that come twice among it, which `fetch` would join. */
const sendRaw = (
  method: string,
  path: string,
  headers: readonly string[] = [],
  body = Buffer.alloc(0),
) =>
  new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; text: string }>(
    (resolve, reject) => {
      const { hostname, port, host } = new URL(cloud.url);
      const all = [
        'Host',
        host,
        'Authorization',
        `Bearer ${cloud.showing}`,
        ...headers,
        ...(body.length > 0 ? ['Content-Length', String(body.length)] : []),
      ];
      const sent = request({ hostname, port, method, path, headers: all }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString(),
          }),
        );
      });
      sent.on('error', reject);
      sent.end(body);
    },
  );

const paths = [
  '/accounts/asked',
  '/accounts/asked?version=1',
  '/accounts/nobody',
  '/accounts/asked/entries?limit=1',
  '/accounts/asked/transfers',
  '/transfers/asked-for',
  '/accounts/asked/commands/none',
  '/health',
  '/openapi.json',
  '/docs',
  '/nowhere',
];

describe.each(paths)('HEAD %s', (path) => {
  it('is answered like GET, without a body', async () => {
    const [got, head] = [await sendRaw('GET', path), await sendRaw('HEAD', path)];
    expect(head.text).toBe('');
    expect(head.status).toBe(got.status);
    const differing = new Set(['date', 'apigw-requestid', 'x-correlation-id']);
    const comparable = (headers: object) =>
      Object.entries(headers).filter(([name]) => !differing.has(name));
    expect(comparable(head.headers)).toEqual(comparable(got.headers));
  });
});

it.each([
  ['DELETE', '/accounts/asked', 'GET, HEAD, PATCH'],
  ['PUT', '/accounts', 'GET, HEAD, POST'],
  ['HEAD', '/postings', 'POST'],
  ['OPTIONS', '/accounts/asked/deposits', 'POST'],
  ['GET', '/accounts/asked/withdrawals', 'POST'],
  ['PATCH', '/transfers/asked-for', 'GET, HEAD'],
  ['POST', '/openapi.json', 'GET, HEAD'],
])('405 to %s %s, with what there is', async (method, path, allow) => {
  const answer = await sendRaw(method, path);
  expect(answer).toMatchObject({ status: 405, headers: { allow } });
  if (method !== 'HEAD')
    expect(JSON.parse(answer.text)).toMatchObject({ code: 'method_not_allowed', instance: path });
});

it.each([
  ['//evil.com/x', '/.//evil.com/x'],
  ['/a%20b', '/a%20b'],
  ['/%25zz', '/%25zz'],
  ['/gr%C3%B6%C3%9Fer', '/gr%C3%B6%C3%9Fer'],
  ['/\\evil.com', '/%5Cevil.com'],
  ['http://evil.com/x', '/x'],
  [`/${'x'.repeat(5_000)}`, `/${'x'.repeat(5_000)}`],
])('404 to %s names it as a path of this host', async (path, instance) => {
  const { status, text } = await sendRaw('GET', path);
  expect({ status, body: JSON.parse(text) }).toMatchObject({
    status: 404,
    body: { code: 'route_not_found', instance },
  });
});

describe('a deposit', () => {
  const json = ['Content-Type', 'application/json'];
  const deposit = (headers: readonly string[], body: Buffer | string) =>
    sendRaw('POST', '/accounts/paid/deposits', headers, Buffer.from(body));
  const version = async () => (await cloud.api.get('/accounts/paid')).body['version'];

  it.each<[string, number, readonly string[], Buffer | string]>([
    ['with a name twice', 400, json, '{"amount":1,"\\u0061mount":500}'],
    [
      'that is no UTF-8',
      400,
      json,
      Buffer.from('7b22616d6f756e74223a312c227265666572656e6365223a22ff227d', 'hex'),
    ],
    [
      'cut off inside a character',
      400,
      json,
      Buffer.concat([
        Buffer.from('{"amount":1,"reference":"'),
        Buffer.from('f09f9822', 'hex'),
        Buffer.from('}'),
      ]),
    ],
    [
      'with its key twice',
      400,
      [...json, 'Idempotency-Key', 'k', 'Idempotency-Key', 'k'],
      '{"amount":1}',
    ],
    ['with its type twice', 400, [...json, ...json], '{"amount":1}'],
    ['that is compressed', 415, [...json, 'Content-Encoding', 'gzip'], '{"amount":1}'],
    ['with If-None-Match', 400, [...json, 'If-None-Match', '*'], '{"amount":1}'],
  ])('%s is answered %i, and changes nothing', async (_, status, headers, body) => {
    const before = await version();
    expect(await deposit(headers, body)).toMatchObject({ status });
    expect(await version()).toBe(before);
  });

  it('with a U+FFFD of the client’s own is recorded as it is', async () => {
    const { status, text } = await deposit(json, '{"amount":1,"reference":"\ufffd"}');
    expect({ status, body: JSON.parse(text) }).toMatchObject({
      status: 201,
      body: { reference: '\ufffd' },
    });
  });
});
