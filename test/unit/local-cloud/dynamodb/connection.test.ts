import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { connectToDynamoDb } from '../../../../local-cloud/dynamodb/connection.ts';

/** A connection to a server that does with every request what the test says. */
const connected = async (serve: (socket: Socket, request: string) => void) => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('data', (data) => serve(socket, data.toString()));
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const connection = connectToDynamoDb({
    endpoint: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'thiscloud', secretAccessKey: 'local' },
  });
  onTestFinished(() => {
    connection.close();
    server.close();
  });
  const send = async (body: string) =>
    (await connection.send('DynamoDB_20120810.GetItem', Buffer.from(body))).body;
  return { connection, sockets, send: async (body: string) => (await send(body)).toString() };
};

const answer = (body: string, more = '') =>
  `HTTP/1.1 200 OK\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}`;

const bodyOf = (request: string) => request.split('\r\n\r\n')[1] ?? '';

it('one connection carries one request after the other', async () => {
  const { sockets, send } = await connected((socket, request) =>
    socket.write(answer(bodyOf(request))),
  );
  expect([await send('one'), await send('two')]).toEqual(['one', 'two']);
  expect(sockets).toHaveLength(1);
});

it('requests at the same time have a connection each, and each gets its own answer', async () => {
  const waiting: (() => void)[] = [];
  const { sockets, send } = await connected((socket, request) => {
    waiting.push(() => socket.write(answer(bodyOf(request))));
    if (waiting.length === 3) for (const write of waiting.reverse()) write();
  });
  expect(await Promise.all(['one', 'two', 'three'].map(send))).toEqual(['one', 'two', 'three']);
  expect(sockets).toHaveLength(3);
});

it('an answer may come in pieces', async () => {
  const { send } = await connected((socket) => {
    const [first, second] = [answer('whole').slice(0, 30), answer('whole').slice(30)];
    socket.write(first, () => setImmediate(() => socket.write(second)));
  });
  expect(await send('')).toBe('whole');
});

it('a request fails when the connection ends before its answer, and the next one has a new connection', async () => {
  let first = true;
  const { sockets, send } = await connected((socket) => {
    if (first) socket.destroy();
    else socket.write(answer('there'));
    first = false;
  });
  await expect(send('')).rejects.toThrow();
  expect(await send('')).toBe('there');
  expect(sockets).toHaveLength(2);
});

it('a connection that DynamoDB wants closed is not used again', async () => {
  const { sockets, send } = await connected((socket) =>
    socket.write(answer('there', 'Connection: close\r\n')),
  );
  expect([await send(''), await send('')]).toEqual(['there', 'there']);
  expect(sockets).toHaveLength(2);
});

it('what is under way fails when the connections are closed', async () => {
  const { connection, send } = await connected(() => connection.close());
  await expect(send('')).rejects.toThrow('DynamoDB ended the connection');
});
