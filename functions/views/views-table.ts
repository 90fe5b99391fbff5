import {
  type DynamoDBDocumentClient,
  QueryCommand,
  type QueryCommandInput,
} from '@aws-sdk/lib-dynamodb';
import { UnreadableAnswer } from '../runtime/answered.ts';
import type { Ask, Patience } from '../runtime/patience.ts';
import type { Item } from './row.ts';

/**
 * The table of the views, and what waiting for an answer takes. The client sends a request once:
 * this code sends it again.
 */
export interface ViewsTable extends Patience {
  readonly client: DynamoDBDocumentClient;
  readonly table: string;
}

/**
 * Reads what a query finds, a page of items at a time.
 * @throws {StoreUnavailable} where DynamoDB did not answer in time.
 */
export async function* queryPages(
  { client, table }: ViewsTable,
  ask: Ask,
  input: Omit<QueryCommandInput, 'TableName'>,
): AsyncGenerator<readonly Item[]> {
  let cursor: Record<string, unknown> | undefined;
  do {
    const start = cursor ? { ExclusiveStartKey: cursor } : {};
    const page = await ask(async () => {
      const answer = await client.send(new QueryCommand({ ...input, ...start, TableName: table }));
      // Every answer to a query has a list of items, though it may be empty: one without it is no
      // answer.
      if (!answer.Items) throw new UnreadableAnswer();
      return { items: answer.Items, next: answer.LastEvaluatedKey };
    });
    yield page.items;
    cursor = page.next;
  } while (cursor);
}
