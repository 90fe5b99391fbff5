import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  connectToDynamoDb,
  type DynamoDbConnection,
} from '../../../local-cloud/dynamodb/connection.ts';
import { type Endpoint, type EndpointCall, startEndpoint } from '../../../local-cloud/endpoint.ts';

/** Stands for DynamoDB Local: remembers what it got. */
const startEngine = async () => {
  const requests: { headers: IncomingHttpHeaders; body: string }[] = [];
  const answer = { status: 200, body: '{"Item":{}}' };
  const server = createServer((incoming, outgoing) => {
    let body = '';
    incoming.setEncoding('utf8').on('data', (chunk) => {
      body += chunk;
    });
    incoming.on('end', () => {
      requests.push({ headers: incoming.headers, body });
      outgoing.writeHead(answer.status, {
        'content-type': 'application/x-amz-json-1.0',
        'x-amzn-requestid': 'r1',
      });
      outgoing.end(answer.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return { endpoint: `http://127.0.0.1:${port}`, requests, answer, stop };
};

let engine: Awaited<ReturnType<typeof startEngine>>;
let connection: DynamoDbConnection;
let endpoint: Endpoint;
const written: string[] = [];
const deposit = 'holdfast-test-deposit';
const withdraw = 'holdfast-test-withdraw';
const refusal = { status: 400, headers: {}, body: Buffer.from('refused') };
const stepFunctionsCalls: unknown[] = [];

beforeEach(async () => {
  engine = await startEngine();
  stepFunctionsCalls.length = 0;
  written.length = 0;
  connection = connectToDynamoDb({
    endpoint: engine.endpoint,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'thiscloud', secretAccessKey: 'local' },
  });
  endpoint = await startEndpoint({
    dynamodb: connection,
    onWrite: (body) => written.push(body.toString()),
    stepFunctions: async (target, body) => {
      stepFunctionsCalls.push({ target, body });
      return { status: 400, body: '{"__type":"ExecutionAlreadyExists"}' };
    },
    functionNames: [deposit, withdraw],
    guard: ({ body }) => (body.includes('forbidden') ? refusal : undefined),
  });
});

afterEach(async () => {
  await endpoint.stop();
  connection.close();
  engine.stop();
});

const send = (
  target: string,
  body: string,
  accessKeyId = endpoint.accessKeyIdOf(deposit),
  more: Readonly<Record<string, string>> = {},
) =>
  fetch(endpoint.url, {
    method: 'POST',
    headers: {
      ...more,
      'x-amz-target': target,
      'content-type': 'application/x-amz-json-1.0',
      authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20260101/us-east-1/dynamodb/aws4_request, Signature=0`,
    },
    body,
  });

const putItem = 'DynamoDB_20120810.PutItem';

/** A page whose name leads here: `fetch` would not let a test send another `Host`. */
const sendAs = async (host: string, accessKeyId: string): Promise<number | undefined> => {
  const { port } = new URL(endpoint.url);
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20260101/us-east-1/dynamodb/aws4_request, Signature=0`;
  const headers = { host: `${host}:${port}`, 'x-amz-target': putItem, authorization };
  const outgoing = request({ port, host: '127.0.0.1', method: 'POST', headers });
  outgoing.end('{}');
  const [incoming] = await once(outgoing, 'response');
  incoming.resume();
  return incoming.statusCode;
};

describe('the endpoint', () => {
  it('forwards to DynamoDB under the access key of this cloud, and brings the answer back', async () => {
    const response = await send(putItem, '{"TableName":"events"}');
    expect(response.status).toBe(200);
    expect(response.headers.get('x-amzn-requestid')).toBe('r1');
    expect(await response.json()).toEqual({ Item: {} });
    expect(engine.requests).toMatchObject([
      {
        body: '{"TableName":"events"}',
        headers: {
          'x-amz-target': putItem,
          authorization: expect.stringContaining(
            'Credential=thiscloud/20260101/eu-west-1/dynamodb/aws4_request',
          ),
        },
      },
    ]);
  });

  it('brings errors of DynamoDB back as they are', async () => {
    engine.answer.status = 400;
    engine.answer.body = '{"__type":"ConditionalCheckFailedException"}';
    const response = await send(putItem, '{}');
    expect(response.status).toBe(400);
    expect(await response.text()).toBe('{"__type":"ConditionalCheckFailedException"}');
  });

  it('tells of a write once it is done, and of nothing else', async () => {
    await send('DynamoDB_20120810.Query', '{}');
    engine.answer.status = 400;
    await send(putItem, '{"refused":1}');
    engine.answer.status = 200;
    await send(putItem, '{"TableName":"events"}');
    await send('DynamoDB_20120810.TransactWriteItems', '{"TransactItems":[]}');
    expect(written).toEqual(['{"TableName":"events"}', '{"TransactItems":[]}']);
  });

  it('takes calls of streams too', async () => {
    await send('DynamoDBStreams_20120810.GetRecords', '{}');
    expect(engine.requests[0]?.headers['x-amz-target']).toBe('DynamoDBStreams_20120810.GetRecords');
  });

  it('hands calls of Step Functions to the state machines', async () => {
    const response = await send('AWSStepFunctions.StartExecution', '{"name":"t1"}');
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ __type: 'ExecutionAlreadyExists' });
    expect(stepFunctionsCalls).toEqual([
      { target: 'AWSStepFunctions.StartExecution', body: '{"name":"t1"}' },
    ]);
    expect(engine.requests).toEqual([]);
  });

  it('refuses a caller that is none of the functions, and a service that it has not', async () => {
    const stranger = await send(putItem, '{}', 'AKIASOMEBODY');
    expect(stranger.status).toBe(400);
    expect(await stranger.json()).toMatchObject({ __type: 'UnrecognizedClientException' });

    const unknown = await send('Kinesis_20131202.PutRecord', '{}');
    expect(await unknown.json()).toMatchObject({ __type: 'UnknownOperationException' });
    expect(engine.requests).toEqual([]);
  });

  it('ends the connection without an answer when DynamoDB is gone', async () => {
    engine.stop();
    await expect(send(putItem, '{}')).rejects.toThrow('fetch failed');
  });

  it('gives each function a key of its own, which another endpoint does not know', async () => {
    const [one, other] = [endpoint.accessKeyIdOf(deposit), endpoint.accessKeyIdOf(withdraw)];
    expect(one).toMatch(/^LOCAL[0-9A-F]{32}$/);
    expect(one).not.toBe(other);
    expect(() => endpoint.accessKeyIdOf('nobody')).toThrow('nobody');
    const again = await startEndpoint({
      dynamodb: connection,
      onWrite: () => {},
      stepFunctions: async () => ({ status: 200, body: '' }),
      functionNames: [deposit],
      guard: () => undefined,
    });
    await again.stop();
    expect(again.accessKeyIdOf(deposit)).not.toBe(one);
  });

  it('asks for no request that its guard refuses, and no interceptor sees it', async () => {
    const seen: unknown[] = [];
    endpoint.intercept((call, forward) => {
      seen.push(call);
      return forward();
    });
    const refused = await send(putItem, '{"forbidden":1}');
    expect([refused.status, await refused.text()]).toEqual([400, 'refused']);
    expect([engine.requests, written, seen]).toEqual([[], [], []]);
  });

  it('refuses a request without a signature', async () => {
    const response = await fetch(endpoint.url, {
      method: 'POST',
      headers: { 'x-amz-target': putItem },
      body: '{}',
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ __type: 'MissingAuthenticationTokenException' });
    expect(engine.requests).toEqual([]);
  });

  it('refuses what a web page sends, whatever credentials it has guessed', async () => {
    const own = endpoint.accessKeyIdOf(deposit);
    const crossSite = await send(putItem, '{}', own, { origin: 'http://page.example' });
    expect(crossSite.status).toBe(403);
    const rebound = await sendAs('page.example', own);
    expect(rebound).toBe(403);
    const preflight = await fetch(endpoint.url, {
      method: 'OPTIONS',
      headers: { origin: 'http://page.example', 'access-control-request-method': 'POST' },
    });
    expect(preflight.ok).toBe(false);
    expect(preflight.headers.get('access-control-allow-origin')).toBeNull();
    expect(engine.requests).toEqual([]);
  });
});

describe('an interceptor', () => {
  it('is told who calls what, and sees the answer', async () => {
    const seen: unknown[] = [];
    endpoint.intercept(async (call: EndpointCall, forward) => {
      const response = await forward();
      seen.push({ ...call, body: call.body.toString(), status: response.status });
      return response;
    });
    await send(putItem, '{"a":1}', endpoint.accessKeyIdOf(withdraw));
    await send('AWSStepFunctions.StartExecution', '{}');
    expect(seen).toEqual([
      {
        functionName: 'holdfast-test-withdraw',
        service: 'dynamodb',
        operation: 'PutItem',
        body: '{"a":1}',
        status: 200,
      },
      {
        functionName: 'holdfast-test-deposit',
        service: 'states',
        operation: 'StartExecution',
        body: '{}',
        status: 400,
      },
    ]);
  });

  it('can answer in place of the service', async () => {
    endpoint.intercept(async () => ({ status: 503, headers: {}, body: Buffer.from('no') }));
    const response = await send(putItem, '{}');
    expect(response.status).toBe(503);
    expect(await response.text()).toBe('no');
    expect(engine.requests).toEqual([]);
  });

  it('can lose the answer of a request that was carried out', async () => {
    endpoint.intercept(async (_, forward) => {
      await forward();
      throw new Error('lost');
    });
    await expect(send(putItem, '{}')).rejects.toThrow('fetch failed');
    expect(engine.requests).toHaveLength(1);
  });

  it('stands inside of those that were there before, and can be taken away', async () => {
    const order: string[] = [];
    const pass = (name: string) =>
      endpoint.intercept((_, forward) => {
        order.push(name);
        return forward();
      });
    pass('first');
    const removeSecond = pass('second');
    await send(putItem, '{}');
    removeSecond();
    await send(putItem, '{}');
    expect(order).toEqual(['first', 'second', 'first']);
  });
});
