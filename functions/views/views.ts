import { type DynamoDBDocumentClient, GetCommand, QueryCommand, type QueryCommandInput } from '@aws-sdk/lib-dynamodb';
import type { AccountId, Caller, Timestamp, TransferId, Version } from '../../events/values.ts';
import type { Entry } from '../ledger/statement.ts';
import type { Transfer, TransferStatus } from '../ledger/transfer.ts';
import { entryKey, readEntry, readSummary, summaryKey } from './account-rows.ts';
import {
  openShards,
  orderOf,
  readTransferRow,
  type TransferRow,
  transferKey,
  transferOf,
  transferPartition,
} from './transfer-row.ts';

/** A transfer that has not ended, with what its workflow needs to be started again. */
export type OpenTransfer = Transfer & { readonly correlationId: string; readonly actor: Caller };

/** The read models. They follow the streams: what was just accepted may not be in them yet. */
export interface Views {
  /** The version that an account's views are at; 0: they do not know the account. */
  summaryVersion(accountId: AccountId): Promise<number>;
  /**
   * A page of an account's statement, newest first.
   * @param page at most `limit` entries, of versions under `before`.
   * @returns the entries up to the version `asOfVersion` that the account's views are at (0: unknown to them), and
   * `next`, the `before` of the page that follows, where there is one.
   */
  entries(
    accountId: AccountId,
    page: { readonly limit: number; readonly before?: Version | undefined },
  ): Promise<{ entries: Entry[]; next?: Version | undefined; asOfVersion: number }>;
  /**
   * A transfer by its id.
   * @param from its source, where that is known: then it costs one item's read, and no other source's by that id is found. Without,
   * of two sources' transfers with the same id, the one requested first is.
   * @returns `undefined` where the views do not know it, or not yet.
   */
  transfer(transferId: TransferId, from?: AccountId): Promise<Transfer | undefined>;
  /**
   * A page of an account's transfers, outgoing and incoming, newest first.
   * @param page at most `limit` transfers of one `status`, or any, that come after the position `before`. A rare status
   * is looked for until the page is full or the account's transfers are exhausted.
   * @returns the transfers, and `next`, the `before` of the page that follows, where there is one.
   */
  transfersOf(
    accountId: AccountId,
    page: {
      readonly limit: number;
      readonly before?: string | undefined;
      readonly status?: TransferStatus | undefined;
    },
  ): Promise<{ transfers: Transfer[]; next?: string | undefined }>;
  /** The transfers reserved before a time that have not ended, in no promised order. */
  openTransfers(olderThan: Timestamp): AsyncIterable<OpenTransfer>;
}

/** How many transfers are read at a time where most of them may be passed over. */
const SIFTED_PAGE = 100;

/**
 * Reads the views table.
 * @param dependencies the client and the table's name. Its methods throw what the client throws, and an Error for an
 * item that is not what its key says.
 */
export const createViews = ({ client, table }: ViewsTable): Views => ({
  summaryVersion: async (accountId) => (await findSummary({ client, table }, accountId))?.version ?? 0,

  entries: async (accountId, { limit, before = Number.MAX_SAFE_INTEGER }) => {
    const asOfVersion = (await findSummary({ client, table }, accountId))?.version ?? 0;
    // Entries are written before the summary. Those beyond its version are not shown: others may still be missing
    // between. Those up to it are there, so they are read consistently: a replica that lags would leave a hole.
    const rows = query(client, {
      TableName: table,
      KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
      ExpressionAttributeValues: {
        ':pk': entryKey(accountId, 0).pk,
        ':from': entryKey(accountId, 0).sk,
        ':to': entryKey(accountId, Math.min(before - 1, asOfVersion)).sk,
      },
      ConsistentRead: true,
      ScanIndexForward: false,
      Limit: limit + 1,
    });
    const { page, last } = await pageOf(rows, limit);
    const entries = page.map(readEntry);
    return { entries, ...(last ? { next: readEntry(last).version } : {}), asOfVersion };
  },

  transfer: async (transferId, from) => {
    if (from !== undefined) {
      const Key = transferKey(transferId, from);
      const { Item } = await client.send(new GetCommand({ TableName: table, Key, ConsistentRead: true }));
      const row = Item && readTransferRow(Item);
      return row && transferOf(row);
    }
    const found: TransferRow[] = [];
    const rows = query(client, {
      TableName: table,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': transferPartition(transferId) },
      ConsistentRead: true,
    });
    for await (const row of transferRows(rows)) found.push(row);
    const [first] = found.sort((a, b) => compare(a.reserved.at, b.reserved.at) || compare(a.from, b.from));
    return first && transferOf(first);
  },

  transfersOf: async (accountId, { limit, before, status }) => {
    const side = (IndexName: string, key: 'from' | 'to') =>
      transferRows(
        query(client, {
          TableName: table,
          IndexName,
          KeyConditionExpression: `#key = :accountId${before === undefined ? '' : ' AND #order < :before'}`,
          ExpressionAttributeNames: { '#key': key, ...(before === undefined ? {} : { '#order': 'order' }) },
          ExpressionAttributeValues: {
            ':accountId': accountId,
            ...(before === undefined ? {} : { ':before': before }),
          },
          ScanIndexForward: false,
          Limit: status ? SIFTED_PAGE : limit + 1,
        }),
      );
    const rows = newestFirst(side('transfersBySource', 'from'), side('transfersByDestination', 'to'));
    const { page, last } = await pageOf(status ? withStatus(rows, status) : rows, limit);
    return { transfers: page.map(transferOf), ...(last ? { next: orderOf(last) } : {}) };
  },

  openTransfers: async function* (olderThan) {
    for (const shard of openShards) {
      const rows = query(client, {
        TableName: table,
        IndexName: 'openTransfers',
        KeyConditionExpression: 'openShard = :shard AND openSince < :olderThan',
        ExpressionAttributeValues: { ':shard': shard, ':olderThan': olderThan },
      });
      for await (const row of transferRows(rows)) {
        yield { ...transferOf(row), correlationId: row.correlationId, actor: row.actor };
      }
    }
  },
});

/** Where the views are kept. */
export interface ViewsTable {
  readonly client: DynamoDBDocumentClient;
  readonly table: string;
}

/**
 * Reads an account's summary, strongly consistent.
 * @returns `undefined` where the views do not know the account.
 */
export const findSummary = async ({ client, table }: ViewsTable, accountId: AccountId) => {
  const { Item } = await client.send(
    new GetCommand({ TableName: table, Key: summaryKey(accountId), ConsistentRead: true }),
  );
  return Item && readSummary(Item);
};

type Item = Record<string, unknown>;

async function* query(client: DynamoDBDocumentClient, input: QueryCommandInput): AsyncGenerator<Item> {
  let cursor: Item | undefined;
  do {
    const page = await client.send(new QueryCommand({ ...input, ...(cursor ? { ExclusiveStartKey: cursor } : {}) }));
    yield* page.Items ?? [];
    cursor = page.LastEvaluatedKey;
  } while (cursor);
}

/** @returns the first `limit` rows, and the last of them where there are more. */
const pageOf = async <T>(rows: AsyncIterable<T>, limit: number): Promise<{ page: T[]; last?: T | undefined }> => {
  const page: T[] = [];
  for await (const row of rows) {
    if (page.length === limit) return { page, last: page.at(-1) };
    page.push(row);
  }
  return { page };
};

async function* transferRows(items: AsyncIterable<Item>): AsyncGenerator<TransferRow> {
  for await (const item of items) {
    const row = readTransferRow(item);
    if (row) yield row;
  }
}

async function* newestFirst(
  left: AsyncGenerator<TransferRow>,
  right: AsyncGenerator<TransferRow>,
): AsyncGenerator<TransferRow> {
  let [a, b] = await Promise.all([left.next(), right.next()]);
  while (!a.done || !b.done) {
    if (!a.done && (b.done || orderOf(a.value) >= orderOf(b.value))) {
      yield a.value;
      a = await left.next();
    } else if (!b.done) {
      yield b.value;
      b = await right.next();
    }
  }
}

async function* withStatus(rows: AsyncIterable<TransferRow>, status: TransferStatus): AsyncGenerator<TransferRow> {
  for await (const row of rows) if (transferOf(row).status === status) yield row;
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
