import * as z from 'zod/mini';
import {
  AccountId,
  Amount,
  Currency,
  Reference,
  Timestamp,
  TransferId,
  Version,
} from '../../events/values.ts';

/**
 * How far a transfer is: reserved on the source, credited at the destination, then settled, or
 * released instead.
 */
export const TransferStatus = z.enum(['reserved', 'credited', 'settled', 'released']);
export type TransferStatus = z.infer<typeof TransferStatus>;

/** One step of a transfer: the event, on one account's stream, that took it there. */
export const TransferStep = z.object({
  step: TransferStatus,
  accountId: AccountId,
  version: Version,
  at: Timestamp,
});
export type TransferStep = z.infer<typeof TransferStep>;

/**
 * A transfer as the API shows it. `reason` is the code for which a released transfer's credit was
 * rejected.
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
  requestedAt: Timestamp,
  endedAt: z.optional(Timestamp),
  steps: z.array(TransferStep),
});
export type Transfer = z.infer<typeof Transfer>;
