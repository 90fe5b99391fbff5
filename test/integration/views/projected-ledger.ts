import { setTimeout } from 'node:timers/promises';
import { BatchWriteCommand, DeleteCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { createHandler } from '../../../functions/projections/project-views.ts';
import { createViewWriter } from '../../../functions/projections/view-writer.ts';
import { readEntry, readSummary } from '../../../functions/views/account-rows.ts';
import { readTransferRow, transferOf } from '../../../functions/views/transfer-row.ts';
import { createViews } from '../../../functions/views/views.ts';
import { createMeteredStore } from '../../setup/metered-store.ts';
import { createTestDatabase } from '../../setup/tables.ts';
import { type Committed, createMemoryLedger, streamRecord } from '../../unit/projections/memory-ledger.ts';
import { sorted, type ViewContents } from '../../unit/projections/memory-views.ts';
import { recordedTelemetry } from '../../unit/runtime/recorded-telemetry.ts';

/** The events and the views in a database of their own, with the projection between them in the test's hands. */
export const createProjectedLedger = async (ledger = createMemoryLedger()) => {
  const database = await createTestDatabase();
  const { store, client, requests } = createMeteredStore(database);
  const table = database.tables.views;
  const writer = createViewWriter({ client, table, random: Math.random, sleep: (ms) => setTimeout(ms) });
  const handle = createHandler({ store, writer, telemetry: recordedTelemetry().telemetry });

  const items = async (): Promise<Record<string, unknown>[]> => {
    const found: Record<string, unknown>[] = [];
    let cursor: Record<string, unknown> | undefined;
    do {
      const page = await client.send(
        new ScanCommand({ TableName: table, ConsistentRead: true, ...(cursor ? { ExclusiveStartKey: cursor } : {}) }),
      );
      found.push(...(page.Items ?? []));
      cursor = page.LastEvaluatedKey;
    } while (cursor);
    return found;
  };

  return {
    client,
    store,
    /** What was asked of DynamoDB since the last call of this. */
    requests: () => requests().map(({ operation }) => operation),
    ledger,
    writer,
    eventsTable: database.tables.events,
    views: createViews({ client, table }),
    /** Writes commits into the events table, as the store would have. */
    plant: async (committed: readonly Committed[]): Promise<void> => {
      for (let start = 0; start < committed.length; start += 25) {
        const batch = committed.slice(start, start + 25).map(({ item }) => ({ PutRequest: { Item: item } }));
        await client.send(new BatchWriteCommand({ RequestItems: { [database.tables.events]: batch } }));
      }
    },
    /** Hands commits to the projection as one batch of the stream. */
    project: (committed: readonly Committed[]) => handle({ Records: committed.map(({ item }) => streamRecord(item)) }),
    /** All rows of the views table, as they are. */
    items,
    /** Empties the views table. */
    throwAway: async (): Promise<void> => {
      for (const { pk, sk } of await items())
        await client.send(new DeleteCommand({ TableName: table, Key: { pk, sk } }));
    },
    /** All that queries could read. */
    contents: async (): Promise<ViewContents> => {
      const rows = await items();
      const kind = (prefix: string) => rows.filter(({ sk }) => String(sk).startsWith(prefix));
      return {
        summaries: sorted(kind('summary').map(readSummary), ({ accountId }) => accountId),
        entries: sorted(kind('entry#').map(readEntry), ({ entryId }) => entryId),
        transfers: sorted(
          kind('from#')
            .flatMap((row) => readTransferRow(row) ?? [])
            .map(transferOf),
          ({ transferId, from }) => `${transferId} ${from}`,
        ),
      };
    },
  };
};
export type ProjectedLedger = Awaited<ReturnType<typeof createProjectedLedger>>;

/** Everything that an asynchronous source has. */
export const all = async <T>(source: AsyncIterable<T>): Promise<T[]> => {
  const found: T[] = [];
  for await (const item of source) found.push(item);
  return found;
};

// What happens to an account, in a line each.
export const open = (accountId: string) => ({
  type: 'open',
  accountId,
  owner: 'alice',
  currency: 'EUR',
  overdraftLimit: 0,
});
export const deposit = (accountId: string, amount: number) => ({ type: 'deposit', accountId, amount });
export const reserve = (accountId: string, to: string, transferId: string, amount = 10) => ({
  type: 'reserve',
  accountId,
  to,
  transferId,
  amount,
});
export const credit = (accountId: string, from: string, transferId: string, amount = 10) => ({
  type: 'credit',
  accountId,
  from,
  transferId,
  amount,
  currency: 'EUR',
});
export const settle = (accountId: string, transferId: string) => ({ type: 'settle', accountId, transferId });
export const release = (accountId: string, transferId: string) => ({
  type: 'release',
  accountId,
  transferId,
  reason: 'account_not_found',
});
