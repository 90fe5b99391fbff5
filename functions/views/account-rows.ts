import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import { AccountId, Caller, Timestamp } from '../../events/values.ts';
import { type Item, ROW_SCHEMA, readRow } from './row.ts';

/**
 * An account's row, written once, when the account is opened. What changes of an account is read
 * from its stream.
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

/** How many partitions of the index `accountsByOwner` an owner's accounts are spread over. */
const OWNER_SHARDS = 8;

/** The partitions of the index `accountsByOwner` that hold an owner's accounts. */
export const ownerShards = (owner: Caller): readonly string[] =>
  Array.from({ length: OWNER_SHARDS }, (_, shard) => ownerShard(owner, shard));

// The number comes first: an owner's name may have any character.
const ownerShard = (owner: Caller, shard: number): string => `${shard}#${owner}`;

/** An account's row as an item, with its keys of the index `accountsByOwner`. */
export const accountItem = (account: AccountRow) => {
  const { accountId, owner } = account;
  const shard = createHash('sha256').update(accountId).digest().readUInt32BE() % OWNER_SHARDS;
  return {
    ...accountKey(accountId),
    schema: ROW_SCHEMA,
    ...account,
    ownerShard: ownerShard(owner, shard),
    ownerPlace: ownerPlaceOf(account),
  };
};

/**
 * An account's place among its owner's, oldest first. Of those that were opened in one millisecond,
 * too, each has its own.
 */
export const ownerPlaceOf = ({
  openedAt,
  accountId,
}: Pick<AccountRow, 'openedAt' | 'accountId'>): string => `${openedAt}#${accountId}`;

/**
 * Reads an account's item.
 * @throws {UnreadableRow} where it is none that this code can read.
 */
export const readAccountRow = (item: Item): AccountRow => readRow(AccountItem, item);
