import type { AccountId, Caller, Timestamp, TransferId } from '../../events/values.ts';
import type { Transfer, TransferStatus } from '../ledger/transfer.ts';
import { lookTogether } from '../runtime/look-together.ts';
import { type Ask, askUntil } from '../runtime/patience.ts';
import { pointerKey, positionAt, readPointer } from './pointer-row.ts';
import { type Item, type PassOver, readOrPass } from './row.ts';
import {
  openShards,
  readTransferRow,
  type TransferRow,
  transferKey,
  transferOf,
  transferPartition,
} from './transfer-row.ts';
import { queryPages, type ViewsTable } from './views-table.ts';

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
  /**
   * A transfer by its id.
   * @param from its source, where that is known: then the call reads one item, and finds no other
   *   source's transfer by that id. Without it, of two sources' transfers with the same id, the
   *   call finds the one requested first.
   * @param passOver told of a row that cannot be read, besides the views' own `passOver`: nothing
   *   may be concluded then from `undefined`.
   * @returns `undefined` where the views do not know it, or not yet.
   */
  transfer(
    transferId: TransferId,
    from?: AccountId,
    passOver?: PassOver,
  ): Promise<Transfer | undefined>;
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

/** How many pointers a query reads at a time where most of the transfers may be passed over. */
const SIFTED_PAGE = 100;

/**
 * How many more pointers than a page a query reads: the last one of the page before, and the one
 * that shows that there is more.
 */
const READ_AHEAD = 2;

/** How many transfers a page looks at. */
const MOST_ROWS_A_PAGE = 200;

/** The most open transfers whose rows are read at once. */
const OPEN_PAGE = 100;

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
  /** The rows of some transfers, read together; `undefined` where one is not there, or not yet. */
  const rowsOf = async (asking: Ask, keys: readonly Item[], tell: PassOver) => {
    const items = await Promise.all(keys.map((key) => asking(() => look(key))));
    return items.map((item) => item && readOrPass(item, readTransferRow, tell));
  };
  const telling =
    (alsoTell: PassOver): PassOver =>
    (row) => {
      passOver(row);
      alsoTell(row);
    };
  return {
    transfer: async (transferId, from, alsoTell = () => {}) => {
      const tell = telling(alsoTell);
      if (from !== undefined) {
        const [row] = await rowsOf(ask(), [transferKey(transferId, from)], tell);
        return row && transferOf(row);
      }
      const found: TransferRow[] = [];
      const pages = queryPages(dependencies, ask(), {
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': transferPartition(transferId) },
        ConsistentRead: true,
      });
      for await (const items of pages)
        found.push(...items.flatMap((item) => readOrPass(item, readTransferRow, tell) ?? []));
      const [first] = found.sort(
        (a, b) => compare(a.requestedAt, b.requestedAt) || compare(a.from, b.from),
      );
      return first && transferOf(first);
    },

    transfersOf: async (accountId, { limit, before, status }) => {
      const asking = ask();
      const newest = pointerKey(accountId, before ?? LAST_POSITION);
      const pages = queryPages(dependencies, asking, {
        KeyConditionExpression: 'pk = :pk AND sk BETWEEN :oldest AND :newest',
        ExpressionAttributeValues: {
          ':pk': newest.pk,
          ':oldest': pointerKey(accountId, '').sk,
          ':newest': newest.sk,
        },
        ConsistentRead: true,
        ScanIndexForward: false,
        Limit: status ? SIFTED_PAGE : limit + READ_AHEAD,
      });
      const transfers: Transfer[] = [];
      let last: string | undefined;
      let looked = 0;
      for await (const items of pages) {
        const pointers = items
          .filter((item) => positionAt(item) !== before)
          .map((item) => ({
            position: positionAt(item),
            pointer: readOrPass(item, readPointer, passOver),
          }));
        const keys = pointers.flatMap(({ pointer }) =>
          pointer ? [transferKey(pointer.transferId, pointer.from)] : [],
        );
        const rows = (await rowsOf(asking, keys, passOver)).values();
        for (const { position, pointer } of pointers) {
          if (looked === MOST_ROWS_A_PAGE) return { transfers, next: last };
          // A pointer is written before its row: until that is there, the transfer is not shown.
          const row = pointer && rows.next().value;
          const transfer = row && transferOf(row);
          if (transfer && (status === undefined || transfer.status === status)) {
            if (transfers.length === limit) return { transfers, next: last };
            transfers.push(transfer);
          }
          last = position;
          looked += 1;
        }
      }
      return { transfers };
    },

    openTransfers: async function* (reserved, alsoTell) {
      const [comparison, time] =
        'before' in reserved ? ['<', reserved.before] : ['>', reserved.after];
      const tellBoth = telling(alsoTell);
      const failures: unknown[] = [];
      for (const shard of openShards) {
        // A caller that goes through many pages has the budget anew for each request.
        const asking: Ask = (request) => ask()(request);
        const pages = queryPages(dependencies, asking, {
          IndexName: 'openTransfers',
          KeyConditionExpression: `openShard = :shard AND openSince ${comparison} :time`,
          ExpressionAttributeValues: { ':shard': shard, ':time': time },
          Limit: OPEN_PAGE,
        });
        try {
          for await (const keys of pages) {
            const found = await rowsOf(
              asking,
              keys.map(({ pk, sk }) => ({ pk, sk })),
              tellBoth,
            );
            for (const row of found) {
              // The index follows the table: the transfer may have ended since.
              if (!row || row.settled || row.released) continue;
              yield { ...transferOf(row), correlationId: row.correlationId, actor: row.actor };
            }
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

/** Comes after every position. */
const LAST_POSITION = '~';

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
