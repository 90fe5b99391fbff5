import * as z from 'zod/mini';
import type { RecordedEvent } from '../../events/event.ts';
import {
  AccountId,
  Amount,
  MinorUnits,
  PostingId,
  Reference,
  sum,
  Timestamp,
  TransferId,
  Version,
} from '../../events/values.ts';

/** A line of an account's statement: one event that moved its balance. */
export const Entry = z.object({
  entryId: z.string(),
  accountId: AccountId,
  kind: z.enum([
    'deposit',
    'withdrawal',
    'transfer_in',
    'transfer_out',
    'posting_in',
    'posting_out',
  ]),
  amount: Amount,
  balanceAfter: MinorUnits,
  version: Version,
  at: Timestamp,
  reference: z.optional(Reference),
  transferId: z.optional(TransferId),
  counterparty: z.optional(AccountId),
  postingId: z.optional(PostingId),
});
export type Entry = z.infer<typeof Entry>;

/**
 * The statement line an event makes.
 * @param accountId whose statement.
 * @param event one event of that account's stream.
 * @param balanceAfter the balance once the event is applied, in minor units.
 * @returns the line, or `undefined` where the event moves no balance (an opening, a reservation,
 *   its end).
 */
export const entryOf = (
  accountId: AccountId,
  event: RecordedEvent,
  balanceAfter: MinorUnits,
): Entry | undefined => {
  if (event.type !== 'MoneyDeposited' && event.type !== 'MoneyWithdrawn') return undefined;
  const { amount, reference, transferId, counterparty, postingId } = event.data;
  const [outside, transfer, posting] =
    event.type === 'MoneyDeposited'
      ? (['deposit', 'transfer_in', 'posting_in'] as const)
      : (['withdrawal', 'transfer_out', 'posting_out'] as const);
  return {
    entryId: `${accountId}-${event.version}`,
    accountId,
    kind: transferId ? transfer : postingId ? posting : outside,
    amount,
    balanceAfter,
    version: event.version,
    at: event.at,
    ...(reference === undefined ? {} : { reference }),
    ...(transferId === undefined ? {} : { transferId }),
    ...(counterparty === undefined ? {} : { counterparty }),
    ...(postingId === undefined ? {} : { postingId }),
  };
};

/**
 * The balance before an event, from the one after it: a statement is read backwards.
 * @param event one event of the account's stream.
 * @param balanceAfter the balance once the event is applied, in minor units.
 * @throws {Error} where it leaves the range that is kept exactly: the two do not belong together.
 */
export const balanceBefore = (event: RecordedEvent, balanceAfter: MinorUnits): MinorUnits => {
  if (event.type !== 'MoneyDeposited' && event.type !== 'MoneyWithdrawn') return balanceAfter;
  const { amount } = event.data;
  const balance = sum(balanceAfter, event.type === 'MoneyDeposited' ? -amount : amount);
  if (balance === undefined)
    throw new Error(`the balance before event ${event.version} leaves the safe range`);
  return balance;
};
