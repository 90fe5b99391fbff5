import { randomUUID } from 'node:crypto';
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AccountId } from '../../../events/values.ts';
import { createStore } from '../../../functions/store/store.ts';
import { requests } from '../../../testing/ledger-requests.ts';
import { createTestDatabase } from '../../setup/tables.ts';

// What the SDK really makes of an answer that is broken on the way, and what the store makes of
// that.

type Answer = {
  readonly from: Pick<IncomingMessage, 'statusCode' | 'headers'>;
  readonly to: ServerResponse;
  readonly body: Buffer;
};
const json = { 'content-type': 'application/x-amz-json-1.0' };

const broken: Record<string, (answer: Answer) => void> = {
  'cut before the answer': ({ to }) => to.socket?.destroy(),
  'cut inside the body': ({ from, to, body }) => {
    to.writeHead(from.statusCode ?? 200, {
      ...from.headers,
      'content-length': String(body.length + 100),
    });
    to.write(body.subarray(0, 1), () => to.socket?.destroy());
  },
  'cut after the head': ({ from, to }) => {
    to.writeHead(from.statusCode ?? 200, { ...from.headers, 'content-length': '500' });
    to.flushHeaders();
    setImmediate(() => to.socket?.destroy());
  },
  '200 with an empty body': ({ to }) => to.writeHead(200, { ...json, 'content-length': '0' }).end(),
  '200 with half a body': ({ to }) => to.writeHead(200, json).end('{"Item'),
  '200 with JSON that is another’s': ({ to }) => to.writeHead(200, json).end('{"status":"ok"}'),
  '200 with HTML': ({ to }) => to.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
  '502 with HTML': ({ to }) => to.writeHead(502, { 'content-type': 'text/html' }).end('<html>'),
  '500 with nothing': ({ to }) => to.writeHead(500).end(),
  '503 SlowDown': ({ to }) => to.writeHead(503, json).end('{"__type":"SlowDown"}'),
  '400 with half a body': ({ to }) =>
    to.writeHead(400, json).end('{"__type":"com.amazonaws.dynamodb.v20120810#Cond'),
  '408': ({ to }) => to.writeHead(408).end(),
  '429': ({ to }) => to.writeHead(429).end(),
  'a signature that is refused': ({ to }) =>
    to
      .writeHead(400, json)
      .end('{"__type":"com.amazon.coral.service#InvalidSignatureException","message":"x"}'),
  'no answer': () => {},
};

const startProxy = async (upstream: string, breaks: (answer: Answer) => void) => {
  let armed: RegExp | undefined;
  let forwards = true;
  const proxy = createServer(async (request, to) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const target = String(request.headers['x-amz-target']);
    if (armed?.test(target) && !forwards) {
      armed = undefined;
      return breaks({ from: { statusCode: 200, headers: json }, to, body: Buffer.from('{}') });
    }
    const options = { method: 'POST', path: request.url, headers: request.headers };
    httpRequest(upstream, options, async (from) => {
      const parts: Buffer[] = [];
      for await (const part of from) parts.push(part);
      const body = Buffer.concat(parts);
      if (armed?.test(target)) {
        armed = undefined;
        breaks({ from, to, body });
      } else to.writeHead(from.statusCode ?? 500, from.headers).end(body);
    }).end(Buffer.concat(chunks));
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  const { port } = proxy.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    /**
     * Breaks the next answer to such an operation, which is carried out; or, where it is not to be,
     * in its place.
     */
    arm: (operation: RegExp, { isCarriedOut = true } = {}) => {
      armed = operation;
      forwards = isCarriedOut;
    },
  };
};

describe.each(Object.entries(broken))('%s', (_name, breaks) => {
  const start = async () => {
    const { config, tables } = await createTestDatabase();
    const proxy = await startProxy(config.endpoint, breaks);
    const requestHandler = new NodeHttpHandler({
      requestTimeout: 300,
      throwOnRequestTimeout: true,
    });
    const base = new DynamoDBClient({
      ...config,
      endpoint: proxy.endpoint,
      maxAttempts: 1,
      requestHandler,
    });
    const store = createStore({
      client: DynamoDBDocumentClient.from(base, {
        marshallOptions: { removeUndefinedValues: true },
      }),
      eventsTable: tables.events,
      commandsTable: tables.commands,
      queueTable: tables.queue,
      clock: Date.now,
      newId: randomUUID,
      random: Math.random,
      sleep: (milliseconds) => setTimeout(milliseconds),
      budget: 5_000,
      queueing: true,
    });
    await store.execute(requests.open('a'));
    return { store, proxy };
  };

  it.each([[{}], [{ key: 'k' }]])(
    'in place of a write that has not arrived: it happens all the same (%o)',
    async (key) => {
      const { store, proxy } = await start();
      proxy.arm(/PutItem|TransactWriteItems/, { isCarriedOut: false });
      const result = await store.execute(requests.deposit('a', 7, key));
      expect(result).toMatchObject({ outcome: 'accepted', replayed: false });
      expect((await store.load(AccountId.parse('a'))).account?.balance).toBe(7);
    },
  );

  it.each([[{}], [{ key: 'k' }]])(
    'in answer to a write that has landed: it happens once (%o)',
    async (key) => {
      const { store, proxy } = await start();
      proxy.arm(/Put|Transact/);
      expect(await store.execute(requests.deposit('a', 5, key))).toMatchObject({
        outcome: 'accepted',
        version: 2,
      });
      expect((await store.load(AccountId.parse('a'))).account?.balance).toBe(5);
    },
  );

  it('in answer to a read: the account and its history are there all the same', async () => {
    const { store, proxy } = await start();
    proxy.arm(/Query/);
    expect(await store.execute(requests.deposit('a', 5))).toMatchObject({
      outcome: 'accepted',
      version: 2,
    });
    proxy.arm(/Query/);
    const commits = [];
    for await (const commit of store.history(AccountId.parse('a'))) commits.push(commit.version);
    expect(commits).toEqual([1, 2]);
  });
});
