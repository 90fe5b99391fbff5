import * as z from 'zod/mini';
import {
  AccountId,
  Amount,
  Currency,
  Metadata,
  Reference,
  Timestamp,
  TransferId,
  Version,
} from '../../events/values.ts';

/**
 * How far a transfer is: reserved on the source, credited at the destination, then settled, or
 * released instead. One that is held rests before that.
 */
export const TransferStatus = z.enum(['held', 'reserved', 'credited', 'settled', 'released']);
export type TransferStatus = z.infer<typeof TransferStatus>;

/** One step of a transfer: the event, on one account's stream, that took it there. */
export const TransferStep = z.object({
  step: TransferStatus,
  accountId: AccountId,
  version: Version,
  at: Timestamp,
});
export type TransferStep = z.infer<typeof TransferStep>;

/** A transfer that takes back a part of another or all. */
const Reversal = z.object({ transferId: TransferId, amount: Amount, status: TransferStatus });
export type Reversal = z.infer<typeof Reversal>;

/**
 * A transfer as the API shows it. `reason` is the code for which a released transfer's credit was
 * rejected, or `voided` or `expired`. A hold has `heldAmount` and `expiresAt`; once it is captured,
 * `amount` is what was captured. `reverses` is the transfer that it takes back; `reversals` are those
 * that take it back, oldest first; where they are more than 100, these are the first, and
 * `moreReversals` says that there are others.
 */
export const Transfer = z.object({
  transferId: TransferId,
  from: AccountId,
  to: AccountId,
  amount: Amount,
  currency: Currency,
  status: TransferStatus,
  reference: z.optional(Reference),
  reason: z.optional(z.string()),
  metadata: z.optional(Metadata),
  heldAmount: z.optional(Amount),
  expiresAt: z.optional(Timestamp),
  reverses: z.optional(TransferId),
  reversals: z.optional(z.array(Reversal)),
  moreReversals: z.optional(z.literal(true)),
  requestedAt: Timestamp,
  endedAt: z.optional(Timestamp),
  steps: z.array(TransferStep),
});
export type Transfer = z.infer<typeof Transfer>;
