import * as z from 'zod/mini';
import {
  AccountId,
  Amount,
  Caller,
  Currency,
  Limit,
  Reference,
  type Timestamp,
  TransferId,
  Version,
} from './values.ts';

/** An account exists from here on. Version 1 comes from before accounts could be overdrawn. */
const AccountOpenedV1 = z.strictObject({
  type: z.literal('AccountOpened'),
  v: z.literal(1),
  data: z.strictObject({ owner: Caller, currency: Currency }),
});

/** An account exists from here on, and may fall to `-overdraftLimit`. */
const AccountOpened = z.strictObject({
  type: z.literal('AccountOpened'),
  v: z.literal(2),
  data: z.strictObject({ owner: Caller, currency: Currency, overdraftLimit: Limit }),
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

/**
 * Money came in: from outside, or, with `transferId`, from the account `counterparty` as a
 * transfer's credit. With `counterpartyVersion` the transfer went the short way: one transaction
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
  }),
});
type MoneyDeposited = z.infer<typeof MoneyDeposited>;

/**
 * Money went out: to the outside, or, with `transferId`, to the account `counterparty` as a
 * transfer's settlement. With `counterpartyVersion` the transfer went the short way, and there was
 * no reservation: one transaction wrote this event and the counterparty's `MoneyDeposited`, which
 * has that version in its stream. This event alone then tells all of the transfer, `currency` too.
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
  }),
});
type MoneyWithdrawn = z.infer<typeof MoneyWithdrawn>;

/**
 * Money was set aside on the source for a transfer to the account `to`: it lowers `available`, not
 * `balance`.
 */
const MoneyReserved = z.strictObject({
  type: z.literal('MoneyReserved'),
  v: z.literal(1),
  data: z.strictObject({
    transferId: TransferId,
    to: AccountId,
    amount: Amount,
    currency: Currency,
    reference: z.optional(Reference),
  }),
});
type MoneyReserved = z.infer<typeof MoneyReserved>;

/**
 * A reservation ended. Without a `reason` it was settled, and the `MoneyWithdrawn` that took its
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
  | MoneyDeposited
  | MoneyWithdrawn
  | MoneyReserved
  | ReservationCancelled;

/** An event with its place in the stream and the time of the commit that holds it. */
export type RecordedEvent = AccountEvent & { readonly version: Version; readonly at: Timestamp };

/** Every event in every version that was ever written: what a stream may hold. */
const StoredEvent = z.discriminatedUnion('type', [
  z.discriminatedUnion('v', [AccountOpened, AccountOpenedV1]),
  MoneyDeposited,
  MoneyWithdrawn,
  MoneyReserved,
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
