import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod/mini';
import { itemSize } from '../../functions/store/stream/item-size.ts';

/** The attributes of each table's key, by the table's name: the partition's, then the sort key's. */
export type Keys = Readonly<Record<string, readonly string[]>>;

/** What a request to DynamoDB touches, as far as the model needs it. */
export type ModelledRequest =
  /** Writes or checks several items together. */
  | { readonly kind: 'transaction'; readonly items: readonly TouchedItem[] }
  /** Writes one item. */
  | { readonly kind: 'write'; readonly item: TouchedItem }
  /** Reads from one partition; its answer tells what it consumed. */
  | { readonly kind: 'read'; readonly partition: string }
  /** Takes only its time in the model: batches, scans, streams. */
  | { readonly kind: 'other' };

/** An item that is written. */
export interface TouchedItem {
  /** Table and partition key. */
  readonly partition: string;
  /** Table and whole key. */
  readonly key: string;
  /** Write units that it takes. */
  readonly units: number;
}

/**
 * Reads what a request touches.
 * @param operation e.g. `PutItem`.
 * @param body the request, as DynamoDB's JSON.
 * @throws {Error} where it is of a table that `keys` does not name.
 */
export const readRequest = (operation: string, body: Buffer, keys: Keys): ModelledRequest => {
  switch (operation) {
    case 'TransactWriteItems': {
      const { TransactItems } = Transaction.parse(JSON.parse(body.toString()));
      const items = TransactItems.flatMap(({ Put, Update, Delete, ConditionCheck }) => {
        const one = Put ?? Update ?? Delete ?? ConditionCheck;
        return one ? [touched(one, keys, 2)] : [];
      });
      return { kind: 'transaction', items };
    }
    case 'PutItem':
    case 'UpdateItem':
    case 'DeleteItem':
      return { kind: 'write', item: touched(One.parse(JSON.parse(body.toString())), keys, 1) };
    case 'GetItem': {
      const one = One.parse(JSON.parse(body.toString()));
      return { kind: 'read', partition: touched(one, keys, 0).partition };
    }
    case 'Query': {
      const query = Query.parse(JSON.parse(body.toString()));
      return { kind: 'read', partition: partitionOf(query) };
    }
    default:
      return { kind: 'other' };
  }
};

const AttributeValues = z.record(
  z.string(),
  z.custom<AttributeValue>((value) => typeof value === 'object' && value !== null),
);

const One = z.object({
  TableName: z.string(),
  Item: z.optional(AttributeValues),
  Key: z.optional(AttributeValues),
});

const Transaction = z.object({
  TransactItems: z.array(
    z.object({
      Put: z.optional(One),
      Update: z.optional(One),
      Delete: z.optional(One),
      ConditionCheck: z.optional(One),
    }),
  ),
});

const Query = z.object({
  TableName: z.string(),
  KeyConditionExpression: z.string(),
  ExpressionAttributeValues: AttributeValues,
});

/**
 * @param unitsPerKilobyte 2 in a transaction. Of an update the size is not in the request: it
 *   counts as one of an item up to 1 KB.
 */
const touched = (
  { TableName, Item, Key }: z.infer<typeof One>,
  keys: Keys,
  unitsPerKilobyte: number,
): TouchedItem => {
  const attributes = keys[TableName];
  if (!attributes) throw new Error(`the model does not know the key of the table ${TableName}`);
  const values = attributes.map((name) => JSON.stringify((Item ?? Key)?.[name]));
  const kilobytes = Item ? Math.ceil(itemSize(unmarshall(Item)) / 1_024) : 1;
  return {
    partition: `${TableName}/${values[0]}`,
    key: `${TableName}/${values.join('/')}`,
    units: kilobytes * unitsPerKilobyte,
  };
};

/** The one equality that a key condition must have is that of the partition key. */
const partitionOf = (query: z.infer<typeof Query>): string => {
  const [, value = ''] = / = (:\w+)/.exec(query.KeyConditionExpression) ?? [];
  return `${query.TableName}/${JSON.stringify(query.ExpressionAttributeValues[value])}`;
};
