import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import type { DynamoDBRecord } from 'aws-lambda';
import type { LedgerDatabase } from '../../testing/ledger-database.ts';

/** The stream records of two tables, read from the tables themselves, in fair weather. */
export interface Feed {
  /** All that has come since the last call. */
  next(): Promise<{
    readonly commits: readonly DynamoDBRecord[];
    readonly pending: readonly DynamoDBRecord[];
  }>;
  /** All that ever came. */
  readonly seen: {
    readonly commits: readonly DynamoDBRecord[];
    readonly pending: readonly DynamoDBRecord[];
  };
  readonly close: () => void;
}

type Item = Record<string, AttributeValue>;

/** @param accounts the accounts whose commits and pending commands it reads. */
export const createFeed = (
  { config, tables }: LedgerDatabase,
  accounts: readonly string[],
): Feed => {
  const client = new DynamoDBClient(config);
  const commits: DynamoDBRecord[] = [];
  const pending: DynamoDBRecord[] = [];
  const versions = new Map<string, number>();
  const places = new Set<string>();
  let sequence = 0;

  const query = async (input: ConstructorParameters<typeof QueryCommand>[0]): Promise<Item[]> => {
    const items: Item[] = [];
    let cursor: Item | undefined;
    do {
      const page = await client.send(
        new QueryCommand({ ...input, ConsistentRead: true, ExclusiveStartKey: cursor }),
      );
      items.push(...(page.Items ?? []));
      cursor = page.LastEvaluatedKey;
    } while (cursor);
    return items;
  };

  const insertion = (item: Item, keys: readonly string[]): DynamoDBRecord => {
    sequence += 1;
    // The SDK's attributes and Lambda's differ in binary ones alone, and the ledger has none.
    const image = item as NonNullable<NonNullable<DynamoDBRecord['dynamodb']>['NewImage']>;
    const Keys = Object.fromEntries(Object.entries(image).filter(([name]) => keys.includes(name)));
    return {
      eventName: 'INSERT',
      dynamodb: { Keys, NewImage: image, SequenceNumber: String(sequence) },
    };
  };

  const newCommits = async (streamId: string): Promise<DynamoDBRecord[]> => {
    const items = await query({
      TableName: tables.events,
      KeyConditionExpression: 'streamId = :streamId AND #version > :after',
      ExpressionAttributeNames: { '#version': 'version' },
      ExpressionAttributeValues: {
        ':streamId': { S: streamId },
        ':after': { N: String(versions.get(streamId) ?? 0) },
      },
    });
    const last = items.at(-1)?.['version']?.N;
    if (last !== undefined) versions.set(streamId, Number(last));
    return items.map((item) => insertion(item, ['streamId', 'version']));
  };

  const newPlaces = async (accountId: string): Promise<DynamoDBRecord[]> => {
    const items = await query({
      TableName: tables.queue,
      KeyConditionExpression: 'accountId = :accountId',
      ExpressionAttributeValues: { ':accountId': { S: accountId } },
    });
    const fresh = items.filter((item) => !places.has(`${accountId} ${item['place']?.S}`));
    for (const item of fresh) places.add(`${accountId} ${item['place']?.S}`);
    return fresh.map((item) => insertion(item, ['accountId', 'place']));
  };

  return {
    next: async () => {
      const found = {
        commits: (await Promise.all(accounts.map(newCommits))).flat(),
        pending: (await Promise.all(accounts.map(newPlaces))).flat(),
      };
      commits.push(...found.commits);
      pending.push(...found.pending);
      return found;
    },
    seen: { commits, pending },
    close: () => client.destroy(),
  };
};
