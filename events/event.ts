import * as z from 'zod/mini';
import {
  AccountId,
  AccountName,
  Amount,
  Caller,
  Currency,
  FreezeScope,
  Limit,
  Metadata,
  PostingId,
  Reference,
  Timestamp,
  TransferId,
  Version,
} from './values.ts';

/** An account exists from here on. Version 1 comes from before accounts could be overdrawn. */
const AccountOpenedV1 = z.strictObject({
  type: z.literal('AccountOpened'),
  v: z.literal(1),
  data: z.strictObject({ owner: Caller, currency: Currency }),
});

/** What its owner says of an account. An event that has one of the two has all that is said. */
const details = { name: z.optional(AccountName), metadata: z.optional(Metadata) };

/** An account exists from here on, and may fall to `-overdraftLimit`. */
const AccountOpened = z.strictObject({
  type: z.literal('AccountOpened'),
  v: z.literal(2),
  data: z.strictObject({ owner: Caller, currency: Currency, overdraftLimit: Limit, ...details }),
});
type AccountOpened = z.infer<typeof AccountOpened>;

/**
 * Reads a version 1 event as version 2: an account from before overdrafts cannot be overdrawn.
 * @param event as it was stored.
 * @returns the same fact in today's words.
 */
const upcastAccountOpenedV1 = (event: z.infer<typeof AccountOpenedV1>): AccountOpened => ({
  type: 'AccountOpened',
  v: 2,
  data: { ...event.data, overdraftLimit: Limit.parse(0) },
});

/** From here on this is all that its owner says of the account. */
const AccountDescribed = z.strictObject({
  type: z.literal('AccountDescribed'),
  v: z.literal(1),
  data: z.strictObject(details),
});
type AccountDescribed = z.infer<typeof AccountDescribed>;

/** From here on the account may fall to `-overdraftLimit`. */
const OverdraftLimitChanged = z.strictObject({
  type: z.literal('OverdraftLimitChanged'),
  v: z.literal(1),
  data: z.strictObject({ overdraftLimit: Limit }),
});
type OverdraftLimitChanged = z.infer<typeof OverdraftLimitChanged>;

const why = { reason: z.optional(Reference) };

/** From here on the account refuses what `scope` says. It may have been frozen otherwise before. */
const AccountFrozen = z.strictObject({
  type: z.literal('AccountFrozen'),
  v: z.literal(1),
  data: z.strictObject({ scope: FreezeScope, ...why }),
});
type AccountFrozen = z.infer<typeof AccountFrozen>;

/** The account is open again. */
const AccountUnfrozen = z.strictObject({
  type: z.literal('AccountUnfrozen'),
  v: z.literal(1),
  data: z.strictObject(why),
});
type AccountUnfrozen = z.infer<typeof AccountUnfrozen>;

/** The account is empty, and refuses everything from here on, for ever. */
const AccountClosed = z.strictObject({
  type: z.literal('AccountClosed'),
  v: z.literal(1),
  data: z.strictObject({}),
});
type AccountClosed = z.infer<typeof AccountClosed>;

/**
 * Money came in: from outside, or, with `postingId`, as a leg of a posting, whose other legs the
 * same transaction wrote, or, with `transferId`, from the account `counterparty` as a transfer's
 * credit. With `counterpartyVersion` the transfer went the short way: one transaction
 * wrote this event and the counterparty's `MoneyWithdrawn`, which has that version in its stream.
 */
const MoneyDeposited = z.strictObject({
  type: z.literal('MoneyDeposited'),
  v: z.literal(1),
  data: z.strictObject({
    amount: Amount,
    reference: z.optional(Reference),
    transferId: z.optional(TransferId),
    counterparty: z.optional(AccountId),
    counterpartyVersion: z.optional(Version),
    postingId: z.optional(PostingId),
  }),
});
type MoneyDeposited = z.infer<typeof MoneyDeposited>;

/**
 * Money went out: to the outside, or, with `postingId`, as a leg of a posting, or, with
 * `transferId`, to the account `counterparty` as a transfer's settlement. With `counterpartyVersion` the transfer went the short way, and there was
 * no reservation: one transaction wrote this event and the counterparty's `MoneyDeposited`, which
 * has that version in its stream. This event alone then tells all of the transfer, `currency` and
 * `metadata` too.
 */
const MoneyWithdrawn = z.strictObject({
  type: z.literal('MoneyWithdrawn'),
  v: z.literal(1),
  data: z.strictObject({
    amount: Amount,
    reference: z.optional(Reference),
    transferId: z.optional(TransferId),
    counterparty: z.optional(AccountId),
    counterpartyVersion: z.optional(Version),
    currency: z.optional(Currency),
    metadata: z.optional(Metadata),
    postingId: z.optional(PostingId),
  }),
});
type MoneyWithdrawn = z.infer<typeof MoneyWithdrawn>;

/** What is known of a transfer from the moment when its money is set aside. */
const terms = {
  transferId: TransferId,
  to: AccountId,
  amount: Amount,
  currency: Currency,
  reference: z.optional(Reference),
  metadata: z.optional(Metadata),
};

/**
 * Money was set aside on the source for a transfer to the account `to`: it lowers `available`, not
 * `balance`. With `reverses` the transfer takes back part or all of that one.
 */
const MoneyReserved = z.strictObject({
  type: z.literal('MoneyReserved'),
  v: z.literal(1),
  data: z.strictObject({ ...terms, reverses: z.optional(TransferId) }),
});
type MoneyReserved = z.infer<typeof MoneyReserved>;

/**
 * Money was set aside for a transfer that rests until it is captured or voided, or until
 * `expiresAt`. It is no {@link MoneyReserved}: code that does not know holds must not carry one out.
 */
const MoneyHeld = z.strictObject({
  type: z.literal('MoneyHeld'),
  v: z.literal(1),
  data: z.strictObject({ ...terms, expiresAt: Timestamp }),
});
type MoneyHeld = z.infer<typeof MoneyHeld>;

/**
 * A hold became a reservation of `amount`, to be carried out as any other. What the hold had more,
 * of its `heldAmount`, was given back.
 */
const HoldCaptured = z.strictObject({
  type: z.literal('HoldCaptured'),
  v: z.literal(1),
  data: z.strictObject({
    transferId: TransferId,
    to: AccountId,
    amount: Amount,
    heldAmount: Amount,
    currency: Currency,
    reference: z.optional(Reference),
  }),
});
type HoldCaptured = z.infer<typeof HoldCaptured>;

/**
 * A reservation or a hold ended. Without a `reason` it was settled, and the `MoneyWithdrawn` that took its
 * place is the next event of the same commit; with one it was released, and the source is whole
 * again.
 */
const ReservationCancelled = z.strictObject({
  type: z.literal('ReservationCancelled'),
  v: z.literal(1),
  data: z.strictObject({
    transferId: TransferId,
    amount: Amount,
    reason: z.optional(z.string().check(z.minLength(1), z.maxLength(64))),
  }),
});
type ReservationCancelled = z.infer<typeof ReservationCancelled>;

/** Every fact an account's stream can hold, each in its newest version. */
export type AccountEvent =
  | AccountOpened
  | AccountDescribed
  | OverdraftLimitChanged
  | AccountFrozen
  | AccountUnfrozen
  | AccountClosed
  | MoneyDeposited
  | MoneyWithdrawn
  | MoneyReserved
  | MoneyHeld
  | HoldCaptured
  | ReservationCancelled;

/** An event with its place in the stream and the time of the commit that holds it. */
export type RecordedEvent = AccountEvent & { readonly version: Version; readonly at: Timestamp };

/** Every event in every version that was ever written: what a stream may hold. */
const StoredEvent = z.discriminatedUnion('type', [
  z.discriminatedUnion('v', [AccountOpened, AccountOpenedV1]),
  AccountDescribed,
  OverdraftLimitChanged,
  AccountFrozen,
  AccountUnfrozen,
  AccountClosed,
  MoneyDeposited,
  MoneyWithdrawn,
  MoneyReserved,
  MoneyHeld,
  HoldCaptured,
  ReservationCancelled,
]);

/**
 * Reads an event as it lies in a stream, whatever version it was written in.
 * @param stored `{type, v, data}` from a commit.
 * @returns the event in its newest version.
 * @throws {Error} where this code does not know the type, the version or the data: a stream is
 *   never read half.
 */
export const readEvent = (stored: unknown): AccountEvent => {
  const result = StoredEvent.safeParse(stored);
  if (!result.success) {
    throw new Error(
      `not an event of this ledger: ${JSON.stringify(stored)}: ${z.prettifyError(result.error)}`,
    );
  }
  const event = result.data;
  return event.type === 'AccountOpened' && event.v === 1 ? upcastAccountOpenedV1(event) : event;
};
