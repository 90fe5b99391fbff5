import * as z from 'zod/mini';
import { AccountId, type Timestamp, TransferId, Version } from '../../events/values.ts';
import { accountPartition } from './account-rows.ts';
import { type Item, ROW_SCHEMA, readRow } from './row.ts';
import { beginningOf, type TransferChange } from './transfer-row.ts';

/**
 * A pointer from an account to the row of one of its transfers: all that the list of an account's
 * transfers needs, so that a transfer's steps are written once and not once for each list. There is
 * one under the source and one under the destination, and neither ever changes.
 */
const PointerItem = z.object({
  transferId: TransferId,
  from: AccountId,
  /** Of the source's event from which it follows, for whoever compares the views to the streams. */
  version: Version,
});
export type Pointer = z.infer<typeof PointerItem>;

const PREFIX = 'transfer#';

/**
 * The pointers to a transfer's row.
 * @returns one for each of its accounts; none where the change does not say what the transfer is.
 */
export const pointerItems = (change: TransferChange) => {
  const { transferId, from, to } = change;
  const beginning = beginningOf(change);
  if (to === undefined || !beginning) return [];
  return [from, to].map((accountId) => ({
    ...pointerKey(accountId, positionOf({ transferId, from, requestedAt: beginning.at })),
    schema: ROW_SCHEMA,
    transferId,
    from,
    version: beginning.version,
  }));
};

/**
 * The key of a pointer. Pointers sort by their positions, oldest first.
 * @param position a transfer's, or the empty one, which comes before all of them.
 */
export const pointerKey = (accountId: AccountId, position: string) => ({
  pk: accountPartition(accountId),
  sk: `${PREFIX}${position}`,
});

/**
 * A transfer's place in the lists of its accounts. It includes the source, since another source may
 * have chosen the same id in the same millisecond: no two transfers have one position.
 */
const positionOf = ({
  transferId,
  from,
  requestedAt,
}: Omit<Pointer, 'version'> & { readonly requestedAt: Timestamp }): string =>
  `${requestedAt}#${transferId}#${from}`;

/** The position of a pointer's item, whatever else the item says. */
export const positionAt = ({ sk }: Item): string => String(sk).slice(PREFIX.length);

/**
 * The transfer to which a pointer's item points by its key alone, though the item be damaged.
 * @returns `undefined` where the key is no pointer's.
 */
export const pointedAt = (item: Item): Pick<Pointer, 'transferId' | 'from'> | undefined => {
  const [, transferId, from, ...more] = isPointer(item) ? positionAt(item).split('#') : [];
  return more.length > 0 ? undefined : PointedAt.safeParse({ transferId, from }).data;
};

const PointedAt = z.object({ transferId: TransferId, from: AccountId });

/** Whether an item is a pointer, by its key. */
export const isPointer = ({ sk }: Item): boolean => String(sk).startsWith(PREFIX);

/**
 * Reads a pointer's item.
 * @throws {UnreadableRow} where it is none that this code can read.
 */
export const readPointer = (item: Item): Pointer => readRow(PointerItem, item);
