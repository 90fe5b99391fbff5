import { setImmediate } from 'node:timers/promises';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';

/** An item in the document client's form. */
type Item = Record<string, unknown>;
type Names = Readonly<Record<string, string>>;

/** A request as it is sent, its items in DynamoDB's own form: as much of it as the ledger uses. */
interface Input {
  readonly TableName: string;
  readonly Item: Parameters<typeof unmarshall>[0];
  readonly Key: Parameters<typeof unmarshall>[0];
  readonly ConditionExpression?: string;
  readonly KeyConditionExpression?: string;
  readonly FilterExpression?: string;
  readonly ExpressionAttributeNames?: Names;
  readonly ExpressionAttributeValues?: Parameters<typeof unmarshall>[0];
  readonly ExclusiveStartKey?: Parameters<typeof unmarshall>[0];
  readonly ReturnConsumedCapacity?: string;
  readonly ReturnValuesOnConditionCheckFailure?: string;
  readonly ConsistentRead?: boolean;
  readonly ScanIndexForward?: boolean;
  readonly Limit?: number;
  readonly TransactItems: readonly { readonly Put: Input }[];
  readonly RequestItems: Readonly<
    Record<string, readonly { readonly PutRequest: Pick<Input, 'Item'> }[] & BatchOfKeys>
  >;
}

/** What a BatchGetItem asks of one table. */
interface BatchOfKeys {
  readonly Keys: readonly Input['Key'][];
  readonly ConsistentRead?: boolean;
}

/** The tables' keys: the partition's, and the sort key's where there is one. */
export type Keys = Readonly<Record<string, readonly [string, string?]>>;

class Refused extends Error {
  readonly body: object;

  constructor(type: string, message: string, more: object = {}) {
    super(message);
    this.body = { __type: `com.amazonaws.dynamodb.v20120810#${type}`, message, ...more };
  }
}

const invalid = (message: string) => new Refused('ValidationException', message);

/** The most that one page holds, in bytes of JSON. */
const PAGE_BYTES = 1_000_000;

/**
 * DynamoDB in memory, as the ledger uses it, for the many runs of its tests that mutants need: the
 * same conditions, pages and refusals as DynamoDB Local's, without a process and a connection. An
 * expression that it does not know is refused, and a read that does not ask for consistency sees
 * nothing: it may be as old as that.
 * @returns a request handler for the SDK's client.
 */
export const memoryDynamoDb = (keys: Keys) => {
  const tables = new Map(Object.keys(keys).map((name) => [name, new Map<string, Item>()]));

  const tableOf = (name: string) => {
    const items = tables.get(name);
    const [partition, sort] = keys[name] ?? [];
    if (!items || !partition)
      throw new Refused('ResourceNotFoundException', `there is no table ${name}`);
    const keyOf = (item: Item) =>
      JSON.stringify(
        [partition, ...(sort ? [sort] : [])].map((attribute) => {
          const value = item[attribute];
          if (value === undefined || value === '') throw invalid(`the key ${attribute} is missing`);
          return value;
        }),
      );
    return { items, partition, sort, keyOf };
  };

  /** @returns what to do, where the condition holds. */
  const prepared = (put: Input): { readonly key: string; readonly write: () => void } => {
    const { items, keyOf } = tableOf(put.TableName);
    const item = unmarshall(put.Item);
    const key = keyOf(item);
    const found = items.get(key);
    if (!holds(put, found)) {
      const shown =
        found && put.ReturnValuesOnConditionCheckFailure === 'ALL_OLD'
          ? { Item: marshall(found) }
          : {};
      throw new Refused('ConditionalCheckFailedException', 'The conditional request failed', shown);
    }
    return { key: put.TableName + key, write: () => items.set(key, item) };
  };

  const transact = (puts: readonly Input[]) => {
    if (puts.length === 0 || puts.length > 100)
      throw invalid(`${puts.length} items in a transaction`);
    const outcomes = puts.map((put) => {
      try {
        return prepared(put);
      } catch (error) {
        if (error instanceof Refused && isCondition(error)) return error;
        throw error;
      }
    });
    const ready = outcomes.flatMap((outcome) => (outcome instanceof Refused ? [] : [outcome]));
    if (new Set(ready.map(({ key }) => key)).size < ready.length)
      throw invalid('one item twice in a transaction');
    if (ready.length === puts.length) {
      for (const { write } of ready) write();
      return;
    }
    const CancellationReasons = outcomes.map((outcome) =>
      outcome instanceof Refused
        ? { Code: 'ConditionalCheckFailed', ...outcome.body }
        : { Code: 'None' },
    );
    const codes = CancellationReasons.map(({ Code }) => Code).join(', ');
    throw new Refused('TransactionCanceledException', `Transaction cancelled: [${codes}]`, {
      CancellationReasons,
    });
  };

  const page = (input: Input, matches: (item: Item) => boolean) => {
    const { items, partition, sort } = tableOf(input.TableName);
    const start = input.ExclusiveStartKey && unmarshall(input.ExclusiveStartKey);
    const order = (a: Item, b: Item) =>
      compare(a[partition], b[partition]) || (sort ? compare(a[sort], b[sort]) : 0);
    const sign = input.ScanIndexForward === false ? -1 : 1;
    const all = (input.ConsistentRead ? [...items.values()] : [])
      .filter((item) => matches(item) && (!start || sign * order(item, start) > 0))
      .sort((a, b) => sign * order(a, b));
    const taken: Item[] = [];
    for (let bytes = 0; taken.length < Math.min(all.length, input.Limit ?? all.length); ) {
      const item = all[taken.length] ?? {};
      bytes += JSON.stringify(item).length;
      if (taken.length > 0 && bytes > PAGE_BYTES) break;
      taken.push(item);
    }
    const last = taken.length < all.length ? taken.at(-1) : undefined;
    const key =
      last &&
      Object.fromEntries([partition, ...(sort ? [sort] : [])].map((name) => [name, last[name]]));
    return { taken, ...(key ? { LastEvaluatedKey: marshall(key) } : {}) };
  };

  const operations: Readonly<Record<string, (input: Input) => object>> = {
    PutItem: (input) => {
      prepared(input).write();
      return {};
    },
    TransactWriteItems: ({ TransactItems }) => {
      transact(TransactItems.map(({ Put }) => Put));
      return {};
    },
    BatchWriteItem: ({ RequestItems }) => {
      for (const [TableName, requests] of Object.entries(RequestItems)) {
        const { items, keyOf } = tableOf(TableName);
        for (const { PutRequest } of requests) {
          const item = unmarshall(PutRequest.Item);
          items.set(keyOf(item), item);
        }
      }
      return {};
    },
    BatchGetItem: ({ RequestItems }) => {
      const found = Object.entries(RequestItems).map(([name, { Keys, ConsistentRead }]) => {
        const { items, keyOf } = tableOf(name);
        const keys = Keys.map((key) => keyOf(unmarshall(key)));
        if (new Set(keys).size < keys.length || keys.length > 100)
          throw invalid('a batch of keys that come twice, or too many of them');
        const shown = keys.flatMap((key) => (ConsistentRead ? (items.get(key) ?? []) : []));
        return [name, shown.map((item) => marshall(item))];
      });
      return { Responses: Object.fromEntries(found) };
    },
    GetItem: ({ TableName, Key, ConsistentRead }) => {
      const { items, keyOf } = tableOf(TableName);
      const found = items.get(keyOf(unmarshall(Key)));
      return found && ConsistentRead ? { Item: marshall(found) } : {};
    },
    Query: (input) => {
      const { partition, sort } = tableOf(input.TableName);
      const { taken, ...more } = page(input, inRange(input, partition, sort));
      return { Items: taken.map((item) => marshall(item)), ...more };
    },
    Scan: (input) => {
      const filter = input.FilterExpression;
      const [, attribute] = filter?.match(/^attribute_exists\((\w+)\)$/) ?? [];
      if (filter !== undefined && !attribute)
        throw invalid(`the filter "${filter}" is not known here`);
      const { taken, ...more } = page(input, () => true);
      const items = taken.filter((item) => !attribute || item[attribute] !== undefined);
      return { Items: items.map((item) => marshall(item)), ...more };
    },
  };

  return {
    handle: async ({
      headers,
      body,
    }: {
      headers: Readonly<Record<string, string>>;
      body?: string | Uint8Array;
    }) => {
      const operation = String(headers['x-amz-target']).split('.').at(-1) ?? '';
      // As a real answer does, it comes in a turn of its own: others have theirs in between.
      await setImmediate();
      try {
        const input: Input = JSON.parse(
          typeof body === 'string' ? body : new TextDecoder().decode(body),
        );
        const answer = operations[operation]?.(input);
        if (!answer) throw invalid(`the operation ${operation} is not known here`);
        const capacity =
          input.ReturnConsumedCapacity === 'TOTAL'
            ? { ConsumedCapacity: { CapacityUnits: 1 } }
            : {};
        return respond(200, {
          ...answer,
          ...(operation.startsWith('Transact') ? inList(capacity) : capacity),
        });
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        return respond(400, error.body);
      }
    },
    /** Puts an item, for whoever plants a history. */
    put: (table: string, item: Item) => {
      const { items, keyOf } = tableOf(table);
      items.set(keyOf(item), item);
    },
    updateHttpClientConfig: () => {},
    httpHandlerConfigs: () => ({}),
  };
};

const respond = (statusCode: number, body: object) => ({
  response: {
    statusCode,
    headers: { 'content-type': 'application/x-amz-json-1.0' },
    body: new TextEncoder().encode(JSON.stringify(body)),
  },
});

const inList = (capacity: object) =>
  'ConsumedCapacity' in capacity ? { ConsumedCapacity: [capacity.ConsumedCapacity] } : {};

const isCondition = ({ body }: Refused) =>
  '__type' in body && String(body.__type).endsWith('ConditionalCheckFailedException');

const compare = (a: unknown, b: unknown): number => {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a) < String(b) ? -1 : Number(String(a) > String(b));
};

/** An expression's names and values, each of which must be known and used. */
const reader = (
  { ExpressionAttributeNames = {}, ExpressionAttributeValues = {} }: Input,
  expression: string,
) => {
  const values = unmarshall(ExpressionAttributeValues);
  for (const name of [...Object.keys(ExpressionAttributeNames), ...Object.keys(values)]) {
    if (!expression.includes(name)) throw invalid(`${name} is not used in "${expression}"`);
  }
  return {
    name: (text = '') => {
      const name = text.startsWith('#') ? ExpressionAttributeNames[text] : text;
      if (!name) throw invalid(`${text} is not defined`);
      return name;
    },
    value: (text = ''): unknown => {
      if (!(text in values)) throw invalid(`${text} is not defined`);
      return values[text];
    },
  };
};

const holds = (input: Input, found: Item | undefined): boolean => {
  const expression = input.ConditionExpression;
  if (expression === undefined) return true;
  const { name, value } = reader(input, expression);
  const free = expression.match(/^attribute_not_exists\((#?\w+)\)$/);
  if (free) return found?.[name(free[1])] === undefined;
  const same = expression.match(/^(#?\w+) = (:\w+)$/);
  if (same) return found !== undefined && found[name(same[1])] === value(same[2]);
  throw invalid(`the condition "${expression}" is not known here`);
};

const inRange = (input: Input, partition: string, sort = ''): ((item: Item) => boolean) => {
  const expression = input.KeyConditionExpression ?? '';
  const { name, value } = reader(input, expression);
  const [, key, equals, by, upTo, low, high] =
    expression.match(
      /^(#?\w+) = (:\w+)(?: AND (#?\w+) (?:<= (:\w+)|BETWEEN (:\w+) AND (:\w+)))?$/,
    ) ?? [];
  if (!key || name(key) !== partition || (by && name(by) !== sort))
    throw invalid(`"${expression}" is not known here`);
  const of = value(equals);
  const [from, to] = by ? [low && value(low), value(upTo ?? high)] : [undefined, undefined];
  return (item) =>
    item[partition] === of &&
    (!low || compare(item[sort], from) >= 0) &&
    (!by || compare(item[sort], to) <= 0);
};
