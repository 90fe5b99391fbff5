import * as z from 'zod/mini';
import type { AccountId } from '../../events/values.ts';
import { AccountView } from '../ledger/account.ts';
import { Entry } from '../ledger/statement.ts';
import { type Item, ROW_SCHEMA, readRow } from './row.ts';

/** The key of an account's summary: the account at the version that its views are at. */
export const summaryKey = (accountId: AccountId) => ({ pk: partition(accountId), sk: 'summary' });

/**
 * The key of a statement entry. Entries sort by version, so the number is padded to the digits of
 * 2^53−1.
 * @param version of the event the entry comes from; 0 sorts before every entry.
 */
export const entryKey = (accountId: AccountId, version: number) => ({
  pk: partition(accountId),
  sk: `entry#${String(version).padStart(16, '0')}`,
});

/** The version of an entry's item, whatever else the item says. */
export const versionAt = ({ sk }: Item): number => Number(String(sk).slice('entry#'.length));

/**
 * The summary as an item. `owner` and `openedAt` are also the keys of the index `accountsByOwner`.
 */
export const summaryItem = (summary: AccountView) => ({
  ...summaryKey(summary.accountId),
  schema: ROW_SCHEMA,
  ...summary,
});

/** An entry as an item. */
export const entryItem = (entry: Entry) => ({
  ...entryKey(entry.accountId, entry.version),
  schema: ROW_SCHEMA,
  ...entry,
});

/**
 * Reads a summary's item.
 * @throws {UnreadableRow} where it is none that this code can read.
 */
export const readSummary = (item: Item): AccountView => readRow(SummaryItem, item);

/**
 * Reads an entry's item.
 * @throws {UnreadableRow} where it is none that this code can read.
 */
export const readEntry = (item: Item): Entry => readRow(EntryItem, item);

const partition = (accountId: AccountId) => `account#${accountId}`;

// What the API answers is strict; what the table holds is not.
const SummaryItem = z.object(AccountView.shape);
const EntryItem = z.object(Entry.shape);
