import { request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type HttpApiDefinition,
  type RunningHttpApi,
  startHttpApi,
} from '../../../../local-cloud/api-gateway/server.ts';
import { createThrottles } from '../../../../local-cloud/api-gateway/throttle.ts';
import type { Invocation, LocalFunction } from '../../../../local-cloud/lambda/invocation.ts';

let running: RunningHttpApi | undefined;
afterEach(() => running?.stop());

const functionThat = (invoke: (event: unknown) => Promise<Invocation>): LocalFunction => ({
  name: 'f',
  arn: 'arn',
  invoke,
});

const echo = functionThat(async (event) => ({
  ok: true,
  payload: { statusCode: 201, body: JSON.stringify(event) },
}));

const serve = async (
  target: LocalFunction,
  changes: Partial<HttpApiDefinition> & { routeKey?: string; timeoutMs?: number } = {},
): Promise<string> => {
  const { routeKey = 'POST /accounts/{accountId}', timeoutMs = 30_000, ...api } = changes;
  running = await startHttpApi(
    {
      apiId: 'api1',
      accountId: '000000000000',
      stage: '$default',
      routes: [{ routeKey, target: { target, timeoutMs } }],
      ...api,
    },
    {
      port: 0,
      sideDoor: ({ target: path, headers }) =>
        path === '/_local'
          ? Promise.resolve({
              status: 200,
              headers: [],
              body: Buffer.from(`local ${headers.host}`),
            })
          : undefined,
    },
  );
  return `http://127.0.0.1:${running.port}`;
};

describe('the HTTP API', () => {
  it('answers HEAD with the status and headers of the function, its length among them, and no body', async () => {
    const url = await serve(echo, { routeKey: 'HEAD /accounts/{accountId}' });
    const response = await fetch(`${url}/accounts/a1`, { method: 'HEAD' });
    expect(response.status).toBe(201);
    expect(Number(response.headers.get('content-length'))).toBeGreaterThan(100);
    expect(await response.text()).toBe('');
  });

  it.each(['DELETE', 'OPTIONS', 'PATCH', 'HEAD', 'GET'])(
    'sends %s of an ANY route to its function',
    async (method) => {
      const url = await serve(echo, { routeKey: 'ANY /accounts/{accountId}' });
      expect(await fetch(`${url}/accounts/a1`, { method })).toMatchObject({ status: 201 });
      expect(await fetch(`${url}/accounts`, { method })).toMatchObject({ status: 404 });
    },
  );

  it('takes a request that names a whole URL for the path on this host', async () => {
    const url = new URL(await serve(echo, { routeKey: 'GET /accounts/{accountId}' }));
    const answer = await new Promise<string>((resolve, reject) => {
      const path = 'http://evil.example/accounts/a1?x=1';
      request({ host: url.hostname, port: url.port, path }, (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => resolve(text));
      })
        .on('error', reject)
        .end();
    });
    expect(JSON.parse(answer)).toMatchObject({ rawPath: '/accounts/a1', rawQueryString: 'x=1' });
  });

  it('hands a request to the function of its route and the answer to the client', async () => {
    const url = await serve(echo);
    const response = await fetch(`${url}/accounts/a1?x=1`, {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': 'application/json' },
    });
    expect(response.status).toBe(201);
    expect(response.headers.get('apigw-requestid')).toMatch(/^\S+$/);
    expect(await response.json()).toMatchObject({
      version: '2.0',
      routeKey: 'POST /accounts/{accountId}',
      pathParameters: { accountId: 'a1' },
      queryStringParameters: { x: '1' },
      body: '{}',
      headers: { 'x-forwarded-port': new URL(url).port },
    });
  });

  it.each([
    { what: 'a route that is not there', path: '/accounts', status: 404, message: 'Not Found' },
    {
      what: 'a method that is not there',
      path: '/accounts/a1',
      method: 'PUT',
      status: 404,
      message: 'Not Found',
    },
    {
      what: 'a path that cannot be decoded',
      path: '/accounts/%E0%A4%A',
      status: 400,
      message: 'Bad Request',
    },
  ])('answers $what itself', async ({ path, method = 'POST', status, message }) => {
    const response = await fetch((await serve(echo)) + path, { method });
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ message });
  });

  it('answers 500 for a function that failed, without a word of why', async () => {
    const url = await serve(
      functionThat(async () => ({ ok: false, errorType: 'Error', errorMessage: 'secret' })),
    );
    const response = await fetch(`${url}/accounts/a1`, { method: 'POST' });
    expect(response.status).toBe(500);
    expect(await response.text()).toBe('{"message":"Internal Server Error"}');
  });

  it('answers 503 when the integration takes too long', async () => {
    const url = await serve(
      functionThat(() => new Promise(() => {})),
      { timeoutMs: 10 },
    );
    const response = await fetch(`${url}/accounts/a1`, { method: 'POST' });
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ message: 'Service Unavailable' });
  });

  it.each([{ announced: true }, { announced: false }])(
    'answers 413 to more than 10 MB (length announced: $announced)',
    async ({ announced }) => {
      const url = await serve(echo);
      const tooLarge = Buffer.alloc(10 * 1024 * 1024 + 1);
      const status = await new Promise<number | undefined>((resolve, reject) => {
        const outgoing = request(
          `${url}/accounts/a1`,
          {
            method: 'POST',
            headers: announced
              ? { 'content-length': tooLarge.length }
              : { 'transfer-encoding': 'chunked' },
          },
          (response) => {
            resolve(response.statusCode);
            response.resume();
          },
        );
        outgoing.on('error', reject);
        outgoing.end(tooLarge);
      });
      expect(status).toBe(413);
    },
  );

  it('answers 429 beyond the rate of the stage', async () => {
    const url = await serve(echo, { throttle: { rateLimit: 0, burstLimit: 1 } });
    const statuses = [];
    for (let index = 0; index < 2; index += 1) {
      statuses.push((await fetch(`${url}/accounts/a1`, { method: 'POST' })).status);
    }
    expect(statuses).toEqual([201, 429]);
  });

  it('answers 429 beyond the rate of a route that has one of its own, whatever the stage would take', async () => {
    const url = await serve(echo, {
      throttle: { rateLimit: 1_000, burstLimit: 1_000 },
      routeThrottles: new Map([['POST /accounts/{accountId}', { rateLimit: 0, burstLimit: 1 }]]),
    });
    const statuses = [];
    for (let index = 0; index < 2; index += 1) {
      statuses.push((await fetch(`${url}/accounts/a1`, { method: 'POST' })).status);
    }
    expect(statuses).toEqual([201, 429]);
  });

  it('answers HEAD and 204 without a body', async () => {
    const url = await serve(
      functionThat(async () => ({ ok: true, payload: { statusCode: 204 } })),
      { routeKey: 'ANY /x' },
    );
    for (const method of ['HEAD', 'GET']) {
      const response = await fetch(`${url}/x`, { method });
      expect(response.status).toBe(204);
      expect(await response.text()).toBe('');
    }
  });

  it('lets what is beside the API answer first', async () => {
    const url = await serve(echo, { routeKey: '$default' });
    expect(await (await fetch(`${url}/_local`)).text()).toBe(`local ${new URL(url).host}`);
  });

  it('says that the port is in use', async () => {
    const port = Number(new URL(await serve(echo)).port);
    const api: HttpApiDefinition = { apiId: 'a', accountId: '0', stage: '$default', routes: [] };
    await expect(startHttpApi(api, { port, sideDoor: () => undefined })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
  });
});

describe('bytes that are hardly HTTP', () => {
  /** Writes bytes to a connection, and reads until it ends or has `answers` answers. */
  const write = async (url: string, bytes: string, answers = 1): Promise<string> => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(bytes));
    let text = '';
    for await (const chunk of socket.setEncoding('latin1')) {
      text += chunk;
      if (text.split('apigw-requestid: ').length > answers && text.includes('\r\n\r\n')) break;
    }
    return text;
  };
  const host = 'Host: localhost\r\n\r\n';

  it.each([
    ['no Host', 'POST /accounts/a HTTP/1.1\r\n\r\n'],
    ['two Hosts', `POST /accounts/a HTTP/1.1\r\nHost: y\r\n${host}`],
    ['a Host that is none', 'POST /accounts/a HTTP/1.1\r\nHost: a b\r\n\r\n'],
    ['HTTP/0.9', 'GET /accounts/a\r\n\r\n'],
    ['CONNECT', `CONNECT x:443 HTTP/1.1\r\n${host}`],
    [
      'a length and chunks',
      `POST /accounts/a HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n${host}`,
    ],
  ])('are answered 400 in the gateway’s own form: %s', async (_, bytes) => {
    const answer = await write(await serve(echo), bytes);
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(answer).toMatch(/apigw-requestid: \S+\r\n/);
    expect(answer).toMatch(/\r\n\r\n\{"message":"Bad Request"\}$/);
  });

  it.each([
    ['HTTP/1.0', `POST /accounts/a HTTP/1.0\r\n${host}`],
    ['an expectation that nobody knows', `POST /accounts/a HTTP/1.1\r\nExpect: all\r\n${host}`],
    ['an upgrade', `POST /accounts/a HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: h2c\r\n${host}`],
  ])('are a request like others: %s', async (_, bytes) => {
    expect(await write(await serve(echo), bytes)).toMatch(/^HTTP\/1\.1 201 Created\r\n/);
  });

  it('are answered to a client that has ended its side of the connection', async () => {
    const socket = connect({ port: Number(new URL(await serve(echo)).port), allowHalfOpen: true });
    socket.end(`POST /accounts/a HTTP/1.1\r\n${host}`);
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1\.1 201 Created\r\n/);
  });

  it('that follow a request are answered after it, never in its place', async () => {
    const answerNow = Promise.withResolvers<void>();
    const slow = functionThat(async () => {
      await answerNow.promise;
      return { ok: true, payload: { statusCode: 201, body: 'done' } };
    });
    const url = await serve(slow);
    const answers = write(url, `POST /accounts/a HTTP/1.1\r\n${host}rubbish\r\n\r\n`, 2);
    // Whatever is written at once, is written by then.
    await fetch(`${url}/_local`);
    answerNow.resolve();
    const statuses = (await answers).match(/HTTP\/1\.1 \d+/g);
    expect(statuses).toEqual(['HTTP/1.1 201', 'HTTP/1.1 400']);
  });
});

it('a body that no function takes is answered 413, and no function hears of it', async () => {
  let invoked = 0;
  const url = await serve(
    functionThat(async () => {
      invoked += 1;
      return { ok: true, payload: 'taken' };
    }),
  );
  const send = (bytes: number) =>
    fetch(`${url}/accounts/a1`, {
      method: 'POST',
      body: 'x'.repeat(bytes),
      headers: { 'content-type': 'text/plain' },
    });
  expect((await send(6 * 1024 * 1024 - 2_000)).status).toBe(200);
  expect((await send(6 * 1024 * 1024)).status).toBe(413);
  expect(invoked).toBe(1);
});

describe('createThrottles', () => {
  it('lets a burst through, then the rate, and never saves up more than a burst', () => {
    let now = 0;
    const mayPass = createThrottles({ rateLimit: 2, burstLimit: 3 }, new Map(), () => now);
    const passed = (requests: number) =>
      Array.from({ length: requests }, () => mayPass('GET /a')).filter(Boolean).length;
    expect(passed(5)).toBe(3);
    now += 500;
    expect(passed(5)).toBe(1);
    now += 60_000;
    expect(passed(5)).toBe(3);
  });

  it('gives a route with settings of its own a bucket of its own, and all others one together', () => {
    const mayPass = createThrottles(
      { rateLimit: 0, burstLimit: 1 },
      new Map([['POST /a', { rateLimit: 0, burstLimit: 2 }]]),
      () => 0,
    );
    const routes = ['POST /a', 'POST /a', 'POST /a', 'GET /a', 'GET /b'];
    expect(routes.map(mayPass)).toEqual([true, true, false, true, false]);
  });
});
