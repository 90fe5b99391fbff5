import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod/mini';
import { itemSize } from '../../functions/store/stream/item-size.ts';

/** What the model knows of a table. */
interface TableKeys {
  /** The attributes of its key: the partition's, then the sort key's. */
  readonly key: readonly string[];
  /**
   * An attribute that the model takes for the partition key, to see what another key would cost.
   * Whoever asks for an item by its key does not say it: the model remembers it of what was put.
   */
  readonly partition?: string;
}

/** The tables, by name. */
export type Tables = Readonly<Record<string, TableKeys>>;

/** What a request to DynamoDB touches, as far as the model needs it. */
export type ModelledRequest =
  /** Writes or checks several items together. */
  | { readonly kind: 'transaction'; readonly items: readonly TouchedItem[] }
  /** Writes one item. */
  | { readonly kind: 'write'; readonly item: TouchedItem }
  /**
   * Reads: a partition, or many items, whose partitions are then as many. `least` is what each takes
   * of read units at the least; its answer tells what it consumed.
   */
  | { readonly kind: 'read'; readonly partitions: readonly string[]; readonly least: number }
  /** Takes only its time in the model. */
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

/** Tells what a request touches. */
export type RequestReader = (operation: string, body: Buffer) => ModelledRequest;

/**
 * Makes a reader of requests to some tables. It takes the operation, e.g. `PutItem`, and the
 * request as DynamoDB's JSON, and throws where the model does not know the operation or the table.
 */
export const createRequestReader = (tables: Tables): RequestReader => {
  const touched = createTouched(tables);
  return (operation, body) => {
    if (TIME_ALONE.has(operation)) return { kind: 'other' };
    const json: unknown = JSON.parse(body.toString());
    switch (operation) {
      case 'TransactWriteItems': {
        const items = Transaction.parse(json).TransactItems.flatMap(
          ({ Put, Update, Delete, ConditionCheck }) => {
            const one = Put ?? Update ?? Delete ?? ConditionCheck;
            return one ? [touched(one, 2)] : [];
          },
        );
        return { kind: 'transaction', items };
      }
      case 'PutItem':
      case 'UpdateItem':
      case 'DeleteItem':
        return { kind: 'write', item: touched(One.parse(json), 1) };
      case 'GetItem': {
        const one = One.parse(json);
        return { kind: 'read', partitions: [touched(one, 0).partition], least: leastOf(one) };
      }
      case 'BatchGetItem': {
        const { RequestItems } = BatchGet.parse(json);
        const of = Object.entries(RequestItems);
        return {
          kind: 'read',
          partitions: of.flatMap(([TableName, { Keys }]) =>
            Keys.map((Key) => touched({ TableName, Key }, 0).partition),
          ),
          least: Math.max(...of.map(([, each]) => leastOf(each))),
        };
      }
      case 'Query': {
        const query = Query.parse(json);
        return { kind: 'read', partitions: [partitionOf(query)], least: leastOf(query) };
      }
      default:
        throw new Error(`the model does not know the operation ${operation}`);
    }
  };
};

/** What reads streams, or is asked once. */
const TIME_ALONE = new Set([
  'DescribeStream',
  'DescribeTable',
  'GetRecords',
  'GetShardIterator',
  'ListStreams',
]);

const leastOf = ({ ConsistentRead }: { readonly ConsistentRead?: boolean | undefined }): number =>
  ConsistentRead ? 1 : 0.5;

const AttributeValues = z.record(
  z.string(),
  z.custom<AttributeValue>((value) => typeof value === 'object' && value !== null),
);

const One = z.object({
  TableName: z.string(),
  Item: z.optional(AttributeValues),
  Key: z.optional(AttributeValues),
  ConsistentRead: z.optional(z.boolean()),
});

const BatchGet = z.object({
  RequestItems: z.record(
    z.string(),
    z.object({ Keys: z.array(AttributeValues), ConsistentRead: z.optional(z.boolean()) }),
  ),
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
  ConsistentRead: z.optional(z.boolean()),
});

/** Makes what tells the item that a request, or a part of one, touches. */
const createTouched = (tables: Tables) => {
  const remembered = new Map<string, string>();

  /**
   * @param unitsPerKilobyte 2 in a transaction. Of an update the size is not in the request: it
   *   counts as one of an item up to 1 KB.
   */
  return ({ TableName, Item, Key }: z.infer<typeof One>, unitsPerKilobyte: number): TouchedItem => {
    const table = tables[TableName];
    if (!table) throw new Error(`the model does not know the key of the table ${TableName}`);
    const values = table.key.map((name) => JSON.stringify((Item ?? Key)?.[name]));
    const key = `${TableName}/${values.join('/')}`;
    if (table.partition !== undefined && Item?.[table.partition])
      remembered.set(key, `${TableName}/${JSON.stringify(Item[table.partition])}`);
    const kilobytes = Item ? Math.ceil(itemSize(unmarshall(Item)) / 1_024) : 1;
    return {
      partition: remembered.get(key) ?? `${TableName}/${values[0]}`,
      key,
      units: kilobytes * unitsPerKilobyte,
    };
  };
};

/** The one equality that a key condition must have is that of the partition key. */
const partitionOf = (query: z.infer<typeof Query>): string => {
  const [, value = ''] = / = (:\w+)/.exec(query.KeyConditionExpression) ?? [];
  return `${query.TableName}/${JSON.stringify(query.ExpressionAttributeValues[value])}`;
};
