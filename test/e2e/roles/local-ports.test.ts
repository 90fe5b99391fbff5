import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { joinTestCloud, type TestCloud } from '../../setup/cloud.ts';

let cloud: TestCloud;

beforeAll(async () => {
  cloud = await joinTestCloud();
  await cloud.api.account('victim', 100);
});

afterAll(() => cloud.stop());

const portOf = (url: string): number => Number(new URL(url).port);

/** Sends what a browser would, `Host` included, which `fetch` lets nobody choose. */
const ask = async (
  port: number,
  method: string,
  path: string,
  headers: Record<string, string>,
  body = '',
): Promise<{ status: number | undefined; headers: IncomingMessage['headers']; body: string }> => {
  const outgoing = request({ host: '127.0.0.1', port, method, path, headers });
  outgoing.end(body);
  const [incoming]: IncomingMessage[] = await once(outgoing, 'response');
  if (!incoming) throw new Error('there is no answer');
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  return { status: incoming.statusCode, headers: incoming.headers, body: text };
};

const page = { origin: 'http://page.example', referer: 'http://page.example/' };
const local = { host: '127.0.0.1' };
/** What a page whose own name was made to lead here sends: to the browser it is its own server. */
const rebound = { host: 'page.example' };
const deposit = JSON.stringify({ amount: 1_000 });

describe('the port of the API, to a web page', () => {
  const api = (method: string, path: string, headers: Record<string, string>, body?: string) =>
    ask(portOf(cloud.url), method, path, headers, body);

  it('is not there under the page’s own name, with or without the operator’s header', async () => {
    for (const path of ['/accounts/victim', '/health', '/_local', '/nowhere'])
      for (const more of [{}, { 'sec-local': 'yes' }])
        expect(await api('GET', path, { ...rebound, ...more })).toMatchObject({
          status: 403,
          body: '{"message":"Forbidden"}',
        });
    const json = { ...rebound, 'content-type': 'application/json' };
    expect((await api('POST', '/accounts/victim/deposits', json, deposit)).status).toBe(403);
    expect(await balance()).toBe(100);
  });

  it('gives no leave to send what needs it, and no answer that the page may read', async () => {
    for (const path of ['/accounts/victim/deposits', '/_local/kill']) {
      const preflight = await api('OPTIONS', path, {
        ...local,
        ...page,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type,authorization,sec-local',
      });
      expect(preflight.status).toBeGreaterThanOrEqual(400);
      expect(corsHeaders(preflight.headers)).toEqual([]);
    }
    expect(corsHeaders((await api('GET', '/health', { ...local, ...page })).headers)).toEqual([]);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    'moves nothing for what a page may send unasked: %s',
    async (type) => {
      const headers = { ...local, ...page, 'content-type': type };
      const answer = await api('POST', '/accounts/victim/deposits', headers, deposit);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(await balance()).toBe(100);
      const kill = '{"function":"deposit"}';
      expect((await api('POST', '/_local/kill', headers, kill)).status).toBe(403);
    },
  );

  it('tells nothing under /_local without the header that a page cannot send', async () => {
    for (const headers of [local, { ...local, 'sec-fetch-site': 'cross-site' }])
      expect((await api('GET', '/_local', headers)).status).toBe(403);
    expect((await api('GET', '/_local', { ...local, 'sec-local': 'yes' })).status).toBe(200);
    // Whatever sent it, there was a page behind it.
    const forged = { ...local, ...page, 'sec-local': 'yes' };
    expect((await api('GET', '/_local', forged)).status).toBe(403);
  });
});

describe('the port of the endpoint, to a web page', () => {
  const target = { 'x-amz-target': 'DynamoDB_20120810.Scan' };
  const scan = '{"TableName":"holdfast-dev-events"}';
  const signed = () => {
    const [first] = cloud.template.functions;
    const key = cloud.services.accessKeyIdOf(first?.name ?? '');
    return {
      authorization: `AWS4-HMAC-SHA256 Credential=${key}/20260101/us-east-1/dynamodb/aws4_request, Signature=0`,
    };
  };

  it.each([
    ['under its own name', rebound],
    ['across sites', { ...local, ...page }],
  ])('answers nothing %s, even to the right credentials', async (_, headers) => {
    const port = portOf(cloud.services.url);
    const answer = await ask(port, 'POST', '/', { ...headers, ...target, ...signed() }, scan);
    expect(answer).toMatchObject({ status: 403 });
    expect(corsHeaders(answer.headers)).toEqual([]);
  });

  it('answers no function whose key was not given to it', async () => {
    const port = portOf(cloud.services.url);
    const answer = await ask(port, 'POST', '/', { ...local, ...target }, scan);
    expect(answer).toMatchObject({ status: 400 });
    expect(answer.body).toContain('MissingAuthenticationToken');
  });
});

describe('the port of DynamoDB Local, to a web page', () => {
  const target = { 'x-amz-target': 'DynamoDB_20120810.ListTables' };
  const keyed = (key: string) => ({
    authorization: `AWS4-HMAC-SHA256 Credential=${key}/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0`,
    'x-amz-date': '20260101T000000Z',
    'content-type': 'application/x-amz-json-1.0',
  });

  it('has the tables under a key that nobody guesses, and none under any other', async () => {
    const port = portOf(cloud.dynamodb.endpoint);
    const { accessKeyId } = cloud.dynamodb.credentials;
    const list = (key: string) =>
      ask(port, 'POST', '/', { ...rebound, ...target, ...keyed(key) }, '{}');
    expect((await list(accessKeyId)).body).toContain('holdfast-dev-events');
    for (const guessed of ['holdfast', 'local', 'LOCALholdfastdevdeposit'])
      expect((await list(guessed)).body).toBe('{"TableNames":[]}');
  });

  it('lets no page of another site read an answer', async () => {
    const port = portOf(cloud.dynamodb.endpoint);
    const answer = await ask(
      port,
      'POST',
      '/',
      { ...local, ...page, ...target, ...keyed('holdfast') },
      '{}',
    );
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
  });
});

describe('another machine', () => {
  const outside = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, family }) => !internal && family === 'IPv4');

  it.runIf(outside.length > 0)('reaches neither the API nor the endpoint', async () => {
    for (const { address } of outside) {
      for (const url of [cloud.url, cloud.services.url]) {
        const socket = connect({ host: address, port: portOf(url) });
        const [error] = await Promise.race([
          once(socket, 'error'),
          once(socket, 'connect').then(() => ['connected']),
        ]);
        socket.destroy();
        expect(error).toMatchObject({ code: 'ECONNREFUSED' });
      }
    }
  });
});

const corsHeaders = (headers: IncomingMessage['headers']): string[] =>
  Object.keys(headers).filter((name) => name.startsWith('access-control-allow'));

const balance = async () => (await cloud.api.get('/accounts/victim')).body['balance'];
