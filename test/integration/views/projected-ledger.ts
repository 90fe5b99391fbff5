import { setTimeout } from 'node:timers/promises';
import {
  BatchWriteCommand,
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  ScanCommand,
} from '@aws-sdk/lib-dynamodb';
import { createHandler } from '../../../functions/projections/project-views.ts';
import { createHandler as createRebuild } from '../../../functions/projections/rebuild-views.ts';
import { createViewWriter, type ViewWriter } from '../../../functions/projections/view-writer.ts';
import { readAccountRow } from '../../../functions/views/account-rows.ts';
import { passOverRows } from '../../../functions/views/pass-over-rows.ts';
import { readTransferRow, transferOf } from '../../../functions/views/transfer-row.ts';
import { createViews } from '../../../functions/views/views.ts';
import { createMeteredStore } from '../../setup/metered-store.ts';
import { createTestDatabase } from '../../setup/tables.ts';
import {
  type Committed,
  createMemoryLedger,
  streamRecord,
} from '../../unit/projections/memory-ledger.ts';
import { sorted, type ViewContents } from '../../unit/projections/memory-views.ts';
import { recordedTelemetry } from '../../unit/runtime/recorded-telemetry.ts';

/** More than a batch ever takes here, in milliseconds. */
const BUDGET_MS = 15_000;

/**
 * The events and the views in a database of their own, with the projection between them in the
 * test's hands.
 */
export const createProjectedLedger = async (ledger = createMemoryLedger()) => {
  const database = await createTestDatabase();
  const { store, client, requests } = createMeteredStore(database);
  const table = database.tables.views;
  const viewsTable = {
    client,
    table,
    clock: Date.now,
    random: Math.random,
    sleep: (ms: number) => setTimeout(ms),
  };
  const told = recordedTelemetry();
  /** One environment of the projection. */
  const environment = (writer = createViewWriter(viewsTable)) => {
    const { telemetry, counts } = recordedTelemetry();
    const handle = createHandler({ writer, telemetry, clock: Date.now, budget: BUDGET_MS });
    return {
      /** Hands commits to the projection as one batch of the stream. */
      project: (some: readonly Committed[]) =>
        handle({ Records: some.map(({ item }) => streamRecord(item)) }),
      counts,
    };
  };
  const writer = createViewWriter(viewsTable);
  /** A client that does something before each request. */
  const clientAfter = (before: (command: unknown) => Promise<void>): DynamoDBDocumentClient =>
    Object.assign(Object.create(client), {
      send: async (command: Parameters<DynamoDBDocumentClient['send']>[0]) => {
        await before(command);
        return client.send(command);
      },
    });
  const rebuilding = ({
    budget = BUDGET_MS,
    before,
    writer = createViewWriter(viewsTable),
  }: {
    readonly budget?: number;
    /** What is done before each request to the views but the writer's. */
    readonly before?: (command: unknown) => Promise<void>;
    readonly writer?: ViewWriter;
  } = {}) =>
    createRebuild({
      events: { client, table: database.tables.events },
      views: before ? { ...viewsTable, client: clientAfter(before) } : viewsTable,
      store,
      writer,
      telemetry: told.telemetry,
      budget,
      grace: BUDGET_MS,
    });

  const items = async (): Promise<Record<string, unknown>[]> => {
    const found: Record<string, unknown>[] = [];
    let cursor: Record<string, unknown> | undefined;
    do {
      const page = await client.send(
        new ScanCommand({
          TableName: table,
          ConsistentRead: true,
          ...(cursor ? { ExclusiveStartKey: cursor } : {}),
        }),
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
    views: createViews({
      ...viewsTable,
      budget: BUDGET_MS,
      passOver: passOverRows(told.telemetry),
    }),
    /** What the views counted. */
    counts: told.counts,
    project: environment(writer).project,
    /** Makes the views again, as an operator would. */
    rebuild: rebuilding(),
    /** The function that makes them again, with so much time for a call. */
    rebuilding,
    /** Another environment of the projection, which remembers nothing. */
    elsewhere: environment,
    /** Changes attributes of a row, whatever they mean; `undefined` removes one. */
    spoil: async (
      key: { pk: string; sk: string },
      attributes: Record<string, unknown>,
    ): Promise<void> => {
      const { Item } = await client.send(new GetCommand({ TableName: table, Key: key }));
      await client.send(
        new PutCommand({ TableName: table, Item: { ...key, ...Item, ...attributes } }),
      );
    },
    /** Changes attributes of a commit, past the store. */
    spoilCommit: async (
      committed: Committed | undefined,
      attributes: Record<string, unknown>,
    ): Promise<void> => {
      const Item = { ...committed?.item, ...attributes };
      await client.send(new PutCommand({ TableName: database.tables.events, Item }));
    },
    /** Removes a row. */
    remove: async (Key: { pk: string; sk: string }): Promise<void> => {
      await client.send(new DeleteCommand({ TableName: table, Key }));
    },
    /** Writes commits into the events table, as the store would have. */
    plant: async (committed: readonly Committed[]): Promise<void> => {
      for (let start = 0; start < committed.length; start += 25) {
        const batch = committed
          .slice(start, start + 25)
          .map(({ item }) => ({ PutRequest: { Item: item } }));
        await client.send(
          new BatchWriteCommand({ RequestItems: { [database.tables.events]: batch } }),
        );
      }
    },
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
        accounts: sorted(kind('account').map(readAccountRow), ({ accountId }) => accountId),
        transfers: sorted(
          kind('from#')
            .flatMap((row) => readTransferRow(row) ?? [])
            .map(transferOf),
          ({ transferId, from }) => `${transferId} ${from}`,
        ),
        pointers: [...kind('transfer#'), ...kind('reversal#')]
          .map(({ pk, sk }) => `${pk} ${sk}`)
          .sort(),
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
export const deposit = (accountId: string, amount: number) => ({
  type: 'deposit',
  accountId,
  amount,
});
export const reserve = (accountId: string, to: string, transferId: string, amount = 10) => ({
  type: 'reserve',
  accountId,
  to,
  transferId,
  amount,
});
export const hold = (accountId: string, to: string, transferId: string, amount = 10) => ({
  type: 'hold',
  accountId,
  to,
  transferId,
  amount,
  expiresAt: '2026-11-28T12:00:00.000Z',
});
export const capture = (accountId: string, transferId: string, amount?: number) => ({
  type: 'capture',
  accountId,
  transferId,
  amount,
});
export const reverse = (
  accountId: string,
  to: string,
  transferId: string,
  reverses: { transferId: string; amount: number },
  amount?: number,
) => ({ type: 'reverse', accountId, to, transferId, reverses, amount, currency: 'EUR' });
export const credit = (accountId: string, from: string, transferId: string, amount = 10) => ({
  type: 'credit',
  accountId,
  from,
  transferId,
  amount,
  currency: 'EUR',
});
export const settle = (accountId: string, transferId: string) => ({
  type: 'settle',
  accountId,
  transferId,
});
export const release = (accountId: string, transferId: string) => ({
  type: 'release',
  accountId,
  transferId,
  reason: 'account_not_found',
});
