import type { AccountId, Caller, Timestamp, TransferId, Version } from '../../events/values.ts';
import type { Entry } from '../ledger/statement.ts';
import type { Transfer, TransferStatus } from '../ledger/transfer.ts';
import { type Ask, askUntil } from '../runtime/patience.ts';
import { entryKey, readEntry, readSummary, summaryKey } from './account-rows.ts';
import { type PassOver, readable, readOrPass } from './row.ts';
import {
  openShards,
  orderOf,
  readTransferRow,
  type TransferRow,
  transferKey,
  transferOf,
  transferPartition,
} from './transfer-row.ts';
import { getItem, queryItems, type ViewsTable } from './views-table.ts';

/** A transfer that has not ended, with what its workflow needs to be started again. */
export type OpenTransfer = Transfer & { readonly correlationId: string; readonly actor: Caller };

/** The times of the reservations that are asked for: before one, or after one. */
export type ReservedAt = { readonly before: Timestamp } | { readonly after: Timestamp };

/**
 * The read models. They follow the streams: what was just accepted may not be in them yet. A row that cannot be read is passed over
 * as if it were not there, and told of; it keeps no other from being shown.
 *
 * Every method throws a `StoreUnavailable` where DynamoDB did not answer in time.
 */
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
  /**
   * The transfers that have not ended, in a few lines one after the other, each oldest first.
   * @param reserved when they were reserved.
   * @param passOver told of rows that cannot be read, beside whoever is told of all.
   */
  openTransfers(reserved: ReservedAt, passOver: PassOver): AsyncIterable<OpenTransfer>;
}

/** How many transfers are read at a time where most of them may be passed over. */
const SIFTED_PAGE = 100;

/** What views are made of. */
export interface ViewsDependencies extends ViewsTable {
  /** How long a call asks for an answer, in milliseconds; of {@link Views.openTransfers}, for one page's. */
  readonly budget: number;
  /** Told of every row that cannot be read. */
  readonly passOver: PassOver;
}

/**
 * Reads the views table.
 * @param dependencies the table, how long to wait for it, and who is told of rows that cannot be read.
 */
export const createViews = (dependencies: ViewsDependencies): Views => {
  const { passOver } = dependencies;
  const ask = (): Ask => askUntil(dependencies, dependencies.clock() + dependencies.budget);
  const summaryVersion = async (accountId: AccountId, asking: Ask): Promise<number> => {
    const item = await getItem(dependencies, asking, summaryKey(accountId));
    return (item && readOrPass(item, readSummary, passOver)?.version) ?? 0;
  };
  return {
    summaryVersion: (accountId) => summaryVersion(accountId, ask()),

    entries: async (accountId, { limit, before = Number.MAX_SAFE_INTEGER }) => {
      const asking = ask();
      const asOfVersion = await summaryVersion(accountId, asking);
      // Entries are written before the summary. Those beyond its version are not shown: others may still be missing
      // between. Those up to it are there, so they are read consistently: a replica that lags would leave a hole.
      const items = queryItems(dependencies, asking, {
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
      const { page, last } = await pageOf(readable(items, readEntry, passOver), limit);
      return { entries: page, ...(last ? { next: last.version } : {}), asOfVersion };
    },

    transfer: async (transferId, from) => {
      if (from !== undefined) {
        const item = await getItem(dependencies, ask(), transferKey(transferId, from));
        const row = item && readOrPass(item, readTransferRow, passOver);
        return row && transferOf(row);
      }
      const found: TransferRow[] = [];
      const items = queryItems(dependencies, ask(), {
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': transferPartition(transferId) },
        ConsistentRead: true,
      });
      for await (const row of readable(items, readTransferRow, passOver)) found.push(row);
      const [first] = found.sort((a, b) => compare(a.reserved.at, b.reserved.at) || compare(a.from, b.from));
      return first && transferOf(first);
    },

    transfersOf: async (accountId, { limit, before, status }) => {
      const asking = ask();
      const side = (IndexName: string, key: 'from' | 'to') =>
        readable(
          queryItems(dependencies, asking, {
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
          readTransferRow,
          passOver,
        );
      const rows = newestFirst(side('transfersBySource', 'from'), side('transfersByDestination', 'to'));
      const { page, last } = await pageOf(status ? withStatus(rows, status) : rows, limit);
      return { transfers: page.map(transferOf), ...(last ? { next: orderOf(last) } : {}) };
    },

    openTransfers: async function* (reserved, alsoTell) {
      const [comparison, time] = 'before' in reserved ? ['<', reserved.before] : ['>', reserved.after];
      const tellBoth: PassOver = (row) => {
        passOver(row);
        alsoTell(row);
      };
      for (const shard of openShards) {
        // A caller that goes through many of them has the time anew for each page.
        const items = queryItems(dependencies, (request) => ask()(request), {
          IndexName: 'openTransfers',
          KeyConditionExpression: `openShard = :shard AND openSince ${comparison} :time`,
          ExpressionAttributeValues: { ':shard': shard, ':time': time },
        });
        for await (const row of readable(items, readTransferRow, tellBoth)) {
          yield { ...transferOf(row), correlationId: row.correlationId, actor: row.actor };
        }
      }
    },
  };
};

/** @returns the first `limit` rows, and the last of them where there are more. */
const pageOf = async <T>(rows: AsyncIterable<T>, limit: number): Promise<{ page: T[]; last?: T | undefined }> => {
  const page: T[] = [];
  for await (const row of rows) {
    if (page.length === limit) return { page, last: page.at(-1) };
    page.push(row);
  }
  return { page };
};

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
