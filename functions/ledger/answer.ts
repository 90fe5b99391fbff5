import * as z from 'zod/mini';
import type { RecordedEvent } from '../../events/event.ts';
import { AccountId, MinorUnits, type TransferId, Version } from '../../events/values.ts';
import { Account, type AccountSummary, available, reservationOf } from './account.ts';
import type { Command } from './command.ts';
import { Entry, entryOf } from './statement.ts';
import { Transfer } from './transfer.ts';

/** An account as the API shows it: its state, without its reservations, at a version. */
export const AccountView = z.object({
  accountId: AccountId,
  owner: Account.shape.owner,
  currency: Account.shape.currency,
  status: Account.shape.status,
  balance: MinorUnits,
  reserved: MinorUnits,
  available: MinorUnits,
  overdraftLimit: Account.shape.overdraftLimit,
  version: Version,
  openedAt: Account.shape.openedAt,
});
export type AccountView = z.infer<typeof AccountView>;

/**
 * What the caller of an accepted command is told: the account it opened, the statement line, the
 * transfer.
 */
export const Answer = z.union([AccountView, Entry, Transfer]);
export type Answer = z.infer<typeof Answer>;

/**
 * What the caller of an accepted command is told. It is recorded with the command's id, so that a
 * repeat hears the same.
 * @param command the command that was accepted.
 * @param account the account once `events` are applied.
 * @param events the events it led to, as recorded; none where it was true already.
 * @param version the version that `account` is the fold of.
 * @returns the answer: without events that is the transfer as its open reservation has it, or the
 *   account as it is. `undefined` for settle and release, where nobody waits to be told.
 * @throws {Error} where a reserve was accepted and the account has no such reservation: a bug in
 *   the ledger.
 */
export const answerOf = (
  command: Command,
  account: Account,
  events: readonly RecordedEvent[],
  version: Version,
): Answer | undefined => {
  const { accountId } = command;
  switch (command.type) {
    case 'open':
      return accountView(accountId, account, version);
    case 'deposit':
    case 'withdraw':
    case 'credit': {
      const event = events.at(-1);
      return event
        ? entryOf(accountId, event, account.balance)
        : accountView(accountId, account, version);
    }
    case 'reserve':
      return reservedTransfer(accountId, account, command.transferId);
    case 'settle':
    case 'release':
      return undefined;
  }
};

/**
 * The transfer of a reservation that is open on its source, `from`. A repeat hears of the one that
 * is open, not of its own.
 */
const reservedTransfer = (from: AccountId, account: Account, transferId: TransferId): Transfer => {
  const reservation = reservationOf(account, transferId);
  if (!reservation)
    throw new Error(
      `a reserve on ${from} was accepted, and its transfer ${transferId} is not reserved`,
    );
  const { to, amount, reference, version, at } = reservation;
  return {
    transferId,
    from,
    to,
    amount,
    currency: account.currency,
    status: 'reserved',
    ...(reference === undefined ? {} : { reference }),
    requestedAt: at,
    steps: [{ step: 'reserved', accountId: from, version, at }],
  };
};

/**
 * An account as the API shows it.
 * @param version the version that `account` is the fold of.
 */
export const accountView = (
  accountId: AccountId,
  account: AccountSummary,
  version: Version,
): AccountView => ({
  accountId,
  owner: account.owner,
  currency: account.currency,
  status: account.status,
  balance: account.balance,
  reserved: account.reserved,
  available: available(account),
  overdraftLimit: account.overdraftLimit,
  version,
  openedAt: account.openedAt,
});
