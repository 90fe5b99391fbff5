import { type AccountEvent, readEvent } from '../../../events/event.ts';
import { MAX_MINOR_UNITS } from '../../../events/values.ts';

/** The largest amount or sum there is: 2^53−1 minor units. */
export const MAX = MAX_MINOR_UNITS;

// What happened, in a line each. The account under test is a1 of alice, in euros; the other end of
// a transfer is b1. Everything is read as from a stream, so a test cannot be given an event that no
// stream could hold.

export const opened = (
  more: { currency?: string; overdraftLimit?: number; name?: string; metadata?: object } = {},
): AccountEvent =>
  event('AccountOpened', 2, { owner: 'alice', currency: 'EUR', overdraftLimit: 0, ...more });

export const deposited = (amount: number, more: { reference?: string } = {}): AccountEvent =>
  event('MoneyDeposited', 1, { amount, ...more });

export const withdrawn = (amount: number, more: { reference?: string } = {}): AccountEvent =>
  event('MoneyWithdrawn', 1, { amount, ...more });

export const reserved = (
  transferId: string,
  amount: number,
  more: { reference?: string; reverses?: string } = {},
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

/** When the holds of the tests end: a minute after the time of every commit. */
export const END = '2026-11-21T12:01:00.000Z';

export const held = (
  transferId: string,
  amount: number,
  more: { reference?: string; metadata?: object; expiresAt?: string } = {},
): AccountEvent =>
  event('MoneyHeld', 1, {
    transferId,
    to: 'b1',
    amount,
    currency: 'EUR',
    expiresAt: END,
    ...more,
  });

export const captured = (
  transferId: string,
  amount: number,
  heldAmount: number,
  more: { reference?: string } = {},
): AccountEvent =>
  event('HoldCaptured', 1, {
    transferId,
    to: 'b1',
    amount,
    heldAmount,
    currency: 'EUR',
    ...more,
  });

export const described = (data: { name?: string; metadata?: object }): AccountEvent =>
  event('AccountDescribed', 1, data);

export const limited = (overdraftLimit: number): AccountEvent =>
  event('OverdraftLimitChanged', 1, { overdraftLimit });

export function frozen(scope: 'debits' | 'all', reason?: string): AccountEvent {
  return event('AccountFrozen', 1, { scope, ...(reason && { reason }) });
}

export const unfrozen = (reason?: string): AccountEvent =>
  event('AccountUnfrozen', 1, { ...(reason && { reason }) });

export function closed(): AccountEvent {
  return event('AccountClosed', 1, {});
}

/** A leg of the posting p1 that paid in, or, below 0, out. */
export const posted = (amount: number, more: { reference?: string } = {}): AccountEvent =>
  event(amount > 0 ? 'MoneyDeposited' : 'MoneyWithdrawn', 1, {
    amount: Math.abs(amount),
    ...more,
    postingId: 'p1',
  });

function event(type: string, v: number, data: object): AccountEvent {
  return readEvent({ type, v, data });
}
