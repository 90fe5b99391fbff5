import { request } from 'node:http';
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
