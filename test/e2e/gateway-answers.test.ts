import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Check, createCheck } from '../../fuzz/check.ts';
import type { FuzzRequest } from '../../fuzz/requests.ts';
import { createSender, type FuzzAnswer } from '../../fuzz/send.ts';
import { startHttpApi } from '../../local-cloud/api-gateway/server.ts';
import { joinTestCloud, type TestCloud } from '../setup/cloud.ts';

let cloud: TestCloud;
let check: Check;
let sender: ReturnType<typeof createSender>;

beforeAll(async () => {
  cloud = await joinTestCloud();
  sender = createSender(cloud.url, 2, cloud.showing);
  check = createCheck((await cloud.api.get('/openapi.json')).body);
  await cloud.api.account('gate', 100);
});

afterAll(async () => {
  sender.close();
  await cloud.stop();
});

const withdrawal = (more: Partial<FuzzRequest> = {}): FuzzRequest => ({
  method: 'POST',
  target: '/accounts/gate/withdrawals',
  headers: [['Content-Type', 'application/json']],
  body: Buffer.from('{"amount":1}'),
  ...more,
});

/** The gateway's own form, and documented with the route. */
const expectGateways = (request: FuzzRequest, answer: FuzzAnswer, status: number) => {
  expect(check.routeOf(request)).toBeDefined();
  expect(check.violations(request, answer)).toEqual([]);
  expect(answer.status).toBe(status);
  expect(JSON.parse(answer.text)).toEqual({ message: expect.any(String) });
  expect(answer.headers).toMatchObject({
    'content-type': 'application/json',
    'apigw-requestid': expect.any(String),
  });
};

describe('a worker that is killed in the middle of a request', () => {
  it('a command: 500 by the gateway, and what the document says to do tells what became of it', async () => {
    const request = withdrawal({
      headers: [...withdrawal().headers, ['Idempotency-Key', 'killed']],
    });
    const order = { function: 'withdraw', when: 'after-next-write' };
    expect(await cloud.api.post('/_local/kill', order)).toMatchObject({ status: 202 });
    expectGateways(request, await sender.send(request), 500);
    const again = await sender.send(request);
    expect(again).toMatchObject({ status: 201, headers: { 'idempotency-replayed': 'true' } });
    expect(check.violations(request, again)).toEqual([]);
    expect((await cloud.api.get('/accounts/gate')).body).toMatchObject({ balance: 99 });
  });

  it('a query: 500 by the gateway', async () => {
    const reader = cloud.function('get-account');
    const disarm = cloud.intercept(async (call, forward) => {
      if (call.functionName !== reader.name) return forward();
      await reader.kill();
      throw new Error('killed');
    });
    onTestFinished(disarm);
    const request: FuzzRequest = { method: 'GET', target: '/accounts/gate', headers: [] };
    expectGateways(request, await sender.send(request), 500);
  });
});

it('413 to a body of more than 10 MB', async () => {
  const request = withdrawal({ body: Buffer.alloc(10 * 1024 * 1024 + 1, ' ') });
  expectGateways(request, await sender.send(request), 413);
});

it('431 to more than 10,240 bytes of headers', async () => {
  const request: FuzzRequest = {
    method: 'GET',
    target: '/health',
    headers: [['Cookie', 'x'.repeat(11_000)]],
  };
  expectGateways(request, await sender.send(request), 431);
});

it('400 to a path that cannot be decoded', async () => {
  const request: FuzzRequest = { method: 'GET', target: '/accounts/%zz', headers: [] };
  expectGateways(request, await sender.send(request), 400);
});

it('400 to what is no HTTP', async () => {
  const answer = await new Promise<string>((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(new URL(cloud.url).port), '127.0.0.1', () =>
      socket.write('HELLO\r\n\r\n'),
    );
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('end', () => resolve(Buffer.concat(chunks).toString()));
  });
  expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  expect(answer).toMatch(/\r\napigw-requestid: \S+\r\n/);
  expect(answer).toMatch(/\r\n\r\n\{"message":"Bad Request"\}$/);
});

it('429 beyond the rate of the stage, and 503 where the function takes too long', async () => {
  const never = { name: 'f', arn: 'arn', invoke: () => new Promise<never>(() => {}) };
  const api = await startHttpApi(
    {
      ...{
        apiId: 'api1',
        accountId: '000000000000',
        stage: '$default',
        throttle: { rateLimit: 0, burstLimit: 1 },
      },
      routes: [{ routeKey: '$default', target: { target: never, timeoutMs: 10 } }],
    },
    { port: 0, sideDoor: () => undefined },
  );
  const other = createSender(`http://127.0.0.1:${api.port}`, 1);
  onTestFinished(() => {
    other.close();
    return api.stop();
  });
  const request = withdrawal();
  expectGateways(request, await other.send(request), 503);
  expectGateways(request, await other.send(request), 429);
});
