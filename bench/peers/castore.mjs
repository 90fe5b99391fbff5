import { Command, EventStore, EventType, isEventAlreadyExistsError } from '@castore/core';
import { DynamoDBSingleTableEventStorageAdapter } from '@castore/event-storage-adapter-dynamodb';
import { APPENDED, balanceAfter, INSUFFICIENT_FUNDS, LOST, suffices } from './account.mjs';

const TABLE = 'castore';
const STORE = 'ACCOUNTS';

/** As its documentation has it, without the index by which all accounts could be listed. */
export const tables = [
  {
    TableName: TABLE,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [
      { AttributeName: 'aggregateId', AttributeType: 'S' },
      { AttributeName: 'version', AttributeType: 'N' },
    ],
    KeySchema: [
      { AttributeName: 'aggregateId', KeyType: 'HASH' },
      { AttributeName: 'version', KeyType: 'RANGE' },
    ],
  },
];
export const eventsTable = TABLE;

/** The events of an item of the events table. */
export const eventsIn = ({ aggregateId, version, type, payload }) => [
  { accountId: aggregateId.slice(STORE.length + 1), version, type, ...payload },
];

/**
 * A change is a command of castore: it reads all events of the account, and pushes its own with the
 * next version.
 *
 * @param retries whether castore tries again by itself after a lost race: twice, at once.
 */
export const open = (dynamoDBClient, { retries }) => {
  const accounts = new EventStore({
    eventStoreId: STORE,
    eventTypes: ['Opened', 'Deposited', 'Withdrawn'].map((type) => new EventType({ type })),
    reducer: (account, { aggregateId, version, type, payload }) => ({
      aggregateId,
      version,
      balance: balanceAfter(account?.balance ?? 0, { type, ...payload }),
    }),
    eventStorageAdapter: new DynamoDBSingleTableEventStorageAdapter({
      tableName: TABLE,
      dynamoDBClient,
    }),
  });
  const command = new Command({
    commandId: 'CHANGE',
    requiredEventStores: [accounts],
    ...(retries ? {} : { eventAlreadyExistsRetries: 0 }),
    handler: async (change, [store]) => {
      const { accountId, type, ...payload } = change;
      const { aggregate } = await store.getAggregate(accountId);
      if (!suffices(aggregate?.balance ?? 0, change)) return INSUFFICIENT_FUNDS;
      const version = (aggregate?.version ?? 0) + 1;
      await store.pushEvent({ aggregateId: accountId, version, type, payload });
      return APPENDED;
    },
  });
  return async (change) => {
    try {
      return await command.handler(change, [accounts]);
    } catch (error) {
      if (isEventAlreadyExistsError(error)) return LOST;
      throw error;
    }
  };
};
