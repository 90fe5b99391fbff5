import { setImmediate, setTimeout } from 'node:timers/promises';
import { BatchGetCommand, type DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import { answered, UnreadableAnswer } from './answered.ts';

/** An item of a table, or its key. */
type Attributes = Readonly<Record<string, unknown>>;

/**
 * Reads one item, strongly consistent, once.
 * @returns `undefined` where there is none.
 * @throws whatever the client throws; an answer that says nothing is an error, and never "there is
 *   no such item".
 */
export type Look = (key: Attributes) => Promise<Attributes | undefined>;

/**
 * The most keys that one BatchGetItem takes
 * (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html).
 */
const MOST_KEYS = 100;

/**
 * How long a caller that comes while others are being looked up waits for their answer, in
 * milliseconds: one slow answer is not to hold up everybody.
 */
const LONGEST_GATHERING_MS = 50;

/** A caller that waits for an item. */
interface Asking {
  readonly key: Attributes;
  readonly tell: (item: Promise<Attributes | undefined>) => void;
}

/**
 * Looks items of a table up together: keys that callers ask for while a request is under way go
 * into the next one, 100 at the most. Where an environment takes one invocation at a time, each
 * request has one key.
 */
export const lookTogether = ({
  client,
  table,
}: {
  readonly client: DynamoDBDocumentClient;
  readonly table: string;
}): Look => {
  let waiting: Asking[] = [];
  let isGathering = false;

  const send = async (asking: readonly Asking[]): Promise<void> => {
    const byName = Map.groupBy(asking, ({ key }) => nameOf(key));
    const keys = [...byName.values()].flatMap((those) => those.slice(0, 1).map(({ key }) => key));
    const found = findAll(client, table, keys);
    for (const [name, those] of byName) {
      for (const { tell } of those) tell(found.then((itemOf) => itemOf(name)));
    }
    await found.catch(() => {});
  };

  const gather = async (): Promise<void> => {
    isGathering = true;
    // All callers whose time comes in the same moment are here then.
    for (await setImmediate(); waiting.length > 0; await setImmediate()) {
      const next = waiting.slice(0, MOST_KEYS);
      waiting = waiting.slice(MOST_KEYS);
      await Promise.race([send(next), setTimeout(LONGEST_GATHERING_MS, undefined, UNREF)]);
    }
    isGathering = false;
  };

  return (key) =>
    new Promise((resolve) => {
      waiting.push({ key, tell: resolve });
      if (!isGathering) gather();
    });
};

/** The timer keeps no process alive. */
const UNREF = { ref: false };

/** @returns what is found under the name of each of the keys. */
const findAll = async (
  client: DynamoDBDocumentClient,
  table: string,
  keys: readonly Attributes[],
): Promise<(name: string) => Attributes | undefined> => {
  const [first] = keys;
  if (!first) return () => undefined;
  const ReturnConsumedCapacity = 'TOTAL';
  if (keys.length === 1) {
    const get = { TableName: table, Key: { ...first }, ConsistentRead: true };
    const { Item } = answered(
      await client.send(new GetCommand({ ...get, ReturnConsumedCapacity })),
    );
    return () => Item;
  }
  const Keys = keys.map((key) => ({ ...key }));
  const RequestItems = { [table]: { Keys, ConsistentRead: true } };
  const { Responses, UnprocessedKeys } = answered(
    await client.send(new BatchGetCommand({ RequestItems, ReturnConsumedCapacity })),
  );
  const left = new Set(UnprocessedKeys?.[table]?.Keys?.map(nameOf));
  const items = Responses?.[table];
  if (!items && left.size === 0) throw new UnreadableAnswer();
  const attributes = Object.keys(first);
  const found = new Map(
    items?.map((item) => [
      nameOf(Object.fromEntries(attributes.map((of) => [of, item[of]]))),
      item,
    ]),
  );
  return (name) => {
    if (left.has(name)) throw new NotLookedUp();
    return found.get(name);
  };
};

/**
 * DynamoDB has left a key of a batch out: the requests came too fast, as this error's name says.
 */
class NotLookedUp extends Error {
  override readonly name = 'ProvisionedThroughputExceededException';
}

/** Names a key, whatever the order of its attributes. */
const nameOf = (key: Attributes): string =>
  JSON.stringify(Object.entries(key).toSorted(([one], [other]) => (one < other ? -1 : 1)));
