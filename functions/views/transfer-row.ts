import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import {
  AccountId,
  Amount,
  Caller,
  Currency,
  Reference,
  Timestamp,
  TransferId,
  Version,
} from '../../events/values.ts';
import type { Transfer, TransferStatus, TransferStep } from '../ledger/transfer.ts';
import { type Item, ROW_SCHEMA, readRow } from './row.ts';

const step = { accountId: AccountId, version: Version, at: Timestamp };

/** The place of a step's event on one account's stream. */
const Step = z.object(step);

/** What the reservation says of a transfer. It comes from the source's stream, all at once. */
const Reserved = {
  transferId: TransferId,
  from: AccountId,
  to: AccountId,
  amount: Amount,
  currency: Currency,
  reference: z.optional(Reference),
  /** That of the request that reserved: all later steps are logged and done under it. */
  correlationId: z.string(),
  actor: Caller,
  reserved: Step,
};

/** A release, with the code for which the destination rejected the credit. */
const Released = z.object({ ...step, reason: z.string() });

/**
 * A transfer's row. Its steps come from two streams that know nothing of each other's progress:
 * each is an attribute of its own, so the row is the same in whatever order they arrive, and the
 * transfer's status is derived when it is read. Nothing in it is strict: a stored row may have
 * attributes of later code.
 */
const TransferItem = z.object({
  ...Reserved,
  credited: z.optional(Step),
  settled: z.optional(Step),
  released: z.optional(Released),
});
export type TransferRow = z.infer<typeof TransferItem>;

/** What the commits of one account add to a transfer's row; `from` and `transferId` are its key. */
export type TransferChange = Pick<TransferRow, 'transferId' | 'from'> & Partial<TransferRow>;

/** How many partitions the index of open transfers has: one takes 1,000 writes a second. */
const OPEN_SHARDS = 8;

/** The partitions of the index `openTransfers`. */
export const openShards: readonly string[] = Array.from(
  { length: OPEN_SHARDS },
  (_, shard) => `open#${shard}`,
);

/**
 * The key of a transfer's row. One id is one transfer since the reservation claims it; from before
 * that rule, two sources may have one each under the same id.
 * @param from the source account.
 */
export const transferKey = (transferId: TransferId, from: AccountId) => ({
  pk: transferPartition(transferId),
  sk: `from#${from}`,
});

/** The partition of all transfers with an id: nearly always one. */
export const transferPartition = (transferId: TransferId) => `transfer#${transferId}`;

/**
 * The key by which the indexes `transfersBySource` and `transfersByDestination` sort: oldest first.
 */
export const orderOf = ({
  transferId,
  reserved,
}: Pick<TransferRow, 'transferId' | 'reserved'>): string => `${reserved.at}#${transferId}`;

/**
 * The position of an item in an index by {@link orderOf}. It includes the source, since another
 * source may have chosen the same id in the same millisecond: no two transfers have one position.
 */
export const positionOf = (item: Item): string => `${placeOf(item)}#${item['from']}`;

/** An item's key in the index, which it may share with others. */
export const placeOf = (item: Item): string => String(item['order']);

/**
 * The place of a position. A position from before it included the source comes after all at its
 * place.
 */
export const placeAt = (position: string): string => position.split('#', 2).join('#');

/** The keys of the index `openTransfers`, set while a transfer is reserved and not ended. */
export const openKeys = ({
  transferId,
  reserved,
}: Pick<TransferRow, 'transferId' | 'reserved'>) => ({
  openShard: `open#${createHash('sha256').update(transferId).digest().readUInt32BE() % OPEN_SHARDS}`,
  openSince: reserved.at,
});

/**
 * The item of a transfer that has ended and whose every step is known. No later change can add to
 * it, so it may overwrite the row.
 * @returns `undefined` where steps are missing: the change has to be added to the row.
 */
export const wholeTransferItem = (change: TransferChange): Record<string, unknown> | undefined => {
  const { transferId, from, reserved, credited, settled, released } = change;
  if (!reserved || !((credited && settled) || released)) return undefined;
  const order = orderOf({ transferId, reserved });
  return { ...transferKey(transferId, from), schema: ROW_SCHEMA, ...change, order };
};

/**
 * Reads a transfer's item.
 * @returns the row; `undefined` where only the destination's credit has been projected yet: the
 *   transfer is not there.
 * @throws {UnreadableRow} where it is no transfer's item that this code can read.
 */
export const readTransferRow = (item: Item): TransferRow | undefined =>
  item['reserved'] === undefined ? undefined : readRow(TransferItem, item);

/** A row's transfer as the API shows it. */
export const transferOf = (row: TransferRow): Transfer => {
  const { transferId, from, to, amount, currency, reference, reserved, released } = row;
  const steps = stepsOf(row);
  const ended = row.settled ?? released;
  return {
    transferId,
    from,
    to,
    amount,
    currency,
    status: steps.at(-1)?.step ?? 'reserved',
    ...(reference === undefined ? {} : { reference }),
    ...(released ? { reason: released.reason } : {}),
    requestedAt: reserved.at,
    ...(ended ? { endedAt: ended.at } : {}),
    steps,
  };
};

/**
 * The steps in the order of the saga, not of the clock: the end may be projected before the credit
 * that led to it.
 */
const STEPS = [
  'reserved',
  'credited',
  'settled',
  'released',
] as const satisfies readonly TransferStatus[];

const stepsOf = (row: TransferRow): TransferStep[] =>
  STEPS.flatMap((name) => {
    const found = row[name];
    return found
      ? [{ step: name, accountId: found.accountId, version: found.version, at: found.at }]
      : [];
  });
