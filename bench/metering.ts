import {
  type AttributeValue,
  DynamoDBClient,
  type DynamoDBClientConfig,
} from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { convertToNative } from '@aws-sdk/util-dynamodb';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { failureOf } from '../functions/runtime/failure.ts';
import { itemSize } from '../functions/store/stream/item-size.ts';

/** What some requests to DynamoDB consumed. */
export interface Usage {
  readonly requests: number;
  readonly readUnits: number;
  readonly writeUnits: number;
  /** Of the requests, those that met a transaction: DynamoDB Local never says so. */
  readonly conflicts: number;
  /** Of the requests, those that were too fast. */
  readonly throttles: number;
}

type Units = Pick<Usage, 'readUnits' | 'writeUnits'>;

/** Counts requests of any client. */
export interface Meter {
  add(usage: Partial<Usage>): void;
  /** What has been counted since the last call of this. */
  take(): Usage;
}

const nothing: Usage = { requests: 0, readUnits: 0, writeUnits: 0, conflicts: 0, throttles: 0 };

export const createMeter = (): Meter => {
  let counted = nothing;
  return {
    add: (usage) => {
      counted = plus(counted, { ...nothing, ...usage });
    },
    take: () => {
      const taken = counted;
      counted = nothing;
      return taken;
    },
  };
};

const plus = (a: Usage, b: Usage): Usage => ({
  requests: a.requests + b.requests,
  readUnits: a.readUnits + b.readUnits,
  writeUnits: a.writeUnits + b.writeUnits,
  conflicts: a.conflicts + b.conflicts,
  throttles: a.throttles + b.throttles,
});

/** Usage spread evenly over some commands. */
export const perCommand = (usage: Usage, commands: number): Usage => ({
  requests: usage.requests / commands,
  readUnits: usage.readUnits / commands,
  writeUnits: usage.writeUnits / commands,
  conflicts: usage.conflicts / commands,
  throttles: usage.throttles / commands,
});

/** How long a client waits for a connection and for an answer, in milliseconds. */
export interface Timeouts {
  readonly connectionTimeout: number;
  readonly requestTimeout: number;
}

/** Those of the Lambdas' clients; see functions/runtime/dynamodb.ts. */
export const lambdaTimeouts: Timeouts = { connectionTimeout: 1_000, requestTimeout: 3_000 };

/** Those of a client for which a timeout would mean only that this machine is busy. */
const patient: Timeouts = { connectionTimeout: 30_000, requestTimeout: 60_000 };

/**
 * A document client that sends each request once and counts it, a failed one too, since a write
 * whose condition does not hold costs as well.
 */
export const meteredClient = (
  { config }: { readonly config: DynamoDBClientConfig },
  meter: Meter,
  timeouts: Timeouts = patient,
): DynamoDBDocumentClient => {
  const base = new DynamoDBClient({
    ...config,
    maxAttempts: 1,
    requestHandler: new NodeHttpHandler({ ...timeouts, throwOnRequestTimeout: true }),
  });
  base.middlewareStack.add(
    (next) => async (args) => {
      const input = { ...args.input, ReturnConsumedCapacity: 'TOTAL' };
      const written = writeUnitsOf(input);
      try {
        const result = await next({ ...args, input });
        meter.add({ requests: 1, ...(written ?? consumed(input, result.output)) });
        return result;
      } catch (error) {
        meter.add({ requests: 1, ...written, ...refusedFor(error) });
        throw error;
      }
    },
    { step: 'initialize', priority: 'low' },
  );
  return DynamoDBDocumentClient.from(base, { marshallOptions: { removeUndefinedValues: true } });
};

/**
 * The units of a put or a transaction of writes, from the sizes of its items: DynamoDB Local does not
 * count transactions as AWS does, which is 2 write units per KB of each item
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-capacity-handling),
 * and says nothing of writes that fail, which consume the same
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html#WorkingWithItems.ConditionalUpdate).
 * An update in a transaction counts as one of an item up to 1 KB: its size is not in the request.
 * @returns `undefined` for any other request: there the engine's own count is right.
 */
const writeUnitsOf = (input: object): Units | undefined => {
  if ('TransactItems' in input && Array.isArray(input.TransactItems)) {
    const units = input.TransactItems.map(({ Put }) => (Put ? 2 * kilobytes(Put.Item) : 2));
    return { readUnits: 0, writeUnits: units.reduce((a, b) => a + b, 0) };
  }
  return 'Item' in input && isObject(input.Item)
    ? { readUnits: 0, writeUnits: kilobytes(input.Item) }
    : undefined;
};

const refusedFor = (error: unknown): Partial<Usage> => {
  try {
    const { kind } = failureOf(error);
    return { conflicts: kind === 'conflict' ? 1 : 0, throttles: kind === 'throttled' ? 1 : 0 };
  } catch {
    return {};
  }
};

const kilobytes = (item: object): number =>
  Math.ceil(itemSize(isRaw(item) ? plain(item) : item) / 1_024);

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** An item in DynamoDB's own form, as the libraries beside Holdfast send it. */
type RawItem = Readonly<Record<string, AttributeValue>>;

/** The ledger's own items have all kinds of values, so that one without a type tells. */
const isRaw = (item: object): item is RawItem =>
  Object.values(item).every(
    (value) => isObject(value) && /^([SNBLM]|[SNB]S|BOOL|NULL)$/.test(Object.keys(value).join()),
  );

/** An item in the document client's form, bytes as a text of the same length. */
const plain = (item: RawItem): Record<string, unknown> =>
  Object.fromEntries(Object.entries(item).map(([name, value]) => [name, plainValue(value)]));

const plainValue = (value: AttributeValue): unknown => {
  if (value.B) return ' '.repeat(value.B.length);
  if (value.M) return plain(value.M);
  return value.L ? value.L.map(plainValue) : convertToNative(value);
};

/**
 * What DynamoDB says that a request consumed. A read that finds nothing costs as much as the
 * smallest that finds something
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html);
 * the engine counts it as 0.
 */
const consumed = (input: object, output: object): Units => {
  const capacity = 'ConsumedCapacity' in output ? output.ConsumedCapacity : undefined;
  const units = (Array.isArray(capacity) ? capacity : [capacity]).reduce(
    (total: number, of: unknown) =>
      total + (isObject(of) && 'CapacityUnits' in of ? Number(of.CapacityUnits) : 0),
    0,
  );
  const writes = 'RequestItems' in input || 'UpdateExpression' in input;
  const least = 'ConsistentRead' in input && input.ConsistentRead === true ? 1 : 0.5;
  return writes
    ? { readUnits: 0, writeUnits: units }
    : { readUnits: Math.max(units, least), writeUnits: 0 };
};
