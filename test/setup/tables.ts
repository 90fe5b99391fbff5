import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { inject } from 'vitest';
import { PendingCommand } from '../../functions/store/writing/command-record.ts';
import { createLedgerDatabase, type LedgerDatabase } from '../../testing/ledger-database.ts';

/** A database of its own inside the shared DynamoDB Local, with the ledger's tables. */
export interface TestDatabase extends LedgerDatabase {
  /**
   * All that has a place in an account's queue, in order, decided since or not: places stay until
   * they expire.
   */
  queued(accountId: string): Promise<PendingCommand[]>;
}

/** Makes one. Call it once per file, or once per test that needs an empty stream. */
export const createTestDatabase = async (): Promise<TestDatabase> => {
  const database = await createLedgerDatabase(inject('dynamodb').endpoint);
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
