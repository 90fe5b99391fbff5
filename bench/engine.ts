import { DeleteItemCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { PutCommand, QueryCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { startDynamoDbLocal } from '../infra/local/dynamodb-local.ts';
import { createLedgerDatabase, type LedgerDatabase } from '../test/setup/ledger-database.ts';
import { createMeter, meteredClient } from './metering.ts';

/** A database of its own in the engine, with the ledger's tables. */
export type Database = LedgerDatabase;

/** A DynamoDB Local that was started for one round of measurements, and is warm. */
export interface Engine {
  readonly endpoint: string;
  /** An empty database that nobody else sees. */
  database(options?: DatabaseOptions): Promise<Database>;
}

/** What may differ from the tables as they are deployed. */
interface DatabaseOptions {
  /** Whether the events table has a stream, which every write to it is slower for. It has, unless this says otherwise. */
  readonly eventsStream?: boolean;
}

/**
 * Starts a fresh engine, warms it up, and ends it afterwards, whatever happens.
 * @param use what is to be done with it.
 */
export const withEngine = async <Result>(use: (engine: Engine) => Promise<Result>): Promise<Result> => {
  const running = await startDynamoDbLocal({ report: (line) => console.error(line) });
  const engine: Engine = {
    endpoint: running.endpoint,
    database: (options) => createDatabase(running.endpoint, options),
  };
  try {
    await warmUp(await engine.database());
    return await use(engine);
  } finally {
    await running.stop();
  }
};

const createDatabase = async (endpoint: string, options: DatabaseOptions = {}): Promise<Database> => {
  const database = await createLedgerDatabase(endpoint, options);
  // DynamoDB Local keeps the records of all streams together, and every write looks for the oldest one of its own stream. Where
  // many others come before that, a transaction takes twice as long; see docs/benchmarks.md.
  const client = new DynamoDBClient(database.config);
  try {
    await client.send(new PutItemCommand({ TableName: database.tables.commands, Item: FIRST_KEY }));
    await client.send(new DeleteItemCommand({ TableName: database.tables.commands, Key: FIRST_KEY }));
  } finally {
    client.destroy();
  }
  return database;
};

const FIRST_KEY = { streamId: { S: 'nobody' }, commandId: { S: 'first' } };

/**
 * The engine's first thousands of operations are several times slower than the rest. Each kind is warmed on its own, eight at
 * a time, until that is behind it.
 */
const warmUp = async (database: Database): Promise<void> => {
  const client = meteredClient(database, createMeter());
  const until = performance.now() + WARM_UP_MS;
  const work = async (worker: number) => {
    for (let version = 1; performance.now() < until; version += 1) {
      const item = (streamId: string) => ({ streamId, version, filler });
      await client.send(
        new PutCommand({
          TableName: 'events',
          Item: item(`put-${worker}`),
          ConditionExpression: 'attribute_not_exists(streamId)',
        }),
      );
      await client.send(
        new TransactWriteCommand({
          TransactItems: [
            { Put: { TableName: 'events', Item: item(`transaction-${worker}`) } },
            { Put: { TableName: 'commands', Item: { ...item(`command-${worker}`), commandId: `${version}` } } },
          ],
        }),
      );
      await client.send(
        new QueryCommand({
          TableName: 'events',
          KeyConditionExpression: 'streamId = :id',
          ExpressionAttributeValues: { ':id': `put-${worker}` },
          ConsistentRead: true,
          ScanIndexForward: false,
          Limit: 1,
        }),
      );
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, worker) => work(worker)));
  client.destroy();
};

const WARM_UP_MS = 1_500;
const filler = 'x'.repeat(400);
