import * as z from 'zod/mini';
import type { RecordedEvent } from '../../events/event.ts';
import { AccountId, MinorUnits, Version } from '../../events/values.ts';
import { Account, available } from './account.ts';
import type { Command } from './command.ts';
import { Entry, entryOf } from './statement.ts';
import { Transfer } from './transfer.ts';

/** An account as the API shows it: its state, without its reservations, at a version. */
export const AccountView = z.strictObject({
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

/** What the caller of an accepted command is told: the account it opened, the statement line, the transfer. */
export const Answer = z.union([AccountView, Entry, Transfer]);
export type Answer = z.infer<typeof Answer>;

/**
 * What the caller of an accepted command is told. It is recorded with the command's id, so that a repeat hears the same.
 * @param command the command that was accepted.
 * @param account the account once `events` are applied.
 * @param events the events it led to, as recorded.
 * @returns the answer, or `undefined` where there is nothing to tell (settle, release, or a repeat without events).
 */
export const answerOf = (command: Command, account: Account, events: readonly RecordedEvent[]): Answer | undefined => {
  const event = events.at(-1);
  if (!event) return undefined;
  switch (command.type) {
    case 'open':
      return accountView(command.accountId, account, event.version);
    case 'deposit':
    case 'withdraw':
    case 'credit':
      return entryOf(command.accountId, event, account.balance);
    case 'reserve': {
      const { accountId, transferId, to, amount, reference } = command;
      return {
        transferId,
        from: accountId,
        to,
        amount,
        currency: account.currency,
        status: 'reserved',
        ...(reference === undefined ? {} : { reference }),
        requestedAt: event.at,
        steps: [{ step: 'reserved', accountId, version: event.version, at: event.at }],
      };
    }
    case 'settle':
    case 'release':
      return undefined;
  }
};

/**
 * An account as the API shows it.
 * @param version the version that `account` is the fold of.
 */
export const accountView = (accountId: AccountId, account: Account, version: Version): AccountView => ({
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
