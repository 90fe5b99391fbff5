import { type AccountId, MinorUnits } from '../../../events/values.ts';
import type { AccountView } from '../../../functions/ledger/account.ts';
import type { Entry } from '../../../functions/ledger/statement.ts';
import type { Transfer } from '../../../functions/ledger/transfer.ts';
import type { ViewWriter } from '../../../functions/projections/view-writer.ts';
import {
  readTransferRow,
  type TransferChange,
  transferOf,
} from '../../../functions/views/transfer-row.ts';

/**
 * The views in memory, written as the table would be: rows are replaced or merged, and only the
 * summary has a condition.
 */
export const createMemoryViews = () => {
  const summaries = new Map<AccountId, AccountView>();
  const entries = new Map<string, Entry>();
  const transfers = new Map<string, TransferChange>();
  const known = new Map<AccountId, AccountView>();
  const writeRows: ViewWriter['writeRows'] = async (all) => {
    for (const { entries: added, transfers: changed } of all) {
      for (const entry of added) entries.set(entry.entryId, entry);
      for (const change of changed) {
        await Promise.resolve();
        const key = `${change.transferId} ${change.from}`;
        transfers.set(key, { ...transfers.get(key), ...change });
      }
    }
  };
  const writer: ViewWriter = {
    known: (accountId) => known.get(accountId),
    summary: async (accountId) => summaries.get(accountId),
    writeRows,
    write: async (all, deadline) => {
      for (const { summary } of all) known.delete(summary.accountId);
      await writeRows(all, deadline);
      const moved = new Set<AccountId>();
      for (const { summary, follows } of all) {
        if ((summaries.get(summary.accountId)?.version ?? 0) !== follows) continue;
        summaries.set(summary.accountId, summary);
        known.set(summary.accountId, summary);
        moved.add(summary.accountId);
      }
      return moved;
    },
    standing: async (accountId) => summaries.get(accountId)?.version ?? 0,
    replaceSummary: async (summary, standing) => {
      if ((summaries.get(summary.accountId)?.version ?? 0) !== standing) return false;
      summaries.set(summary.accountId, summary);
      return true;
    },
  };
  return {
    writer,
    /** Throws everything away, as before a rebuild. */
    clear: () => {
      for (const rows of [summaries, entries, transfers]) rows.clear();
    },
    /** Loses all entries and transfers, and a cent of every summary, whose version stays. */
    spoil: () => {
      for (const rows of [entries, transfers]) rows.clear();
      for (const [id, summary] of summaries) {
        summaries.set(id, { ...summary, balance: MinorUnits.parse(summary.balance - 1) });
      }
    },
    /** All that queries could read. */
    contents: (): ViewContents => ({
      summaries: sorted(summaries.values(), ({ accountId }) => accountId),
      entries: sorted(entries.values(), ({ entryId }) => entryId),
      transfers: sorted(
        [...transfers.values()].flatMap((row) => readTransferRow(row) ?? []).map(transferOf),
        ({ transferId, from }) => `${transferId} ${from}`,
      ),
    }),
  };
};

/** What the views hold, each kind sorted by its key. */
export interface ViewContents {
  readonly summaries: readonly AccountView[];
  readonly entries: readonly Entry[];
  readonly transfers: readonly Transfer[];
}

/** Sorts rows by a key, so that two sets of views can be compared. */
export const sorted = <T>(rows: Iterable<T>, key: (row: T) => string): T[] =>
  [...rows].sort((a, b) => (key(a) < key(b) ? -1 : 1));
