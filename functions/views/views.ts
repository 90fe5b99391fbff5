import { AccountId, type Caller, Timestamp, type TransferId } from '../../events/values.ts';
import type { Reversal, Transfer, TransferStatus } from '../ledger/transfer.ts';
import { lookTogether } from '../runtime/look-together.ts';
import { type Ask, askUntil } from '../runtime/patience.ts';
import { ownerPlaceOf, ownerShards } from './account-rows.ts';
import { isReversalPointer, pointerKey, positionAt, readPointer } from './pointer-row.ts';
import { type Item, type PassOver, readOrPass, UnreadableRow } from './row.ts';
import {
  openShards,
  readTransferRow,
  reservationStepOf,
  type TransferRow,
  transferKey,
  transferOf,
  transferPartition,
} from './transfer-row.ts';
import { queryPages, type ViewsTable } from './views-table.ts';

/**
 * A transfer that is to be carried out and has not ended, with what its workflow needs to be started
 * again. `reservedAt`: of a hold, when it was captured.
 */
export type OpenTransfer = Transfer & {
  readonly correlationId: string;
  readonly actor: Caller;
  readonly reservedAt: Timestamp;
};

/** A transfer that is held, and whose time is over. */
export interface DueHold {
  readonly transferId: TransferId;
  readonly from: AccountId;
  readonly expiresAt: Timestamp;
  readonly correlationId: string;
  readonly actor: Caller;
}

/** An account in the list of its owner. */
interface OwnedAccount {
  readonly accountId: AccountId;
  readonly openedAt: Timestamp;
}

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
   * @param from its source, where that is known: then the call reads one item, does not say which
   *   transfers take it back, and finds no other source's transfer by that id. Without it, of two
   *   sources' transfers with the same id, the call finds the one requested first, with the first
   *   100 of its reversals.
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
   * @param page at most `limit` transfers of one `status` and one `reference`, or any, that come
   *   after the position `before`. The call looks for rare ones in some hundreds of rows: the page
   *   may hold fewer than `limit`, or none, and still be followed by another. None of them says
   *   which transfers take it back.
   * @returns the transfers, and `next`, the `before` of the page that follows, where there may be
   *   one.
   */
  transfersOf(
    accountId: AccountId,
    page: {
      readonly limit: number;
      readonly before?: string | undefined;
      readonly status?: TransferStatus | undefined;
      readonly reference?: string | undefined;
    },
  ): Promise<{ transfers: Transfer[]; next?: string | undefined }>;
  /**
   * A page of an owner's accounts, newest first. It reads no rows: what the accounts are now is to
   * be read from their streams.
   * @param page at most `limit` accounts that come after the account `before`.
   * @returns the accounts, and `next`, the `before` of the page that follows, where there is one.
   */
  accountsOf(
    owner: Caller,
    page: { readonly limit: number; readonly before?: OwnedAccount | undefined },
  ): Promise<{ accounts: OwnedAccount[]; next?: OwnedAccount | undefined }>;
  /**
   * The holds of one partition of the index whose time is over, those first that have been longest.
   * @param shard one of `holdShards` of the transfer's row.
   * @param before when they expired.
   * @param passOver told of rows that cannot be read, besides the views' own `passOver`.
   */
  dueHolds(shard: string, before: Timestamp, passOver: PassOver): AsyncIterable<DueHold>;
  /**
   * The transfers that are to be carried out and have not ended, partition by partition of the
   * index, each oldest first. Those that are held are none of them.
   * @param reserved when they were reserved, or captured.
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

/** How many reversals a transfer shows. */
const MOST_REVERSALS = 100;

/** How many transfers of one id, which is nearly always one, and pointers a query reads at a time. */
const TRANSFER_PAGE = MOST_REVERSALS + READ_AHEAD;

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
  /** What takes a transfer back: some of the pointers beside its row, and what they lead to. */
  const reversalsOf = async (
    asking: Ask,
    pointers: readonly Item[],
    { from, to }: TransferRow,
    tell: PassOver,
  ): Promise<Pick<Transfer, 'reversals' | 'moreReversals'>> => {
    const shown = pointers.slice(0, MOST_REVERSALS);
    const keys = shown.flatMap((item) => {
      const pointer = readOrPass(item, readPointer, tell);
      return pointer ? [transferKey(pointer.transferId, pointer.from)] : [];
    });
    const rows = await rowsOf(asking, keys, tell);
    const reversals = rows.flatMap((row): Reversal[] => {
      // Another source's transfer by the same id may have been taken back too.
      if (row?.from !== to || row.to !== from) return [];
      const { transferId, amount, status } = transferOf(row);
      return [{ transferId, amount, status }];
    });
    return {
      ...(reversals.length > 0 ? { reversals } : {}),
      ...(pointers.length > MOST_REVERSALS ? { moreReversals: true } : {}),
    };
  };
  /** The rows of the transfers that a query of the index `openTransfers` finds, a page at a time. */
  async function* indexed(
    condition: string,
    values: { readonly ':shard': string; readonly ':time': string },
    tell: PassOver,
  ): AsyncGenerator<TransferRow> {
    // A caller that goes through many pages has the budget anew for each request.
    const asking: Ask = (request) => ask()(request);
    const pages = queryPages(dependencies, asking, {
      IndexName: 'openTransfers',
      KeyConditionExpression: `openShard = :shard AND ${condition}`,
      ExpressionAttributeValues: values,
      Limit: OPEN_PAGE,
    });
    for await (const keys of pages) {
      const found = await rowsOf(
        asking,
        keys.map(({ pk, sk }) => ({ pk, sk })),
        tell,
      );
      // The index follows the table: the transfer may have ended since.
      for (const row of found) if (row && !row.settled && !row.released) yield row;
    }
  }
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
      const asking = ask();
      const found: TransferRow[] = [];
      const pointers: Item[] = [];
      const pages = queryPages(dependencies, asking, {
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': transferPartition(transferId) },
        ConsistentRead: true,
        Limit: TRANSFER_PAGE,
      });
      // The rows come first, and then the pointers.
      for await (const items of pages) {
        for (const item of items) {
          if (isReversalPointer(item)) pointers.push(item);
          else found.push(...[readOrPass(item, readTransferRow, tell) ?? []].flat());
        }
        if (pointers.length > MOST_REVERSALS) break;
      }
      const [first] = found.sort(
        (a, b) => compare(a.requestedAt, b.requestedAt) || compare(a.from, b.from),
      );
      if (!first) return undefined;
      return { ...transferOf(first), ...(await reversalsOf(asking, pointers, first, tell)) };
    },

    transfersOf: async (accountId, { limit, before, status, reference }) => {
      const isSifted = status !== undefined || reference !== undefined;
      const isAskedFor = (transfer: Transfer) =>
        (status === undefined || transfer.status === status) &&
        (reference === undefined || transfer.reference === reference);
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
        Limit: isSifted ? SIFTED_PAGE : limit + READ_AHEAD,
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
          if (transfer && isAskedFor(transfer)) {
            if (transfers.length === limit) return { transfers, next: last };
            transfers.push(transfer);
          }
          last = position;
          looked += 1;
        }
      }
      return { transfers };
    },

    accountsOf: async (owner, { limit, before }) => {
      const asking = ask();
      // The newest of each partition: the newest of them all are among these.
      const newest = await Promise.all(
        ownerShards(owner).map(async (shard) => {
          const pages = queryPages(dependencies, asking, {
            IndexName: 'accountsByOwner',
            KeyConditionExpression: 'ownerShard = :shard AND ownerPlace < :before',
            ExpressionAttributeValues: {
              ':shard': shard,
              ':before': before ? ownerPlaceOf(before) : LAST_POSITION,
            },
            ScanIndexForward: false,
            Limit: limit + 1,
          });
          const found: Item[] = [];
          for await (const items of pages) {
            found.push(...items);
            if (found.length > limit) break;
          }
          return found;
        }),
      );
      const found = newest
        .flat()
        .flatMap((item) => readOrPass(item, readOwnedAccount, passOver) ?? [])
        .sort((a, b) => compare(ownerPlaceOf(b), ownerPlaceOf(a)));
      const accounts = found.slice(0, limit);
      const last = found.length > limit ? accounts.at(-1) : undefined;
      return { accounts, ...(last ? { next: last } : {}) };
    },

    dueHolds: async function* (shard, before, alsoTell) {
      const due = { ':shard': shard, ':time': before };
      for await (const row of indexed('openSince <= :time', due, telling(alsoTell))) {
        const { transferId, from, held, captured, expiresAt, correlationId, actor } = row;
        if (held && !captured && expiresAt !== undefined)
          yield { transferId, from, expiresAt, correlationId, actor };
      }
    },

    openTransfers: async function* (reserved, alsoTell) {
      const [comparison, time] =
        'before' in reserved ? ['<', reserved.before] : ['>', reserved.after];
      const failures: unknown[] = [];
      for (const shard of openShards) {
        const asked = { ':shard': shard, ':time': time };
        try {
          for await (const row of indexed(
            `openSince ${comparison} :time`,
            asked,
            telling(alsoTell),
          )) {
            const reservedAt = reservationStepOf(row)?.at;
            if (reservedAt === undefined) continue;
            const { correlationId, actor } = row;
            yield { ...transferOf(row), correlationId, actor, reservedAt };
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

/** An account by its keys of the index `accountsByOwner` alone. */
const readOwnedAccount = (item: Item): OwnedAccount => {
  const [openedAt, accountId, ...more] = String(item['ownerPlace']).split('#');
  const account = { accountId: AccountId.safeParse(accountId), at: Timestamp.safeParse(openedAt) };
  if (!account.accountId.success || !account.at.success || more.length > 0)
    throw new UnreadableRow(item, "its place in the list of its owner's accounts is none");
  return { accountId: account.accountId.data, openedAt: account.at.data };
};

/** Comes after every position. */
const LAST_POSITION = '~';

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
