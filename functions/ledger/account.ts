import * as z from 'zod/mini';
import type { RecordedEvent } from '../../events/event.ts';
import {
  AccountId,
  Amount,
  Caller,
  Currency,
  Limit,
  MinorUnits,
  Reference,
  sum,
  Timestamp,
  TransferId,
  Version,
} from '../../events/values.ts';

/** Money set aside on the source for a transfer: when it was reserved, for whom, how much. */
export const Reservation = z.object({
  transferId: TransferId,
  to: AccountId,
  amount: Amount,
  reference: z.optional(Reference),
  version: Version,
  at: Timestamp,
});
export type Reservation = z.infer<typeof Reservation>;

/**
 * An account short of its single reservations, of which it may have thousands open. `available` is
 * never stored: it follows.
 */
const AccountSummary = z.object({
  status: z.enum(['open', 'frozen', 'closed']),
  owner: Caller,
  currency: Currency,
  overdraftLimit: Limit,
  openedAt: Timestamp,
  balance: MinorUnits,
  reserved: MinorUnits,
});
export type AccountSummary = z.infer<typeof AccountSummary>;

/**
 * An account's folded state; `undefined` before it was opened. Its schema is also that of
 * snapshots: when its shape changes, {@link ACCOUNT_SCHEMA} is counted up. A reader drops an
 * attribute that is not named here, so that two deployments can read each other's.
 */
export const Account = z.extend(AccountSummary, { reservations: z.array(Reservation) });
export type Account = z.infer<typeof Account>;

/**
 * The version of {@link Account}'s shape. A reader ignores a snapshot of another one and folds the
 * events.
 */
export const ACCOUNT_SCHEMA = 1;

/** What an account is before its first event. */
export const initialState: Account | undefined = undefined;

/**
 * Applies one event to an account. Pure, and total for every stream that {@link decide} wrote.
 * @param account the state before it; `undefined` before the account was opened.
 * @param event what happened, with its version and the time of its commit.
 * @returns the state after it.
 * @throws {Error} where the event cannot follow that state: the stream was not written by this
 *   ledger.
 */
export const evolve = (account: Account | undefined, event: RecordedEvent): Account => ({
  ...evolveSummary(account, event),
  reservations: openAfter(account, event),
});

/**
 * Applies one event to an account's summary: all of {@link evolve} but the single reservations. The
 * read models fold this.
 * @throws {Error} where the event cannot follow that state.
 */
export const evolveSummary = (
  summary: AccountSummary | undefined,
  event: RecordedEvent,
): AccountSummary => {
  if (event.type === 'AccountOpened') {
    if (summary) throw impossible(event, 'the account was already open');
    return {
      status: 'open',
      ...event.data,
      openedAt: event.at,
      balance: NOTHING,
      reserved: NOTHING,
    };
  }
  if (!summary) throw impossible(event, 'the account was never opened');
  const { amount } = event.data;
  switch (event.type) {
    case 'MoneyDeposited':
      return { ...summary, balance: safe(event, summary.balance, amount) };
    case 'MoneyWithdrawn':
      return { ...summary, balance: safe(event, summary.balance, -amount) };
    case 'MoneyReserved':
      return { ...summary, reserved: safe(event, summary.reserved, amount) };
    case 'ReservationCancelled':
      return { ...summary, reserved: safe(event, summary.reserved, -amount) };
  }
};

/** The reservations that are open after an event. */
const openAfter = (account: Account | undefined, event: RecordedEvent): Account['reservations'] => {
  const open = account?.reservations ?? [];
  switch (event.type) {
    case 'MoneyReserved': {
      const { currency: _, ...reservation } = event.data;
      if (reservationOf(account, reservation.transferId))
        throw impossible(event, 'its transfer is already reserved');
      return [...open, { ...reservation, version: event.version, at: event.at }];
    }
    case 'ReservationCancelled': {
      const ended = reservationOf(account, event.data.transferId);
      if (ended?.amount !== event.data.amount)
        throw impossible(event, 'there is no such reservation');
      return open.filter((reservation) => reservation !== ended);
    }
    default:
      return open;
  }
};

/**
 * What an account can spend before its overdraft is touched: `balance` − open reservations.
 * It never falls under `-overdraftLimit`.
 * @returns minor units; negative where an overdraft is in use.
 */
export const available = (account: Pick<Account, 'balance' | 'reserved'>): MinorUnits => {
  const result = sum(account.balance, -account.reserved);
  if (result === undefined)
    throw new Error('available left the safe range: decide let an impossible reservation pass');
  return result;
};

/** The reservation of a transfer, if it is still open on this account. */
export const reservationOf = (
  account: Account | undefined,
  transferId: TransferId,
): Reservation | undefined =>
  account?.reservations.find((reservation) => reservation.transferId === transferId);

const NOTHING = MinorUnits.parse(0);

const safe = (event: RecordedEvent, ...terms: number[]): MinorUnits => {
  const result = sum(...terms);
  if (result === undefined) throw impossible(event, 'a sum leaves the safe range');
  return result;
};

const impossible = (event: RecordedEvent, why: string) =>
  new Error(`event ${event.version} (${event.type}) cannot follow its stream: ${why}`);
