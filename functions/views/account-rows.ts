import * as z from 'zod/mini';
import { AccountId, Caller, Timestamp } from '../../events/values.ts';
import { type Item, ROW_SCHEMA, readRow } from './row.ts';

/**
 * An account's row, written once, when the account is opened. `owner` and `openedAt` are also the
 * keys of the index `accountsByOwner`. What changes of an account is read from its stream.
 */
const AccountItem = z.object({ accountId: AccountId, owner: Caller, openedAt: Timestamp });
export type AccountRow = z.infer<typeof AccountItem>;

/** The key of an account's row. */
export const accountKey = (accountId: AccountId) => ({
  pk: accountPartition(accountId),
  sk: 'account',
});

/** The partition of all that stands under an account: its row, and its transfers' pointers. */
export const accountPartition = (accountId: AccountId) => `account#${accountId}`;

/** An account's row as an item. */
export const accountItem = (account: AccountRow) => ({
  ...accountKey(account.accountId),
  schema: ROW_SCHEMA,
  ...account,
});

/**
 * Reads an account's item.
 * @throws {UnreadableRow} where it is none that this code can read.
 */
export const readAccountRow = (item: Item): AccountRow => readRow(AccountItem, item);
