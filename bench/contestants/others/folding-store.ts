import { type DynamoDBDocumentClient, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import { writeAll } from '../../load/plant.ts';

/** An event as a plain event store keeps it: an item of its own, and no state beside it. */
const Item = z.object({ version: z.int(), payload: z.object({ amount: z.int() }) });

/**
 * The event store of most tutorials: an item per event, and every command reads its whole stream.
 * It is here for what it costs; it has no ids, no retries and no rivals.
 */
export interface FoldingStore {
  /** Writes a stream of deposits of 1. */
  plant(streamId: string, events: number): Promise<void>;
  /**
   * Decides and appends one movement of money. @param amount in minor units; negative: out of the
   * account.
   */
  move(streamId: string, amount: number): Promise<void>;
}

export const createFoldingStore = (client: DynamoDBDocumentClient, table: string): FoldingStore => {
  const itemOf = (streamId: string, version: number, amount: number) => ({
    streamId,
    version,
    type: amount < 0 ? 'MoneyWithdrawn' : 'MoneyDeposited',
    timestamp: new Date(1_700_000_000_000 + version).toISOString(),
    payload: { amount },
  });

  const fold = async (streamId: string): Promise<{ version: number; balance: number }> => {
    let [version, balance] = [0, 0];
    let cursor: Record<string, unknown> | undefined;
    do {
      const { Items = [], LastEvaluatedKey } = await client.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: 'streamId = :streamId',
          ExpressionAttributeValues: { ':streamId': streamId },
          ConsistentRead: true,
          ...(cursor ? { ExclusiveStartKey: cursor } : {}),
        }),
      );
      for (const found of Items) {
        const { version: next, payload } = Item.parse(found);
        if (next !== version + 1)
          throw new Error(`${streamId}: version ${next} follows ${version}`);
        [version, balance] = [next, balance + payload.amount];
      }
      cursor = LastEvaluatedKey;
    } while (cursor);
    return { version, balance };
  };

  return {
    plant: async (streamId, events) => {
      function* items() {
        for (let version = 1; version <= events; version += 1)
          yield itemOf(streamId, version, version === 1 ? 1_000_000 : 1);
      }
      await writeAll(client, table, items());
    },
    move: async (streamId, amount) => {
      const { version, balance } = await fold(streamId);
      if (balance + amount < 0) throw new Error(`${streamId} holds ${balance}`);
      const ConditionExpression = 'attribute_not_exists(streamId)';
      await client.send(
        new PutCommand({
          TableName: table,
          Item: itemOf(streamId, version + 1, amount),
          ConditionExpression,
        }),
      );
    },
  };
};
