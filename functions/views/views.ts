import {
  type AccountId,
  type Caller,
  type Timestamp,
  type TransferId,
  Version,
} from '../../events/values.ts';
import type { Entry } from '../ledger/statement.ts';
import type { Transfer, TransferStatus } from '../ledger/transfer.ts';
import { lookTogether } from '../runtime/look-together.ts';
import { type Ask, askUntil } from '../runtime/patience.ts';
import { entryKey, readEntry, readSummary, summaryKey, versionAt } from './account-rows.ts';
import { type Item, type PassOver, readable, readOrPass } from './row.ts';
import {
  openShards,
  placeAt,
  placeOf,
  positionOf,
  readTransferRow,
  type TransferRow,
  transferKey,
  transferOf,
  transferPartition,
} from './transfer-row.ts';
import { getItem, queryItems, type ViewsTable } from './views-table.ts';

/** A transfer that has not ended, with what its workflow needs to be started again. */
export type OpenTransfer = Transfer & { readonly correlationId: string; readonly actor: Caller };

/** Selects reservations by their time: before one, or after one. */
export type ReservedAt = { readonly before: Timestamp } | { readonly after: Timestamp };

/**
 * The read models. They follow the streams: they may not show yet what was just accepted. A row
 * that cannot be read is passed over as if it were not there, and reported; it does not hide the
 * others.
 *
 * Every method throws a `StoreUnavailable` where DynamoDB did not answer in time.
 */
export interface Views {
  /** The version that an account's views are at; 0: they do not know the account. */
  summaryVersion(accountId: AccountId): Promise<number>;
  /**
   * A page of an account's statement, newest first.
   * @param page at most `limit` entries, of versions under `before`.
   * @returns the entries up to the version `asOfVersion` that the account's views are at (0:
   *   unknown to them), and `next`, the `before` of the page that follows, where there is one.
   */
  entries(
    accountId: AccountId,
    page: { readonly limit: number; readonly before?: Version | undefined },
  ): Promise<{ entries: Entry[]; next?: Version | undefined; asOfVersion: number }>;
  /**
   * A transfer by its id.
   * @param from its source, where that is known: then the call reads one item, and finds no other
   *   source's transfer by that id. Without it, of two sources' transfers with the same id, the
   *   call finds the one requested first.
   * @returns `undefined` where the views do not know it, or not yet.
   */
  transfer(transferId: TransferId, from?: AccountId): Promise<Transfer | undefined>;
  /**
   * A page of an account's transfers, outgoing and incoming, newest first.
   * @param page at most `limit` transfers of one `status`, or any, that come after the position
   *   `before`. The call looks for a rare status in some hundreds of rows: the page may hold fewer
   *   than `limit`, or none, and still be followed by another.
   * @returns the transfers, and `next`, the `before` of the page that follows, where there may be
   *   one.
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
   * The transfers that have not ended, partition by partition of the index, each oldest first.
   * @param reserved when they were reserved.
   * @param passOver told of rows that cannot be read, besides the views' own `passOver`.
   */
  openTransfers(reserved: ReservedAt, passOver: PassOver): AsyncIterable<OpenTransfer>;
}

/** How many transfers of a side a query reads at a time where most of them may be passed over. */
const SIFTED_PAGE = 100;

/**
 * How many more rows than a page a query reads of a side: the last one of the page before, the one
 * that shows that there is more, and the one after it.
 */
const READ_AHEAD = 3;

/**
 * How many rows a page looks at: with those that it reads ahead, it reads twice as many at the
 * most.
 */
const MOST_ROWS_A_PAGE = 200;

/** What views are made of. */
export interface ViewsDependencies extends ViewsTable {
  /**
   * How long a call tries to get an answer, in milliseconds; {@link Views.openTransfers}, for each
   * page.
   */
  readonly budget: number;
  /** Told of every row that cannot be read. */
  readonly passOver: PassOver;
}

/**
 * Reads the views table.
 * @param dependencies the table, how long to wait for it, and what hears of rows that cannot be
 *   read.
 */
export const createViews = (dependencies: ViewsDependencies): Views => {
  const { passOver } = dependencies;
  const look = lookTogether(dependencies);
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
      // The projection writes entries before the summary. Entries beyond its version are not shown:
      // others between may still be missing. Those up to it are there, so the read is consistent: a
      // replica that lags would leave a hole.
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
      const entries: Entry[] = [];
      let last: number | undefined;
      let looked = 0;
      for await (const item of items) {
        if (looked === MOST_ROWS_A_PAGE) return { entries, next: Version.parse(last), asOfVersion };
        const entry = readOrPass(item, readEntry, passOver);
        if (entry && entries.length === limit)
          return { entries, next: Version.parse(last), asOfVersion };
        if (entry) entries.push(entry);
        last = versionAt(item);
        looked += 1;
      }
      return { entries, asOfVersion };
    },

    transfer: async (transferId, from) => {
      if (from !== undefined) {
        const item = await ask()(() => look(transferKey(transferId, from)));
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
      const [first] = found.sort(
        (a, b) => compare(a.reserved.at, b.reserved.at) || compare(a.from, b.from),
      );
      return first && transferOf(first);
    },

    transfersOf: async (accountId, { limit, before, status }) => {
      const asking = ask();
      // Other transfers may be at the same place of the index as the last one of the page before.
      const notAfter = before && placeAt(before);
      const side = (IndexName: string, key: 'from' | 'to') =>
        queryItems(dependencies, asking, {
          IndexName,
          KeyConditionExpression: `#key = :accountId${notAfter === undefined ? '' : ' AND #order <= :notAfter'}`,
          ExpressionAttributeNames: {
            '#key': key,
            ...(notAfter === undefined ? {} : { '#order': 'order' }),
          },
          ExpressionAttributeValues: {
            ':accountId': accountId,
            ...(notAfter === undefined ? {} : { ':notAfter': notAfter }),
          },
          ScanIndexForward: false,
          Limit: status ? SIFTED_PAGE : limit + READ_AHEAD,
        });
      const transfers: Transfer[] = [];
      let last: string | undefined;
      let looked = 0;
      for await (const item of newestFirst(
        side('transfersBySource', 'from'),
        side('transfersByDestination', 'to'),
      )) {
        const position = positionOf(item);
        if (before !== undefined && position >= before) continue;
        if (looked === MOST_ROWS_A_PAGE) return { transfers, next: last };
        const row = readOrPass(item, readTransferRow, passOver);
        const transfer = row && transferOf(row);
        if (transfer && (status === undefined || transfer.status === status)) {
          if (transfers.length === limit) return { transfers, next: last };
          transfers.push(transfer);
        }
        last = position;
        looked += 1;
      }
      return { transfers };
    },

    openTransfers: async function* (reserved, alsoTell) {
      const [comparison, time] =
        'before' in reserved ? ['<', reserved.before] : ['>', reserved.after];
      const tellBoth: PassOver = (row) => {
        passOver(row);
        alsoTell(row);
      };
      const failures: unknown[] = [];
      for (const shard of openShards) {
        // A caller that goes through many pages has the budget anew for each of them.
        const items = queryItems(dependencies, (request) => ask()(request), {
          IndexName: 'openTransfers',
          KeyConditionExpression: `openShard = :shard AND openSince ${comparison} :time`,
          ExpressionAttributeValues: { ':shard': shard, ':time': time },
        });
        try {
          for await (const row of readable(items, readTransferRow, tellBoth)) {
            yield { ...transferOf(row), correlationId: row.correlationId, actor: row.actor };
          }
        } catch (error) {
          // A partition that is throttled does not keep the others from being read.
          failures.push(error);
        }
      }
      if (failures.length > 0) throw failures[0];
    },
  };
};

/**
 * Merges two sides of the same list by their positions. Each side has its index's order, in which
 * items at the same place come in no reliable order, so they are sorted by their positions.
 */
async function* newestFirst(
  left: AsyncGenerator<Item>,
  right: AsyncGenerator<Item>,
): AsyncGenerator<Item> {
  let [a, b] = await Promise.all([left.next(), right.next()]);
  let together: Item[] = [];
  while (!a.done || !b.done) {
    const isLeft = !a.done && (b.done || placeOf(a.value) >= placeOf(b.value));
    const item: Item = isLeft ? a.value : b.value;
    if (together[0] && placeOf(together[0]) !== placeOf(item)) {
      yield* sorted(together);
      together = [];
    }
    together.push(item);
    if (isLeft) a = await left.next();
    else b = await right.next();
  }
  yield* sorted(together);
}

const sorted = (items: readonly Item[]): readonly Item[] =>
  items.length < 2 ? items : items.toSorted((x, y) => compare(positionOf(y), positionOf(x)));

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
