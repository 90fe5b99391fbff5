import { type AccountEvent, readEvent } from '../../../events/event.ts';
import { MAX_MINOR_UNITS } from '../../../events/values.ts';

/** The largest amount or sum there is: 2^53−1 minor units. */
export const MAX = MAX_MINOR_UNITS;

// What happened, in a line each. The account under test is a1 of alice, in euros; the other end of
// a transfer is b1. Everything is read as from a stream, so a test cannot be given an event that no
// stream could hold.

export const opened = (more: { currency?: string; overdraftLimit?: number } = {}): AccountEvent =>
  event('AccountOpened', 2, { owner: 'alice', currency: 'EUR', overdraftLimit: 0, ...more });

export const deposited = (amount: number, more: { reference?: string } = {}): AccountEvent =>
  event('MoneyDeposited', 1, { amount, ...more });

export const withdrawn = (amount: number, more: { reference?: string } = {}): AccountEvent =>
  event('MoneyWithdrawn', 1, { amount, ...more });

export const reserved = (
  transferId: string,
  amount: number,
  more: { reference?: string } = {},
): AccountEvent =>
  event('MoneyReserved', 1, { transferId, to: 'b1', amount, currency: 'EUR', ...more });

export const credited = (
  transferId: string,
  amount: number,
  more: { reference?: string } = {},
): AccountEvent => event('MoneyDeposited', 1, { amount, transferId, counterparty: 'b1', ...more });

/** The two events of a settlement, which stand in one commit. */
export const settled = (
  transferId: string,
  amount: number,
  more: { reference?: string } = {},
): AccountEvent[] => [
  event('ReservationCancelled', 1, { transferId, amount }),
  event('MoneyWithdrawn', 1, { amount, transferId, counterparty: 'b1', ...more }),
];

export const released = (transferId: string, amount: number, reason: string): AccountEvent =>
  event('ReservationCancelled', 1, { transferId, amount, reason });

const event = (type: string, v: number, data: object): AccountEvent => readEvent({ type, v, data });
