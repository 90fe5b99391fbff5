import {
  type DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
  type QueryCommandInput,
} from '@aws-sdk/lib-dynamodb';
import type { AccountId } from '../../events/values.ts';
import type { AccountView } from '../ledger/account.ts';
import { answered, UnreadableAnswer } from '../runtime/answered.ts';
import type { Ask, Patience } from '../runtime/patience.ts';
import { readSummary, summaryKey } from './account-rows.ts';
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
 * Reads one item, strongly consistent.
 * @returns `undefined` where there is none. An answer that says nothing does not mean that: the
 *   read is sent again.
 * @throws {StoreUnavailable} where DynamoDB did not answer in time.
 */
export const getItem = async (
  { client, table }: ViewsTable,
  ask: Ask,
  Key: Item,
): Promise<Item | undefined> => {
  const get = new GetCommand({
    TableName: table,
    Key: { ...Key },
    ConsistentRead: true,
    ReturnConsumedCapacity: 'TOTAL',
  });
  const { Item } = await ask(async () => answered(await client.send(get)));
  return Item;
};

/**
 * Reads all items that a query finds, page by page.
 * @throws {StoreUnavailable} where DynamoDB did not answer in time.
 */
export async function* queryItems(
  { client, table }: ViewsTable,
  ask: Ask,
  input: Omit<QueryCommandInput, 'TableName'>,
): AsyncGenerator<Item> {
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
    yield* page.items;
    cursor = page.next;
  } while (cursor);
}

/**
 * Reads an account's summary, strongly consistent.
 * @returns `undefined` where the views do not know the account.
 * @throws {UnreadableRow} where there is one that this code cannot read.
 * @throws {StoreUnavailable} where DynamoDB did not answer in time.
 */
export const findSummary = async (
  table: ViewsTable,
  ask: Ask,
  accountId: AccountId,
): Promise<AccountView | undefined> => {
  const item = await getItem(table, ask, summaryKey(accountId));
  return item && readSummary(item);
};
