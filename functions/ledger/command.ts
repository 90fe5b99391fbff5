import * as z from 'zod/mini';
import {
  AccountId,
  Amount,
  Caller,
  Currency,
  Limit,
  Reference,
  TransferId,
} from '../../events/values.ts';

const OpenAccount = z.object({
  type: z.literal('open'),
  accountId: AccountId,
  owner: Caller,
  currency: Currency,
  overdraftLimit: Limit,
});

const Deposit = z.object({
  type: z.literal('deposit'),
  accountId: AccountId,
  amount: Amount,
  currency: z.optional(Currency),
  reference: z.optional(Reference),
});

const Withdraw = z.object({
  type: z.literal('withdraw'),
  accountId: AccountId,
  amount: Amount,
  currency: z.optional(Currency),
  reference: z.optional(Reference),
});

/**
 * Set money aside on the source, `accountId`, for a transfer: what the caller of `POST /transfers`
 * waits for.
 */
const Reserve = z.object({
  type: z.literal('reserve'),
  accountId: AccountId,
  transferId: TransferId,
  to: AccountId,
  amount: Amount,
  currency: z.optional(Currency),
  reference: z.optional(Reference),
});

/** Pay a transfer in at the destination, `accountId`. */
const Credit = z.object({
  type: z.literal('credit'),
  accountId: AccountId,
  transferId: TransferId,
  from: AccountId,
  amount: Amount,
  currency: Currency,
  reference: z.optional(Reference),
});

/** The credit was accepted: turn the reservation on the source, `accountId`, into a withdrawal. */
const Settle = z.object({
  type: z.literal('settle'),
  accountId: AccountId,
  transferId: TransferId,
});

/**
 * The credit was rejected with the code `reason`: give the reservation back to the source,
 * `accountId`.
 */
const Release = z.object({
  type: z.literal('release'),
  accountId: AccountId,
  transferId: TransferId,
  reason: z.string().check(z.minLength(1), z.maxLength(64)),
});

/**
 * A request to change one account, `accountId`. Plain JSON: it can be recorded and decided by
 * somebody else, whose deployment may be older or newer. Whoever reads it drops an attribute that
 * is not named here; what changes the meaning of a command, or its shape, counts {@link
 * COMMAND_SCHEMA} up.
 */
export const Command = z.discriminatedUnion('type', [
  OpenAccount,
  Deposit,
  Withdraw,
  Reserve,
  Credit,
  Settle,
  Release,
]);
export type Command = z.infer<typeof Command>;

/**
 * The version of {@link Command}'s shape. Nobody decides a pending command of a version that is not
 * known here.
 */
export const COMMAND_SCHEMA = 1;

export type OpenAccount = z.infer<typeof OpenAccount>;
export type Deposit = z.infer<typeof Deposit>;
export type Withdraw = z.infer<typeof Withdraw>;
export type Reserve = z.infer<typeof Reserve>;
export type Credit = z.infer<typeof Credit>;
export type Settle = z.infer<typeof Settle>;
export type Release = z.infer<typeof Release>;
