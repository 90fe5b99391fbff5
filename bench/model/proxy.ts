import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import type { DynamoDbAnswer } from '../../local-cloud/dynamodb/answer.ts';
import { connectToDynamoDb } from '../../local-cloud/dynamodb/connection.ts';
import type { Database, Engine } from '../engine.ts';
import { createContentionModel, type ModelSettings } from './contention.ts';
import { createRequestReader, type Tables } from './request.ts';

/** An engine with the model before every one of its databases. */
export interface ModelledEngine extends Engine {
  /** Ends the proxies. */
  close(): Promise<void>;
}

/**
 * Puts a model between callers and an engine: see {@link createContentionModel}.
 * @param options.recordsByAccount whether the model takes an account's records for one partition,
 *   and not each for its own, as they are.
 */
export const modelledEngine = (
  engine: Engine,
  settings: ModelSettings,
  { recordsByAccount }: { readonly recordsByAccount: boolean },
): ModelledEngine => {
  const proxies: Proxy[] = [];
  return {
    endpoint: engine.endpoint,
    database: async (options) => {
      const database = await engine.database(options);
      const proxy = await startProxy(database, settings, tablesOf(database, recordsByAccount));
      proxies.push(proxy);
      return { ...database, config: { ...database.config, endpoint: proxy.url } };
    },
    close: async () => {
      await Promise.all(proxies.map((proxy) => proxy.close()));
    },
  };
};

interface Proxy {
  readonly url: string;
  close(): Promise<void>;
}

/** Starts an HTTP server that answers as DynamoDB does, by the model, from one database. */
const startProxy = async (
  database: Database,
  settings: ModelSettings,
  tables: Tables,
): Promise<Proxy> => {
  const connection = connectToDynamoDb(database.direct);
  const time = { clock: () => performance.now(), sleep: (ms: number) => setTimeout(ms) };
  const model = createContentionModel(settings, time);
  const readRequest = createRequestReader(tables);
  const inTurn = createGate(AT_ONCE);

  const answer = async (
    incoming: IncomingMessage,
    outgoing: ServerResponse,
  ): Promise<DynamoDbAnswer | undefined> => {
    const body = await buffer(incoming);
    const target = String(incoming.headers['x-amz-target'] ?? '');
    const request = readRequest(target.slice(target.indexOf('.') + 1), body);
    return inTurn(async () =>
      // A request whose sender has stopped waiting by now never reached DynamoDB.
      outgoing.destroyed ? undefined : model.answer(request, () => connection.send(target, body)),
    );
  };
  const server = createServer({ keepAliveTimeout: 0 }, (incoming, outgoing) => {
    answer(incoming, outgoing).then(
      (answered) => answered && send(outgoing, answered),
      (error) => {
        if (server.listening) console.error(`the model could not answer: ${error}`);
        outgoing.destroy();
      },
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: async () => {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      connection.close();
    },
  };
};

/**
 * Requests that the model and DynamoDB Local have at once. The engine has two processors to work on them,
 * and has been seen to end connections where it had a thousand. A request that waits to be let in is still
 * on its way: the wait is this machine's, and holds no item.
 */
const AT_ONCE = 64;

/** Lets so many through at once, the others in the order in which they came. */
const createGate = (most: number) => {
  const waiting: (() => void)[] = [];
  let inside = 0;
  return async <Answer>(go: () => Promise<Answer>): Promise<Answer> => {
    if (inside < most) inside += 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await go();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else inside -= 1;
    }
  };
};

const tablesOf = ({ tables }: Database, recordsByAccount: boolean): Tables => ({
  [tables.events]: { key: ['streamId', 'version'] },
  [tables.commands]: { key: ['key'], ...(recordsByAccount ? { partition: 'accountId' } : {}) },
  [tables.queue]: { key: ['accountId', 'place'] },
  [tables.views]: { key: ['pk', 'sk'] },
});

/** Headers of one connection mean nothing on the next one. */
const send = (outgoing: ServerResponse, { status, headers, body }: DynamoDbAnswer): void => {
  outgoing.writeHead(status, {
    'content-type': String(headers['content-type']),
    'content-length': body.length,
  });
  outgoing.end(body);
};
