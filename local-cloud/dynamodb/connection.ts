import { connect, type Socket } from 'node:net';
import { type DynamoDbAnswer, readAnswer } from './answer.ts';

/** Sends requests to DynamoDB Local, over connections that stay open. */
export interface DynamoDbConnection {
  /**
   * @param target the `X-Amz-Target`, such as `DynamoDB_20120810.PutItem`.
   * @param body JSON.
   * @throws Error when the connection cannot be made, or ends before the answer is there.
   */
  send(target: string, body: Buffer): Promise<DynamoDbAnswer>;
  /** Ends all connections. Requests under way fail. */
  close(): void;
}

/**
 * Which DynamoDB Local, and which of its databases: it has one for each access key id and region.
 */
export interface DynamoDbSettings {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** DynamoDB Local closes a quiet connection after 30 s. A request sent just then would be lost. */
const IDLE_CONNECTION_MS = 20_000;

/**
 * Makes connections as requests need them, one for each request under way. They are plain sockets:
 * Node's HTTP client is prepared for so much that it would take a third of this process's time.
 */
export const connectToDynamoDb = (settings: DynamoDbSettings): DynamoDbConnection => {
  const { hostname, port } = new URL(settings.endpoint);
  const head = headOf(settings);
  const all = new Set<Line>();
  /** The connection used last is on top, so that the others can become quiet and end. */
  const free: Line[] = [];

  const open = (): Line => {
    const socket = connect({ host: hostname, port: Number(port || 80), noDelay: true });
    const line: Line = { socket, underWay: undefined, received: undefined };
    const end = (error: Error): void => {
      socket.destroy();
      all.delete(line);
      if (free.includes(line)) free.splice(free.indexOf(line), 1);
      line.underWay?.reject(error);
    };
    socket.on('data', (chunk) => {
      try {
        receive(line, chunk);
      } catch (error) {
        end(error instanceof Error ? error : new Error(String(error)));
      }
    });
    socket.on('error', end);
    socket.on('close', () => end(new Error('DynamoDB ended the connection')));
    socket.setTimeout(IDLE_CONNECTION_MS, () => line.underWay === undefined && socket.destroy());
    all.add(line);
    return line;
  };

  const receive = (line: Line, chunk: Buffer): void => {
    const { underWay } = line;
    if (underWay === undefined) throw new Error('DynamoDB answered without being asked');
    line.received = line.received === undefined ? chunk : Buffer.concat([line.received, chunk]);
    const answer = readAnswer(line.received);
    if (answer === undefined) return;
    line.received = line.underWay = undefined;
    if (answer.headers['connection'] === 'close') line.socket.destroy();
    else free.push(line);
    underWay.resolve(answer);
  };

  return {
    send: (target, body) =>
      new Promise((resolve, reject) => {
        const line = free.pop() ?? open();
        line.underWay = { resolve, reject };
        const ofThis = `${head}x-amz-target: ${target}\r\ncontent-length: ${body.length}\r\n\r\n`;
        line.socket.write(Buffer.concat([Buffer.from(ofThis, 'latin1'), body]));
      }),
    close: () => {
      for (const { socket } of all) socket.destroy();
    },
  };
};

/** A connection, and the one request that it carries. */
interface Line {
  readonly socket: Socket;
  underWay: Request | undefined;
  /** The bytes of its answer, until it is whole. */
  received: Buffer | undefined;
}

interface Request {
  readonly resolve: (answer: DynamoDbAnswer) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The beginning of every request. DynamoDB Local checks neither signature nor date, but they have
 * to be there.
 */
const headOf = ({ endpoint, region, credentials }: DynamoDbSettings): string => {
  const scope = `${credentials.accessKeyId}/20260101/${region}/dynamodb/aws4_request`;
  return [
    'POST / HTTP/1.1',
    `host: ${new URL(endpoint).host}`,
    `authorization: AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`,
    'x-amz-date: 20260101T000000Z',
    'content-type: application/x-amz-json-1.0',
    '',
  ].join('\r\n');
};
