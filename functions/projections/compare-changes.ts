import { isDeepStrictEqual } from 'node:util';
import type { AccountId } from '../../events/values.ts';
import { reservationOf } from '../ledger/account.ts';
import { maySucceedLater } from '../runtime/failure.ts';
import type { Look } from '../runtime/look-together.ts';
import { type Ask, askUntil } from '../runtime/patience.ts';
import type { Store } from '../store/store.ts';
import { accountItem } from '../views/account-rows.ts';
import { pointerItems } from '../views/pointer-row.ts';
import { type Item, ROW_SCHEMA, readOrPass, rowSchemaOf } from '../views/row.ts';
import {
  openKeysOf,
  readTransferChange,
  type TransferChange,
  transferItem,
} from '../views/transfer-row.ts';
import type { ViewsTable } from '../views/views-table.ts';
import type { DifferenceKind, Findings, RowKey } from './differences.ts';
import { transferName, type ViewChanges } from './fold-commits.ts';
import type { ViewWriter } from './view-writer.ts';

/** What comparing views to changes takes. */
export interface Comparison {
  readonly table: ViewsTable;
  readonly look: Look;
  readonly store: Pick<Store, 'load'>;
  readonly writer: ViewWriter;
  readonly findings: Findings;
  /** In milliseconds since 1970. */
  readonly deadline: number;
  /** Whether to say only what differs, and to change nothing. */
  readonly isDry: boolean;
}

/**
 * Looks for what commits say in the views, and writes what is not there. What is there already
 * costs a reading, a fraction of a write.
 * @param accounts the accounts that commits open.
 * @param transfers what they say of transfers.
 * @throws {Error} where a row could not be read or written in time.
 */
export const compareChanges = async (
  { table, look, store, writer, findings, deadline, isDry }: Comparison,
  { accounts, transfers }: ViewChanges,
): Promise<void> => {
  const ask: Ask = askUntil(table, deadline);
  const stand = async ({ pk, sk }: RowKey) => ask(() => look({ pk, sk }));
  /** Says how some items differ from what stands there. @returns whether any does. */
  const differ = async (items: readonly (Item & RowKey)[]): Promise<boolean> => {
    const kinds = await Promise.all(
      items.map(async (item) => [item, differenceOf(item, await stand(item))] as const),
    );
    for (const [item, kind] of kinds) if (kind) findings.found(kind, item);
    return kinds.some(([, kind]) => kind !== undefined);
  };
  const differing = async <Change>(
    changes: readonly Change[],
    itemsOf: (change: Change) => readonly (Item & RowKey)[],
  ): Promise<Change[]> => {
    const found = await Promise.all(changes.map(async (change) => differ(itemsOf(change))));
    return changes.filter((_, index) => found[index]);
  };
  const changes = {
    accounts: await differing(accounts, (account) => [accountItem(account)]),
    transfers: await differing(transfers, (change) => [
      ...pointerItems(change),
      transferItem(change),
    ]),
  };
  if (isDry) return;
  const ended = await endedOf(store, changes.transfers);
  const failed = await writer.write({ ...changes, ended }, deadline);
  for (const error of failed.values()) throw error;
};

/**
 * Those of some transfers that are reserved as far as the changes know, and are not any more. Their
 * end comes from a commit that is read later: until then recovery would take them for open ones.
 */
const endedOf = async (
  store: Comparison['store'],
  transfers: readonly TransferChange[],
): Promise<ReadonlySet<string>> => {
  const reserved = transfers.filter((change) => openKeysOf(change).openShard !== undefined);
  const bySource = Map.groupBy(reserved, ({ from }) => from);
  const ended = await Promise.all(
    [...bySource].map(async ([accountId, changes]) => {
      const account = await accountOf(store, accountId);
      return changes.filter(({ transferId }) => account && !reservationOf(account, transferId));
    }),
  );
  return new Set(ended.flat().map(transferName));
};

/** @returns `undefined` where the stream cannot be read: nothing is known of what has ended. */
const accountOf = async (store: Comparison['store'], accountId: AccountId) => {
  try {
    return (await store.load(accountId)).account;
  } catch (error) {
    if (maySucceedLater(error)) throw error;
    return undefined;
  }
};

/** How a row that stands there differs from what an item says. */
const differenceOf = (item: Item, row: Item | undefined): DifferenceKind | undefined => {
  if (!row) return 'missing';
  // What later code has written is its own affair.
  if (rowSchemaOf(row) > ROW_SCHEMA) return undefined;
  // The row may know more than this item, and a later step changes what the index holds of it.
  const isOpenRight = !LIFE_STEPS.some((name) => item[name] !== undefined) || hasRightKeys(row);
  const { openShard: _, openSince: __, ...facts } = item;
  const says = Object.entries(facts).every(
    ([name, value]) => value === undefined || isDeepStrictEqual(row[name], value),
  );
  return says && isOpenRight ? undefined : 'different';
};

/** Whether a transfer's row is in the index as its own steps say. */
const hasRightKeys = (row: Item): boolean => {
  const change = readOrPass(row, readTransferChange, () => {});
  if (!change) return false;
  const { openShard, openSince } = openKeysOf(change);
  return row['openShard'] === openShard && row['openSince'] === openSince;
};

/** The steps with which a transfer comes into the index, moves in it, and leaves it. */
const LIFE_STEPS = ['held', 'captured', 'reserved', 'settled', 'released'];
