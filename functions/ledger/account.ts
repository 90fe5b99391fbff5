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
 * An account's folded state; `undefined` before it was opened. `available` is never stored: it follows from the rest.
 * Its schema is also that of snapshots: when its shape changes, {@link ACCOUNT_SCHEMA} is counted up. Whoever reads one drops an
 * attribute that is not named here, so that two deployments can read each other's.
 */
export const Account = z.object({
  status: z.enum(['open', 'frozen', 'closed']),
  owner: Caller,
  currency: Currency,
  overdraftLimit: Limit,
  openedAt: Timestamp,
  balance: MinorUnits,
  reserved: MinorUnits,
  reservations: z.array(Reservation),
});
export type Account = z.infer<typeof Account>;

/** The version of {@link Account}'s shape. A reader ignores a snapshot of another one and folds the events. */
export const ACCOUNT_SCHEMA = 1;

/** What an account is before its first event. */
export const initialState: Account | undefined = undefined;

/**
 * Applies one event to an account. Pure, and total for every stream that {@link decide} wrote.
 * @param account the state before it; `undefined` before the account was opened.
 * @param event what happened, with its version and the time of its commit.
 * @returns the state after it.
 * @throws {Error} where the event cannot follow that state: the stream was not written by this ledger.
 */
export const evolve = (account: Account | undefined, event: RecordedEvent): Account => {
  if (event.type === 'AccountOpened') {
    if (account) throw impossible(event, 'the account was already open');
    return { status: 'open', ...event.data, openedAt: event.at, ...nothingYet() };
  }
  if (!account) throw impossible(event, 'the account was never opened');
  switch (event.type) {
    case 'MoneyDeposited':
      return { ...account, balance: safe(event, account.balance, event.data.amount) };
    case 'MoneyWithdrawn':
      return { ...account, balance: safe(event, account.balance, -event.data.amount) };
    case 'MoneyReserved': {
      const { currency: _, ...reservation } = event.data;
      if (reservationOf(account, reservation.transferId)) throw impossible(event, 'its transfer is already reserved');
      return {
        ...account,
        reserved: safe(event, account.reserved, event.data.amount),
        reservations: [...account.reservations, { ...reservation, version: event.version, at: event.at }],
      };
    }
    case 'ReservationCancelled': {
      const { transferId, amount } = event.data;
      const ended = reservationOf(account, transferId);
      if (ended?.amount !== amount) throw impossible(event, 'there is no such reservation');
      return {
        ...account,
        reserved: safe(event, account.reserved, -amount),
        reservations: account.reservations.filter((reservation) => reservation !== ended),
      };
    }
  }
};

/**
 * What an account can spend before its overdraft is touched: `balance` − open reservations.
 * It never falls under `-overdraftLimit`.
 * @returns minor units; negative where an overdraft is in use.
 */
export const available = (account: Account): MinorUnits => {
  const result = sum(account.balance, -account.reserved);
  if (result === undefined) throw new Error('available left the safe range: decide let an impossible reservation pass');
  return result;
};

/** The reservation of a transfer, if it is still open on this account. */
export const reservationOf = (account: Account | undefined, transferId: TransferId): Reservation | undefined =>
  account?.reservations.find((reservation) => reservation.transferId === transferId);

const nothingYet = () => ({ balance: MinorUnits.parse(0), reserved: MinorUnits.parse(0), reservations: [] });

const safe = (event: RecordedEvent, ...terms: number[]): MinorUnits => {
  const result = sum(...terms);
  if (result === undefined) throw impossible(event, 'a sum leaves the safe range');
  return result;
};

const impossible = (event: RecordedEvent, why: string) =>
  new Error(`event ${event.version} (${event.type}) cannot follow its stream: ${why}`);
