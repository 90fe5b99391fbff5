import type { AccountId } from '../../../events/values.ts';
import type { Transfer } from '../../../functions/ledger/transfer.ts';
import { transferName } from '../../../functions/projections/fold-commits.ts';
import type { ViewWriter } from '../../../functions/projections/view-writer.ts';
import type { AccountRow } from '../../../functions/views/account-rows.ts';
import { pointerItems } from '../../../functions/views/pointer-row.ts';
import { ROW_SCHEMA } from '../../../functions/views/row.ts';
import {
  readTransferRow,
  type TransferChange,
  transferOf,
} from '../../../functions/views/transfer-row.ts';

/** The views in memory, written as the table would be: rows are put, or merged. */
export const createMemoryViews = () => {
  const accounts = new Map<AccountId, AccountRow>();
  const transfers = new Map<string, TransferChange>();
  const pointers = new Set<string>();
  const writer: ViewWriter = {
    write: async (changes) => {
      for (const account of changes.accounts) accounts.set(account.accountId, account);
      for (const change of changes.transfers) {
        await Promise.resolve();
        for (const { pk, sk } of pointerItems(change)) pointers.add(`${pk} ${sk}`);
        const name = transferName(change);
        transfers.set(name, { ...transfers.get(name), ...change });
      }
      return new Map();
    },
  };
  return {
    writer,
    /** All that queries could read. */
    contents: (): ViewContents => ({
      accounts: sorted(accounts.values(), ({ accountId }) => accountId),
      transfers: sorted(
        [...transfers.values()]
          .flatMap((row) => readTransferRow({ schema: ROW_SCHEMA, ...row }) ?? [])
          .map(transferOf),
        ({ transferId, from }) => `${transferId} ${from}`,
      ),
      pointers: [...pointers].sort(),
    }),
  };
};

/** What the views hold, each kind sorted by its key. */
export interface ViewContents {
  readonly accounts: readonly AccountRow[];
  readonly transfers: readonly Transfer[];
  /** The keys of the pointers from accounts to their transfers. */
  readonly pointers: readonly string[];
}

/** Sorts rows by a key, so that two sets of views can be compared. */
export const sorted = <T>(rows: Iterable<T>, key: (row: T) => string): T[] =>
  [...rows].sort((a, b) => (key(a) < key(b) ? -1 : 1));
