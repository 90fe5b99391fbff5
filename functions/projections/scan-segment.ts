import { type DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb';
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
const PAGE_ITEMS = 200;

/**
 * Reads a segment of a table page by page, strongly consistent.
 * @returns the items, and where the next page goes on, if there is one.
 * @throws {StoreUnavailable} where a page was not answered in time.
 */
export async function* scanSegment(
  client: DynamoDBDocumentClient,
  table: string,
  ask: Ask,
  { segment, segments, after }: Segment,
): AsyncGenerator<{ readonly items: readonly Item[]; readonly next: TableKey | undefined }> {
  let position = after;
  do {
    const scan = new ScanCommand({
      TableName: table,
      Segment: segment,
      TotalSegments: segments,
      ConsistentRead: true,
      Limit: PAGE_ITEMS,
      ReturnConsumedCapacity: 'TOTAL',
      ...(position ? { ExclusiveStartKey: position } : {}),
    });
    const page = await ask(async () => {
      const { Items, LastEvaluatedKey } = answered(await client.send(scan));
      if (!Items) throw new UnreadableAnswer();
      return { items: Items, last: LastEvaluatedKey };
    });
    position = page.last && TableKey.parse(page.last);
    yield { items: page.items, next: position };
  } while (position);
}
