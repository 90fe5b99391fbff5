import { describe, expect, it } from 'vitest';
import { createControl } from '../../../local-cloud/control.ts';
import type { EndpointResponse, Interceptor } from '../../../local-cloud/endpoint.ts';
import type { RunningFunction } from '../../../local-cloud/lambda/function.ts';

const functionNamed = (name: string) => {
  const kills: string[] = [];
  const running: RunningFunction = {
    name,
    arn: `arn:${name}`,
    invoke: async (event) =>
      event === 'nothing'
        ? { ok: true, payload: undefined }
        : event === 'fail'
          ? { ok: false, errorType: 'Error', errorMessage: 'it failed' }
          : { ok: true, payload: { name, event } },
    kill: async () => {
      kills.push(name);
    },
    workers: () => 2,
    heaps: async () => [],
    stop: async () => {},
  };
  return { running, kills };
};

const setUp = () => {
  const settle = functionNamed('holdfast-dev-settle-transfer');
  const credit = functionNamed('holdfast-dev-credit-transfer');
  const interceptors = new Set<Interceptor>();
  const control = createControl({
    functions: new Map([settle, credit].map(({ running }) => [running.name, running])),
    intercept: (interceptor) => {
      interceptors.add(interceptor);
      return () => interceptors.delete(interceptor);
    },
    execution: (name) =>
      name === 't1'
        ? {
            name,
            stateMachineArn: 'arn:machine',
            status: 'RUNNING',
            startedAt: '2026-11-26T12:00:00.000Z',
            history: [{ at: '2026-11-26T12:00:00.000Z', type: 'ExecutionStarted' }],
          }
        : undefined,
    overview: () => ({ api: 'here' }),
  });

  const ask = async (method: string, target: string, body: unknown = '', more = {}) => {
    const answer = await control({
      method,
      target,
      body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
      headers: {
        host: '127.0.0.1:3000',
        'content-type': 'application/json',
        'sec-local': 'yes',
        ...more,
      },
    });
    return answer && { status: answer.status, body: JSON.parse(answer.body.toString()) };
  };
  /**
   * Sends a call of a function through the interceptors. `sent`: whether it reached the service.
   */
  const call = async (functionName: string, operation: string, status = 200) => {
    let sent = false;
    const service = async (): Promise<EndpointResponse> => {
      sent = true;
      return { status, headers: {}, body: Buffer.alloc(0) };
    };
    const [interceptor] = interceptors;
    const details = {
      functionName,
      service: 'dynamodb',
      operation,
      body: Buffer.alloc(0),
    } as const;
    const answered = await (interceptor ? interceptor(details, service) : service()).then(
      () => true,
      () => false,
    );
    return { sent, answered };
  };
  return { ask, call, kills: settle.kills, interceptors };
};

const kill = (when?: string) => ({ function: 'settle-transfer', ...(when && { when }) });
const settleTransfer = 'holdfast-dev-settle-transfer';

describe('/_local', () => {
  it.each([
    ['has an Origin', { origin: 'http://localhost:3000' }, 403],
    ['has the Origin null', { origin: 'null' }, 403],
    ['names another host', { host: 'rebound.example:3000' }, 403],
    ['names a host that begins like this one', { host: '127.0.0.1.example' }, 403],
    ['names no host', { host: undefined }, 403],
    ['lacks the header that a page cannot send', { 'sec-local': undefined }, 403],
    ['has that header with another value', { 'sec-local': 'no' }, 403],
    ['is text', { 'content-type': 'text/plain' }, 415],
    ['is text that mentions JSON', { 'content-type': 'text/plain; application/json' }, 415],
    ['says nothing of its content', { 'content-type': undefined }, 415],
  ])('does nothing for a request that %s', async (_, headers, status) => {
    const { ask, kills } = setUp();
    for (const path of ['/_local/kill', '/_local/invoke'])
      expect(await ask('POST', path, kill(), headers)).toMatchObject({ status });
    expect(kills).toEqual([]);
    expect(await ask('GET', '/_local', '', headers)).toMatchObject({
      status: status === 415 ? 200 : 403,
    });
    expect(await ask('GET', '/accounts', '', headers)).toBeUndefined();
  });

  it.each([
    { host: 'localhost:3000' },
    { host: '[::1]:3000' },
    { host: '127.0.0.1' },
    { 'content-type': 'application/json; charset=utf-8' },
  ])('answers a request with %j', async (headers) => {
    expect(await setUp().ask('POST', '/_local/kill', kill(), headers)).toMatchObject({
      status: 200,
    });
  });

  it('leaves every other path to the API', async () => {
    const { ask } = setUp();
    expect(await ask('GET', '/accounts')).toBeUndefined();
    expect(await ask('GET', '/_locals')).toBeUndefined();
  });

  it('says what runs where', async () => {
    expect(await setUp().ask('GET', '/_local?x')).toEqual({ status: 200, body: { api: 'here' } });
  });

  it('tells an execution by its name, or that there is none', async () => {
    const { ask } = setUp();
    expect(await ask('GET', '/_local/executions/t1')).toMatchObject({
      status: 200,
      body: { name: 't1', status: 'RUNNING', history: [{ type: 'ExecutionStarted' }] },
    });
    expect(await ask('GET', '/_local/executions/t2')).toEqual({
      status: 404,
      body: { message: 'There is no execution "t2"' },
    });
    expect(await ask('POST', '/_local/executions/t1')).toMatchObject({ status: 404 });
  });

  it('says what there is when asked for something else', async () => {
    const { ask } = setUp();
    expect(await ask('GET', '/_local/other')).toMatchObject({ status: 404 });
    expect(await ask('DELETE', '/_local')).toMatchObject({ status: 404 });
  });
});

describe('POST /_local/kill', () => {
  it('ends the workers of a function at once', async () => {
    const { ask, kills } = setUp();
    expect(await ask('POST', '/_local/kill', kill())).toMatchObject({
      status: 200,
      body: { function: settleTransfer, when: 'now', workersEnded: 2 },
    });
    expect(kills).toHaveLength(1);
  });

  it('ends them before their next write, which is then not done', async () => {
    const { ask, call, kills, interceptors } = setUp();
    expect(await ask('POST', '/_local/kill', kill('before-next-write'))).toMatchObject({
      status: 202,
    });
    expect(await call(settleTransfer, 'Query')).toEqual({ sent: true, answered: true });
    expect(await call('holdfast-dev-credit-transfer', 'PutItem')).toEqual({
      sent: true,
      answered: true,
    });
    expect(kills).toEqual([]);

    expect(await call(settleTransfer, 'TransactWriteItems')).toEqual({
      sent: false,
      answered: false,
    });
    expect(kills).toHaveLength(1);
    expect(interceptors.size).toBe(0);
  });

  it('ends them after their next write, which is done but not answered', async () => {
    const { ask, call, kills, interceptors } = setUp();
    await ask('POST', '/_local/kill', kill('after-next-write'));
    expect(await call(settleTransfer, 'PutItem', 400)).toEqual({ sent: true, answered: true });
    expect(kills).toEqual([]);

    expect(await call(settleTransfer, 'PutItem')).toEqual({ sent: true, answered: false });
    expect(kills).toHaveLength(1);
    expect(interceptors.size).toBe(0);
  });

  it.each([
    { body: 'no json', status: 400, message: 'Needs {"function"' },
    { body: {}, status: 400, message: 'Needs {"function"' },
    {
      body: { function: 'settle-transfer', when: 'later' },
      status: 400,
      message: 'Needs {"function"',
    },
    {
      body: { function: 'settle-transfer', wen: 'now' },
      status: 400,
      message: 'Needs {"function"',
    },
    { body: { function: 'nobody' }, status: 404, message: 'There is no function "nobody"' },
    { body: { function: 'transfer' }, status: 404, message: 'There is no function "transfer"' },
  ])('refuses $body with $status', async ({ body, status, message }) => {
    const { ask } = setUp();
    const answer = await ask('POST', '/_local/kill', body);
    expect(answer?.status).toBe(status);
    expect(answer?.body.message).toContain(message);
  });
});

describe('POST /_local/invoke', () => {
  const invoke = (order: unknown) => setUp().ask('POST', '/_local/invoke', order);

  it('answers what the function returned', async () => {
    expect(await invoke({ function: 'credit-transfer', event: { a: 1 } })).toEqual({
      status: 200,
      body: { name: 'holdfast-dev-credit-transfer', event: { a: 1 } },
    });
  });

  it('answers null where it returned nothing', async () => {
    expect(await invoke({ function: 'credit-transfer', event: 'nothing' })).toEqual({
      status: 200,
      body: null,
    });
  });

  it('answers 502 with the error of a function that failed', async () => {
    expect(await invoke({ function: 'credit-transfer', event: 'fail' })).toEqual({
      status: 502,
      body: { ok: false, errorType: 'Error', errorMessage: 'it failed' },
    });
  });

  it.each([{}, { function: 1, event: {} }, 'junk'])('refuses %j', async (order) => {
    expect(await invoke(order)).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining('"event"') },
    });
  });

  it('knows no function that there is not', async () => {
    expect(await invoke({ function: 'nobody', event: {} })).toMatchObject({
      status: 404,
      body: { functions: expect.arrayContaining(['holdfast-dev-settle-transfer']) },
    });
  });
});
