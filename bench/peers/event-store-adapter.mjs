import { randomUUID } from 'node:crypto';
import { EventStoreFactory, OptimisticLockError } from 'event-store-adapter-js';
import { APPENDED, balanceAfter, INSUFFICIENT_FUNDS, LOST, suffices } from './account.mjs';

const JOURNAL = 'journal';
const SNAPSHOT = 'snapshot';
const INDEX = 'aid-index';

/** As its documentation has them; on demand. */
export const tables = [JOURNAL, SNAPSHOT].map((TableName) => ({
  TableName,
  BillingMode: 'PAY_PER_REQUEST',
  AttributeDefinitions: [
    { AttributeName: 'pkey', AttributeType: 'S' },
    { AttributeName: 'skey', AttributeType: 'S' },
    { AttributeName: 'aid', AttributeType: 'S' },
    { AttributeName: 'seq_nr', AttributeType: 'N' },
  ],
  KeySchema: [
    { AttributeName: 'pkey', KeyType: 'HASH' },
    { AttributeName: 'skey', KeyType: 'RANGE' },
  ],
  GlobalSecondaryIndexes: [
    {
      IndexName: INDEX,
      KeySchema: [
        { AttributeName: 'aid', KeyType: 'HASH' },
        { AttributeName: 'seq_nr', KeyType: 'RANGE' },
      ],
      Projection: { ProjectionType: 'ALL' },
    },
  ],
}));
export const eventsTable = JOURNAL;

/** The events of an item of the journal. */
export const eventsIn = ({ payload }) => {
  const { type, data } = JSON.parse(Buffer.from(payload).toString());
  const { aggregateId, sequenceNumber, amount, transferId } = data;
  return [{ accountId: aggregateId.value, version: sequenceNumber, type, amount, transferId }];
};

/** Its documentation's number of logical shards. */
const SHARDS = 32;

/** When to keep a snapshot is left to the caller: with the first event, and with every tenth. */
const EVENTS_A_SNAPSHOT = 10;

/**
 * A change reads the account's snapshot and the events after it, both through an index, and writes
 * the event and the snapshot's next version in one transaction.
 *
 * It has no policy of its own for lost races: whoever loses one hears so.
 */
export const open = (client) => {
  const store = EventStoreFactory.ofDynamoDB(
    client,
    JOURNAL,
    SNAPSHOT,
    INDEX,
    INDEX,
    SHARDS,
    ({ data }) => data,
    ({ data }) => accountOf(idOf(data.id.value), data),
  );
  return async (change) => {
    const id = idOf(change.accountId);
    const snapshot = await store.getLatestSnapshotById(id);
    const since = snapshot
      ? await store.getEventsByIdSinceSequenceNumber(id, snapshot.sequenceNumber + 1)
      : [];
    const before = since.reduce(after, snapshot ?? accountOf(id, NEW));
    if (!suffices(before.balance, change)) return INSUFFICIENT_FUNDS;
    const event = eventOf(id, change, before.sequenceNumber + 1);
    try {
      if (event.isCreated || event.sequenceNumber % EVENTS_A_SNAPSHOT === 0)
        await store.persistEventAndSnapshot(event, after(before, event));
      else await store.persistEvent(event, before.version);
      return APPENDED;
    } catch (error) {
      if (error instanceof OptimisticLockError) return LOST;
      throw error;
    }
  };
};

const NEW = { balance: 0, sequenceNumber: 0, version: 1 };

const idOf = (value) => ({ typeName: 'Account', value, asString: () => `Account-${value}` });

const accountOf = (id, { balance, sequenceNumber, version }) => ({
  typeName: 'Account',
  id,
  balance,
  sequenceNumber,
  version,
  withVersion: (next) => accountOf(id, { balance, sequenceNumber, version: next }),
  updateVersion: (next) => accountOf(id, { balance, sequenceNumber, version: next(version) }),
});

const after = ({ id, balance, version }, event) =>
  accountOf(id, {
    balance: balanceAfter(balance, { ...event, type: event.typeName }),
    sequenceNumber: event.sequenceNumber,
    version,
  });

const eventOf = (aggregateId, { type, amount, transferId }, sequenceNumber) => ({
  typeName: type,
  id: randomUUID(),
  aggregateId,
  sequenceNumber,
  occurredAt: new Date(),
  isCreated: sequenceNumber === 1,
  amount,
  transferId,
});
