import { DeleteItemCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { startDynamoDbLocal } from '../local-cloud/dynamodb/dynamodb-local.ts';
import { createLedgerDatabase, type LedgerDatabase } from '../testing/ledger-database.ts';

/** A database of its own in the engine, with the ledger's tables. */
export interface Database extends LedgerDatabase {
  /** Reaches the engine directly, past all that stands before it: for planting and for audits. */
  readonly direct: LedgerDatabase['config'];
}

/** A DynamoDB Local that was started for one scenario. */
export interface Engine {
  readonly endpoint: string;
  /** An empty database that nobody else sees. */
  database(options?: DatabaseOptions): Promise<Database>;
}

/** What may differ from the tables as they are deployed. */
interface DatabaseOptions {
  /**
   * Whether the events table has a stream, which makes every write to it slower. It has one by
   * default.
   */
  readonly eventsStream?: boolean;
}

/**
 * Starts a fresh engine, and ends it afterwards, whatever happens.
 * @param use the work with it.
 */
export const withColdEngine = async <Result>(
  use: (engine: Engine) => Promise<Result>,
): Promise<Result> => {
  const running = await startDynamoDbLocal({
    longRunning: true,
    report: (line) => console.error(line),
  });
  try {
    return await use({
      endpoint: running.endpoint,
      database: (options) => createDatabase(running.endpoint, options),
    });
  } finally {
    await running.stop();
  }
};

const createDatabase = async (
  endpoint: string,
  options: DatabaseOptions = {},
): Promise<Database> => {
  const database = await createLedgerDatabase(endpoint, options);
  // DynamoDB Local keeps the records of all streams together, and every write looks for the oldest
  // one of its own stream. Where many others come before that, a transaction takes twice as long;
  // see docs/benchmarks.md.
  const client = new DynamoDBClient(database.config);
  try {
    await client.send(new PutItemCommand({ TableName: database.tables.queue, Item: FIRST_PLACE }));
    await client.send(
      new DeleteItemCommand({ TableName: database.tables.queue, Key: FIRST_PLACE }),
    );
  } finally {
    client.destroy();
  }
  return { ...database, direct: database.config };
};

const FIRST_PLACE = { accountId: { S: 'nobody' }, place: { S: 'first' } };
