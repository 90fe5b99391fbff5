/**
 * An account, as all peers keep it: a balance that may not fall below 0.
 *
 * A change of one is `{ accountId, type, amount, transferId }`, its type `Opened`, `Deposited` or
 * `Withdrawn`; an event of one has its `version` besides, counted from 1.
 */

/** The balance after a change. */
export const balanceAfter = (balance, { type, amount }) =>
  type === 'Withdrawn' ? balance - amount : balance + amount;

/** Whether the balance suffices for a change. */
export const suffices = (balance, change) => balanceAfter(balance, change) >= 0;

/** What became of a change that an account is asked for. */
export const APPENDED = 'appended';
export const INSUFFICIENT_FUNDS = 'insufficient_funds';
/** Others were first, as often as it was tried. */
export const LOST = 'lost';
