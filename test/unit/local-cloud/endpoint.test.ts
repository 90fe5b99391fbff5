import { createServer, type IncomingHttpHeaders } from 'node:http';
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
    functionNames: ['holdfast-test-deposit', 'holdfast-test-withdraw'],
  });
});

afterEach(async () => {
  await endpoint.stop();
  connection.close();
  engine.stop();
});

const send = (target: string, body: string, accessKeyId = 'LOCALholdfasttestdeposit') =>
  fetch(endpoint.url, {
    method: 'POST',
    headers: {
      'x-amz-target': target,
      'content-type': 'application/x-amz-json-1.0',
      authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20260101/us-east-1/dynamodb/aws4_request, Signature=0`,
    },
    body,
  });

const putItem = 'DynamoDB_20120810.PutItem';

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

  it('does not start for two functions that it could not tell apart', async () => {
    const start = startEndpoint({
      dynamodb: connection,
      onWrite: () => {},
      stepFunctions: async () => ({ status: 200, body: '' }),
      functionNames: ['get-account', 'getaccount'],
    });
    await expect(start).rejects.toThrow('get-account');
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
    await send(putItem, '{"a":1}', 'LOCALholdfasttestwithdraw');
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
