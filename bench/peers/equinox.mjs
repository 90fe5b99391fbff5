import {
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { CachingStrategy, Codec, Decider, MemoryCache, StreamId } from '@equinox-js/core';
import {
  AccessStrategy,
  DynamoStoreCategory,
  DynamoStoreClient,
  DynamoStoreContext,
  QueryOptions,
  TipOptions,
} from '@equinox-js/dynamo-store';
import { APPENDED, balanceAfter, INSUFFICIENT_FUNDS, LOST, suffices } from './account.mjs';

const TABLE = 'equinox';
const CATEGORY = 'Account';

/** As its tests have it. */
export const tables = [
  {
    TableName: TABLE,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [
      { AttributeName: 'p', AttributeType: 'S' },
      { AttributeName: 'i', AttributeType: 'N' },
    ],
    KeySchema: [
      { AttributeName: 'p', KeyType: 'HASH' },
      { AttributeName: 'i', KeyType: 'RANGE' },
    ],
  },
];
export const eventsTable = TABLE;

/**
 * The events of an item of the events table: of a stream's tip, to which events are appended until
 * it has 32 KB, or of a batch before it. `n` is the version after the last of them.
 */
export const eventsIn = ({ p, n, c: types, e: events }) =>
  events.map(({ d, D }, index) => ({
    accountId: p.slice(CATEGORY.length + 1),
    version: n - events.length + index + 1,
    type: types[index],
    ...JSON.parse(Codec.smartDecompress({ encoding: D, body: Buffer.from(d) }).toString()),
  }));

const SNAPSHOT = 'Snapshotted';

const fold = (state, events) =>
  events.reduce(
    (balance, { type, data }) =>
      type === SNAPSHOT ? data.balance : balanceAfter(balance, { type, ...data }),
    state,
  );

/**
 * A change is a decision of equinox: it reads the stream's tip, which has a snapshot, unless its
 * cache has it as it is, and appends on the condition that the version is still the same.
 *
 * @param retries whether equinox tries again by itself after a lost race: two more times, at once.
 */
export const open = (client, { retries }) => {
  const context = DynamoStoreContext.create({
    client: new DynamoStoreClient(withMethods(client)),
    tableName: TABLE,
    tip: TipOptions.create({}),
    query: QueryOptions.create({}),
  });
  const category = DynamoStoreCategory.create(
    context,
    CATEGORY,
    Codec.compress(Codec.json()),
    fold,
    0,
    CachingStrategy.Cache(new MemoryCache()),
    AccessStrategy.Snapshot(
      ({ type }) => type === SNAPSHOT,
      (balance) => ({ type: SNAPSHOT, data: { balance } }),
    ),
  );
  return async (change) => {
    const { accountId, type, ...data } = change;
    const account = Decider.forStream(category, StreamId.create(accountId), undefined);
    const decide = (balance) =>
      suffices(balance, change) ? [APPENDED, [{ type, data }]] : [INSUFFICIENT_FUNDS, []];
    try {
      return await account.transactResult(decide, undefined, retries ? undefined : 1);
    } catch (error) {
      if (isLostRace(error)) return LOST;
      throw error;
    }
  };
};

/** It has the methods of an older client, and is asked for no others. */
const withMethods = (client) => ({
  getItem: (input) => client.send(new GetItemCommand(input)),
  putItem: (input) => client.send(new PutItemCommand(input)),
  query: (input) => client.send(new QueryCommand(input)),
  transactWriteItems: (input) => client.send(new TransactWriteItemsCommand(input)),
  updateItem: (input) => client.send(new UpdateItemCommand(input)),
});

/**
 * Where a tip is full, equinox appends by a transaction, and does not know the answer to one that
 * lost its race.
 */
const isLostRace = (error) =>
  /^Concurrency violation/.test(error.message) ||
  (error.CancellationReasons ?? []).some(({ Code }) => Code === 'ConditionalCheckFailed');
