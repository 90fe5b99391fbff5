import * as z from 'zod/mini';
import { AccountId, type Timestamp, TransferId, Version } from '../../events/values.ts';
import { accountPartition } from './account-rows.ts';
import { type Item, ROW_SCHEMA, readRow } from './row.ts';
import { beginningOf, type TransferChange, transferPartition } from './transfer-row.ts';

/**
 * A pointer to the row of a transfer: all that a list of transfers needs, so that a transfer's
 * steps are written once and not once for each list. There is one under the source and one under
 * the destination, and, of a transfer that takes another back, one beside that one's row. None of
 * them ever changes.
 */
const PointerItem = z.object({
  transferId: TransferId,
  from: AccountId,
  /** Of the source's event from which it follows, for whoever compares the views to the streams. */
  version: Version,
});
export type Pointer = z.infer<typeof PointerItem>;

const PREFIX = 'transfer#';
const REVERSAL_PREFIX = 'reversal#';

/**
 * The pointers to a transfer's row.
 * @returns one for each of its accounts, and one for the transfer that it reverses; none where the
 *   change does not say what the transfer is.
 */
export const pointerItems = (change: TransferChange) => {
  const { transferId, from, to, reverses } = change;
  const beginning = beginningOf(change);
  if (to === undefined || !beginning) return [];
  const position = positionOf({ transferId, from, requestedAt: beginning.at });
  const keys = [from, to].map((accountId) => pointerKey(accountId, position));
  if (reverses !== undefined)
    keys.push({ pk: transferPartition(reverses), sk: `${REVERSAL_PREFIX}${position}` });
  const { version } = beginning;
  return keys.map((key) => ({ ...key, schema: ROW_SCHEMA, transferId, from, version }));
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
export const positionAt = ({ sk }: Item): string => String(sk).replace(/^[a-z]+#/, '');

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
export const isPointer = (item: Item): boolean =>
  isReversalPointer(item) || String(item['sk']).startsWith(PREFIX);

/** Whether it is one from a transfer to another that takes it back. */
export const isReversalPointer = ({ sk }: Item): boolean => String(sk).startsWith(REVERSAL_PREFIX);

/**
 * Reads a pointer's item.
 * @throws {UnreadableRow} where it is none that this code can read.
 */
export const readPointer = (item: Item): Pointer => readRow(PointerItem, item);
