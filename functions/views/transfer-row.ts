import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import {
  AccountId,
  Amount,
  Caller,
  Currency,
  Metadata,
  Reference,
  Timestamp,
  TransferId,
  Version,
} from '../../events/values.ts';
import type { Transfer, TransferStep } from '../ledger/transfer.ts';
import { type Item, ROW_SCHEMA, readRow, UnreadableRow } from './row.ts';

const step = { accountId: AccountId, version: Version, at: Timestamp };

/** The place of a step's event on one account's stream. */
const Step = z.object(step);

/**
 * What a transfer is. It comes from the source's stream, all at once: from the reservation or the
 * hold, or, where the transfer went the short way, from the withdrawal.
 */
const Terms = {
  transferId: TransferId,
  from: AccountId,
  to: AccountId,
  /** Of a hold: what was held, whatever of it was captured. */
  amount: Amount,
  currency: Currency,
  reference: z.optional(Reference),
  metadata: z.optional(Metadata),
  /** The transfer that it takes back. */
  reverses: z.optional(TransferId),
  /** When a hold ends by itself. */
  expiresAt: z.optional(Timestamp),
  /** That of the request for it: all later steps are logged and done under it. */
  correlationId: z.string(),
  actor: Caller,
};

/** A capture: from there on the transfer is reserved, and of so much. */
const Captured = z.object({ ...step, amount: Amount });

/**
 * A release, with the code for which the destination rejected the credit, or, of a hold that nobody
 * captured, {@link VOIDED} or {@link EXPIRED}.
 */
const Released = z.object({ ...step, reason: z.string() });

/**
 * A transfer's row. Its steps come from two streams that know nothing of each other's progress:
 * each is an attribute of its own, so the row is the same in whatever order they arrive, and the
 * transfer's status is derived when it is read. Nothing in it is strict: a stored row may have
 * attributes of later code.
 */
const TransferItem = z.object({
  ...Terms,
  /** Of a hold, which has no `reserved`: `captured` stands in its place. */
  held: z.optional(Step),
  captured: z.optional(Captured),
  /** There is none where the transfer went the short way, or began as a hold. */
  reserved: z.optional(Step),
  credited: z.optional(Step),
  settled: z.optional(Step),
  released: z.optional(Released),
});

/** A transfer's row, with when the transfer was requested. */
export type TransferRow = z.infer<typeof TransferItem> & { readonly requestedAt: Timestamp };

const Change = z.partial(TransferItem);

/** What commits say of a transfer; `from` and `transferId` are the key of its row. */
export type TransferChange = Pick<TransferRow, 'transferId' | 'from'> &
  Omit<z.infer<typeof Change>, 'transferId' | 'from'>;

/**
 * The step with which a transfer began: its reservation or its hold, or, on the short way, its
 * settlement.
 * @param change a transfer whose terms are known: a settlement without them is no beginning.
 */
export const beginningOf = ({
  held,
  reserved,
  settled,
}: Pick<TransferChange, 'held' | 'reserved' | 'settled'>): z.infer<typeof Step> | undefined =>
  held ?? reserved ?? settled;

/** The step from which on a transfer is to be carried out: its reservation, or its capture. */
export const reservationStepOf = ({
  reserved,
  captured,
}: Pick<TransferChange, 'reserved' | 'captured'>): z.infer<typeof Step> | undefined =>
  reserved ?? captured;

/** The reasons of a release that no reservation came before: the hold was given back. */
const VOIDED = 'voided';
const EXPIRED = 'expired';

/** Whether a change has all that the source's stream ever says of a transfer that has ended. */
export const isWholeAtSource = (change: TransferChange): boolean => {
  const { to, held, captured, settled, released } = change;
  if (to === undefined || !beginningOf(change) || !(settled ?? released)) return false;
  const isGivenBack = released?.reason === VOIDED || released?.reason === EXPIRED;
  return held === undefined || captured !== undefined || isGivenBack;
};

/** How many partitions the index of open transfers has: one takes 1,000 writes a second. */
const OPEN_SHARDS = 8;

/** The partitions of the index `openTransfers` that hold what is to be carried out. */
export const openShards: readonly string[] = shardsOf('open');

/** Those that hold what is held, by when it expires. */
export const holdShards: readonly string[] = shardsOf('held');

function shardsOf(kind: 'open' | 'held'): readonly string[] {
  return Array.from({ length: OPEN_SHARDS }, (_, shard) => `${kind}#${shard}`);
}

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

/** The keys of the index `openTransfers`. */
interface OpenKeys {
  readonly openShard: string;
  /**
   * When the transfer was reserved. Of one that is held, which rests in partitions of its own, when
   * it expires: nobody who looks for what is to be carried out meets it.
   */
  readonly openSince: Timestamp;
}

/** The keys of the index `openTransfers` that a transfer of which no more is known has; or none. */
export const openKeysOf = (change: TransferChange): Partial<OpenKeys> => {
  const { transferId, held, expiresAt, settled, released } = change;
  if (settled ?? released) return {};
  const keys = (kind: 'open' | 'held', openSince: Timestamp): OpenKeys => ({
    openShard: `${kind}#${createHash('sha256').update(transferId).digest().readUInt32BE() % OPEN_SHARDS}`,
    openSince,
  });
  const reserved = reservationStepOf(change);
  if (reserved) return keys('open', reserved.at);
  return held && expiresAt !== undefined ? keys('held', expiresAt) : {};
};

/**
 * The item of a transfer of which no more is known than a change says. It may replace only a row
 * that says no more.
 */
export const transferItem = ({ transferId, from, ...change }: TransferChange) => ({
  ...transferKey(transferId, from),
  schema: ROW_SCHEMA,
  ...change,
  // Only its terms make the row a transfer.
  ...(change.to === undefined ? {} : { transferId, from }),
  ...openKeysOf({ transferId, from, ...change }),
});

/**
 * The item of a transfer that has ended and whose every step is known. No later change can add to
 * it, so it may overwrite the row.
 * @returns `undefined` where steps are missing: the change has to be added to the row.
 */
export const wholeTransferItem = (change: TransferChange): Item | undefined => {
  const { transferId, from, credited, released } = change;
  if (!isWholeAtSource(change) || !(credited ?? released)) return undefined;
  return { ...transferKey(transferId, from), schema: ROW_SCHEMA, ...change };
};

/**
 * Reads a transfer's item.
 * @returns the row; `undefined` where only later steps have been projected yet, and nothing says
 *   what the transfer is: it is not there.
 * @throws {UnreadableRow} where it is no transfer's item that this code can read.
 */
export const readTransferRow = (item: Item): TransferRow | undefined => {
  if (['to', 'held', 'reserved'].every((name) => item[name] === undefined)) return undefined;
  const row = readRow(TransferItem, item);
  const beginning = beginningOf(row);
  if (!beginning) throw new UnreadableRow(item, 'it has no step that it begins with');
  return { ...row, requestedAt: beginning.at };
};

/**
 * Reads all that a transfer's item says, which may be its later steps alone.
 * @throws {UnreadableRow} where it is no transfer's item that this code can read.
 */
export const readTransferChange = (item: Item): TransferChange => {
  const key = readKey(item);
  const row = readRow(Change, item);
  // What is not a transfer yet says its id and its source in its key alone.
  return { ...row, transferId: row.transferId ?? key.transferId, from: row.from ?? key.from };
};

/**
 * From where a transfer's item says that it comes, though the item be damaged: its steps that can
 * be read.
 * @throws {UnreadableRow} where its key is no transfer's.
 */
export const readTransferClaim = (item: Item) => ({
  ...readKey(item),
  steps: stepNames.flatMap((name) => Step.safeParse(item[name]).data ?? []),
});

const readKey = (item: Item): Pick<TransferRow, 'transferId' | 'from'> => {
  const [transferId, from] = [
    TransferId.safeParse(/^transfer#(.*)$/.exec(String(item['pk']))?.[1]),
    AccountId.safeParse(/^from#(.*)$/.exec(String(item['sk']))?.[1]),
  ];
  if (!transferId.success || !from.success)
    throw new UnreadableRow(item, "its key is no transfer's");
  return { transferId: transferId.data, from: from.data };
};

/** A row's transfer as the API shows it. */
export const transferOf = (row: TransferRow): Transfer => {
  const { transferId, from, to, amount, currency, requestedAt, released } = row;
  const { reference, metadata, reverses, expiresAt } = row;
  const steps = stepsOf(row);
  const ended = row.settled ?? released;
  return {
    transferId,
    from,
    to,
    amount: row.captured?.amount ?? amount,
    currency,
    status: steps.at(-1)?.step ?? 'reserved',
    ...(reference === undefined ? {} : { reference }),
    ...(released ? { reason: released.reason } : {}),
    ...(metadata === undefined ? {} : { metadata }),
    ...(row.held ? { heldAmount: amount, expiresAt } : {}),
    ...(reverses === undefined ? {} : { reverses }),
    requestedAt,
    ...(ended ? { endedAt: ended.at } : {}),
    steps,
  };
};

/**
 * The steps in the order of the saga, not of the clock: the end may be projected before the credit
 * that led to it.
 */
export const stepNames = [
  'held',
  'reserved',
  'captured',
  'credited',
  'settled',
  'released',
] as const satisfies readonly (keyof TransferChange)[];

const stepsOf = (row: TransferRow): TransferStep[] =>
  stepNames.flatMap((name) => {
    const found = row[name];
    return found
      ? [
          {
            // What was captured is reserved from then on, and is shown so.
            step: name === 'captured' ? 'reserved' : name,
            accountId: found.accountId,
            version: found.version,
            at: found.at,
          },
        ]
      : [];
  });
