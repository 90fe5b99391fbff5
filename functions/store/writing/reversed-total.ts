import { type DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import { TransferId } from '../../../events/values.ts';
import { answered } from '../../runtime/answered.ts';

/** The version of the item's shape. No code acts on one of another number. */
const TOTAL_SCHEMA = 1;

/**
 * How much of a transfer its reversals have taken back: an item of the commands table, beside the
 * record of the transfer's credit. It changes in the transaction of each reversal's reservation and
 * of each release of one, on the condition that nobody has changed it meanwhile, so all reversals
 * of a transfer together never exceed it; and no account's state grows with them.
 */
export interface ReversedTotal {
  readonly transferId: TransferId;
  /** In minor units; 0 at first. */
  readonly reversed: number;
  /** That of the write that put it there; absent: there is no item yet. */
  readonly writeId?: string | undefined;
}

/** A total, and the one that it follows. */
export interface TotalWrite {
  readonly total: ReversedTotal & { readonly writeId: string };
  /** The `writeId` of the total that it replaces; absent: there must be none. */
  readonly replaces?: string | undefined;
}

const TotalItem = z.object({
  key: z.string(),
  schema: z.literal(TOTAL_SCHEMA),
  transferId: TransferId,
  reversed: z.int().check(z.gte(0)),
  writeId: z.string(),
});

const totalKey = (transferId: TransferId): string => `reversed:${transferId}`;

/** Whether an item of the commands table is a total. */
export const isTotalItem = ({ key }: Readonly<Record<string, unknown>>): boolean =>
  typeof key === 'string' && key.startsWith('reversed:');

/** A total as its item. */
export const totalItem = (total: TotalWrite['total']): Readonly<Record<string, unknown>> => ({
  key: totalKey(total.transferId),
  schema: TOTAL_SCHEMA,
  ...total,
});

/** @throws {Error} where this code cannot read the item: nothing may be concluded from it. */
export const readTotal = (item: unknown): TotalWrite['total'] => {
  const { transferId, reversed, writeId } = TotalItem.parse(item);
  return { transferId, reversed, writeId };
};

/**
 * Reads a transfer's total, strongly consistent.
 * @throws whatever the client throws; an answer that says nothing is an error, and never "nothing
 *   was reversed".
 */
export const findTotal = async (
  {
    client,
    commandsTable,
  }: { readonly client: DynamoDBDocumentClient; readonly commandsTable: string },
  transferId: TransferId,
): Promise<ReversedTotal> => {
  const get = new GetCommand({
    TableName: commandsTable,
    Key: { key: totalKey(transferId) },
    ConsistentRead: true,
    ReturnConsumedCapacity: 'TOTAL',
  });
  const { Item } = answered(await client.send(get));
  return Item ? readTotal(Item) : { transferId, reversed: 0 };
};
