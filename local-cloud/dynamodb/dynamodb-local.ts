import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { findEngine } from './engine.ts';
import { startTied, type TiedProcess } from './tied-process.ts';
import { warmUp } from './warm-up.ts';

/** A DynamoDB Local that answers. */
export interface DynamoDbLocal {
  /**
   * Where it answers: `http://127.0.0.1:PORT`. Every access key id is a database of its own in it.
   */
  readonly endpoint: string;
  /** What runs, in words. */
  readonly description: string;
  /** Ends the engine, and waits until it has ended. A second call does nothing more. */
  /** Whether it ran before, and goes on when this one stops. */
  readonly isGiven: boolean;
  stop(): Promise<void>;
}

/**
 * Starts DynamoDB Local and returns when it answers and is warm. `HOLDFAST_DYNAMODB_ENDPOINT` names
 * one that runs already: it then uses that one, and starts or stops nothing.
 * @param options.dataDirectory the directory for the tables; absent: they are in memory, gone when
 *   it stops.
 * @param options.longRunning whether it is to answer hundreds of thousands of requests: it then
 *   starts slower, and becomes faster.
 * @param options.report takes a line for the user when the engine ends by itself.
 * @throws Error when nothing here can run it (with how to get Java), or when it does not answer in
 *   time (with what the engine said).
 */
export const startDynamoDbLocal = async (options: {
  readonly dataDirectory?: string | undefined;
  readonly longRunning?: boolean;
  readonly report: (line: string) => void;
}): Promise<DynamoDbLocal> => {
  const given = process.env['HOLDFAST_DYNAMODB_ENDPOINT'];
  if (given !== undefined && given !== '') return useRunning(given);

  if (options.dataDirectory !== undefined) await mkdir(options.dataDirectory, { recursive: true });
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const engine = await findEngine({
    port,
    dataDirectory: options.dataDirectory,
    longRunning: options.longRunning,
  });
  // With or without telemetry, the engine leaves a file with its installation's id in the directory
  // that it runs in.
  const running = startTied(engine.command, engine.arguments, tmpdir());
  try {
    await untilItAnswers(endpoint, engine.startDeadlineMs, running);
    await warmUp(endpoint);
  } catch (error) {
    await running.stop();
    throw error;
  }
  running.onUnexpectedEnd(() =>
    options.report(`DynamoDB Local ended by itself. ${running.errors()}`),
  );
  return {
    endpoint,
    description: `${engine.description}, ${options.dataDirectory ?? 'in memory'}`,
    isGiven: false,
    stop: () => running.stop(),
  };
};

const useRunning = async (endpoint: string): Promise<DynamoDbLocal> => {
  if (!URL.canParse(endpoint) || new URL(endpoint).protocol !== 'http:') {
    throw new Error(
      `HOLDFAST_DYNAMODB_ENDPOINT is "${endpoint}": it has to be the address of a DynamoDB Local, such as http://127.0.0.1:8000.`,
    );
  }
  await untilItAnswers(endpoint, 10_000);
  return {
    endpoint,
    description: 'the DynamoDB that HOLDFAST_DYNAMODB_ENDPOINT names',
    isGiven: true,
    stop: async () => {},
  };
};

const untilItAnswers = async (
  endpoint: string,
  deadlineMs: number,
  running?: TiedProcess,
): Promise<void> => {
  const client = new DynamoDBClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'warmup', secretAccessKey: 'local' },
    maxAttempts: 1,
    requestHandler: { requestTimeout: 2_000, connectionTimeout: 2_000 },
  });
  const deadline = performance.now() + deadlineMs;
  try {
    for (;;) {
      try {
        await client.send(new ListTablesCommand({}));
        return;
      } catch (error) {
        const reason = running?.ended
          ? 'ended while it started'
          : `did not answer within ${deadlineMs / 1000} s`;
        if (running?.ended || performance.now() > deadline) {
          const said = running?.errors() || String(error);
          throw new Error(`DynamoDB at ${endpoint} ${reason}.\n${said}`, { cause: error });
        }
      }
      await sleep(20);
    }
  } finally {
    client.destroy();
  }
};

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === 'string')
          reject(new Error('No TCP port is free.'));
        else resolve(address.port);
      });
    });
  });
