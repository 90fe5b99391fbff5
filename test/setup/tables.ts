import { randomBytes } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { inject } from 'vitest';
import { PendingCommand } from '../../functions/store/writing/command-record.ts';
import {
  createLedgerDatabase,
  type LedgerDatabase,
  type LedgerDatabaseOptions,
} from '../../testing/ledger-database.ts';
import { dropTables } from './drop-tables.ts';

/** The ledger's tables inside the shared DynamoDB Local, for one test or one file of them. */
export interface TestDatabase extends LedgerDatabase {
  /**
   * All that has a place in an account's queue, in order, decided since or not: places stay until
   * they expire.
   */
  queued(accountId: string): Promise<PendingCommand[]>;
}

/**
 * Makes the tables, empty, and has them dropped when the test that calls this has ended, or its file.
 * Call it once per file, or once per test that needs an empty stream.
 */
export const createTestDatabase = (): Promise<TestDatabase> =>
  create({ eventsStream: false, queueStream: false, within: WORKERS_OWN });

/** Makes the tables with their streams, in a database of their own, which nobody else's records slow down. */
export const createTestDatabaseWithStreams = (): Promise<TestDatabase> => create({});

/**
 * Tables without streams share a database: DynamoDB Local looks after each database it has four times
 * a second, for as long as it runs (measured: 1.6 ms of processor time a second for each, 0.7 for
 * an empty one; 365 of them took a whole processor).
 */
const WORKERS_OWN = randomBytes(10).toString('hex');

const create = async (options: LedgerDatabaseOptions): Promise<TestDatabase> => {
  const database = await createLedgerDatabase(inject('dynamodb').endpoint, options);
  dropTables(database.config, options.within ? Object.values(database.tables) : undefined);
  const client = DynamoDBDocumentClient.from(new DynamoDBClient(database.config));
  return {
    ...database,
    queued: async (accountId) => {
      const query = new QueryCommand({
        TableName: database.tables.queue,
        KeyConditionExpression: 'accountId = :accountId',
        ExpressionAttributeValues: { ':accountId': accountId },
        ConsistentRead: true,
      });
      return ((await client.send(query)).Items ?? []).map((item) => PendingCommand.parse(item));
    },
  };
};
