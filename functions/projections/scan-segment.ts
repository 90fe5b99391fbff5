import {
  type DynamoDBDocumentClient,
  QueryCommand,
  type QueryCommandOutput,
  ScanCommand,
  type ScanCommandOutput,
} from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import { answered, UnreadableAnswer } from '../runtime/answered.ts';
import type { Ask } from '../runtime/patience.ts';
import type { Item } from '../views/row.ts';

/** A place in a table: the key of the last item that was looked at. */
export const TableKey = z.record(z.string(), z.union([z.string(), z.number()]));
export type TableKey = z.infer<typeof TableKey>;

/** A part of a table, of several that are scanned beside each other. */
export interface Segment {
  readonly segment: number;
  readonly segments: number;
  /** Where to go on; without it, from the beginning. */
  readonly after?: TableKey | undefined;
}

/** How many items a page reads. */
export const PAGE_ITEMS = 200;

/** Some items, and where the next page goes on, if there is one. */
export interface Page {
  readonly items: readonly Item[];
  readonly next: TableKey | undefined;
}

/**
 * Reads a segment of a table page by page, strongly consistent.
 * @throws {StoreUnavailable} where a page was not answered in time.
 */
export const scanSegment = (
  client: DynamoDBDocumentClient,
  table: string,
  ask: Ask,
  { segment, segments, after }: Segment,
): AsyncIterable<Page> =>
  pagesOf(ask, after, (position) =>
    client.send(
      new ScanCommand({
        TableName: table,
        Segment: segment,
        TotalSegments: segments,
        ...common,
        ...position,
      }),
    ),
  );

/**
 * Reads a partition of the views page by page, strongly consistent.
 * @throws {StoreUnavailable} where a page was not answered in time.
 */
export const queryPartition = (
  client: DynamoDBDocumentClient,
  table: string,
  ask: Ask,
  { pk, after }: { readonly pk: string; readonly after?: TableKey | undefined },
): AsyncIterable<Page> =>
  pagesOf(ask, after, (position) =>
    client.send(
      new QueryCommand({
        TableName: table,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': pk },
        ...common,
        ...position,
      }),
    ),
  );

const common = {
  ConsistentRead: true,
  Limit: PAGE_ITEMS,
  ReturnConsumedCapacity: 'TOTAL',
} as const;

async function* pagesOf(
  ask: Ask,
  after: TableKey | undefined,
  send: (position: {
    readonly ExclusiveStartKey?: TableKey;
  }) => Promise<ScanCommandOutput | QueryCommandOutput>,
): AsyncGenerator<Page> {
  let position = after;
  do {
    const start = position ? { ExclusiveStartKey: position } : {};
    const page = await ask(async () => {
      const { Items, LastEvaluatedKey } = answered(await send(start));
      if (!Items) throw new UnreadableAnswer();
      return { items: Items, last: LastEvaluatedKey };
    });
    position = page.last && TableKey.parse(page.last);
    yield { items: page.items, next: position };
  } while (position);
}
