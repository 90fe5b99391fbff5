import type { AccountEvent } from '../../events/event.ts';
import { sum } from '../../events/values.ts';
import { type Account, available, reservationOf } from './account.ts';
import type {
  Command,
  Credit,
  Deposit,
  OpenAccount,
  Release,
  Reserve,
  Settle,
  Withdraw,
} from './command.ts';
import type { Rejection, RejectionCode } from './rejection.ts';

/**
 * What the ledger says to a command: the events that follow (none, where it is already true), or
 * why not.
 */
export type Decision =
  | { readonly outcome: 'accepted'; readonly events: readonly AccountEvent[] }
  | { readonly outcome: 'rejected'; readonly rejection: Rejection };

/**
 * Decides a command on an account as it stands. Pure: the same command on the same state is decided
 * the same way.
 * @param command what is asked of the account.
 * @param account its state; `undefined` where it was never opened.
 * @returns the events to append, or the rejection. What has been done before is accepted with no
 *   events: a reserve whose reservation is open, a settle or release whose reservation is gone.
 */
export const decide = (command: Command, account: Account | undefined): Decision => {
  if (command.type === 'open') return open(command, account);
  if (!account) return rejected('account_not_found', `There is no account ${command.accountId}.`);
  switch (command.type) {
    case 'deposit':
      return deposit(command, account);
    case 'withdraw':
      return withdraw(command, account);
    case 'reserve':
      return reserve(command, account);
    case 'credit':
      return credit(command, account);
    case 'settle':
      return settle(command, account);
    case 'release':
      return release(command, account);
  }
};

const open = (
  { accountId, owner, currency, overdraftLimit }: OpenAccount,
  account: Account | undefined,
): Decision =>
  account
    ? rejected('account_already_exists', `There is an account ${accountId} already.`)
    : accepted({ type: 'AccountOpened', v: 2, data: { owner, currency, overdraftLimit } });

const deposit = (command: Deposit, account: Account): Decision =>
  refusal(command, account) ??
  incoming(command.amount, account) ??
  accepted({
    type: 'MoneyDeposited',
    v: 1,
    data: { amount: command.amount, ...referenceOf(command) },
  });

const withdraw = (command: Withdraw, account: Account): Decision =>
  refusal(command, account) ??
  outgoing(command.amount, account) ??
  accepted({
    type: 'MoneyWithdrawn',
    v: 1,
    data: { amount: command.amount, ...referenceOf(command) },
  });

const reserve = (command: Reserve, account: Account): Decision => {
  const { accountId, transferId, to, amount } = command;
  if (to === accountId)
    return rejected('same_account', `A transfer needs two accounts; both are ${accountId}.`);
  // Sent again: its key's record has the outcome.
  if (reservationOf(account, transferId)) return accepted();
  return (
    refusal(command, account) ??
    outgoing(amount, account) ??
    reservable(amount, account) ??
    accepted({
      type: 'MoneyReserved',
      v: 1,
      data: { transferId, to, amount, currency: account.currency, ...referenceOf(command) },
    })
  );
};

const credit = (command: Credit, account: Account): Decision => {
  const { transferId, from, amount } = command;
  return (
    refusal(command, account) ??
    incoming(amount, account) ??
    accepted({
      type: 'MoneyDeposited',
      v: 1,
      data: { amount, ...referenceOf(command), transferId, counterparty: from },
    })
  );
};

// A settle or a release goes through whatever has become of the account since: the money was
// promised while it was open.
const settle = ({ transferId }: Settle, account: Account): Decision => {
  const reservation = reservationOf(account, transferId);
  if (!reservation) return accepted();
  const { amount, to } = reservation;
  return accepted(
    { type: 'ReservationCancelled', v: 1, data: { transferId, amount } },
    {
      type: 'MoneyWithdrawn',
      v: 1,
      data: { amount, ...referenceOf(reservation), transferId, counterparty: to },
    },
  );
};

const release = ({ transferId, reason }: Release, account: Account): Decision => {
  const reservation = reservationOf(account, transferId);
  if (!reservation) return accepted();
  return accepted({
    type: 'ReservationCancelled',
    v: 1,
    data: { transferId, amount: reservation.amount, reason },
  });
};

const refusal = (
  command: Deposit | Withdraw | Reserve | Credit,
  account: Account,
): Decision | undefined => {
  if (account.status !== 'open') {
    return rejected('account_not_open', `Account ${command.accountId} is ${account.status}.`);
  }
  if (command.currency !== undefined && command.currency !== account.currency) {
    return rejected(
      'currency_mismatch',
      `Account ${command.accountId} is kept in ${account.currency}, not in ${command.currency}.`,
    );
  }
  return undefined;
};

const incoming = (amount: number, account: Account): Decision | undefined =>
  sum(account.balance, amount) === undefined
    ? rejected(
        'amount_out_of_range',
        'The balance would leave the range of amounts that can be kept exactly.',
      )
    : undefined;

const outgoing = (amount: number, account: Account): Decision | undefined => {
  const left = sum(available(account), -amount);
  if (left === undefined || left < -account.overdraftLimit) {
    return {
      outcome: 'rejected',
      rejection: {
        code: 'insufficient_funds',
        detail: tooLittle(account, amount),
        available: available(account),
      },
    };
  }
  return undefined;
};

/**
 * What could be taken is more than `available` where there is an overdraft, and may be more than a
 * number keeps exactly.
 */
const tooLittle = (account: Account, amount: number): string => {
  const { overdraftLimit } = account;
  if (overdraftLimit === 0) return `${available(account)} available, ${amount} asked for.`;
  const most = BigInt(available(account)) + BigInt(overdraftLimit);
  return `${available(account)} available and an overdraft limit of ${overdraftLimit} cover ${most}; ${amount} asked for.`;
};

// Reservations may add up to balance + overdraft, which can exceed what a number keeps exactly.
const reservable = (amount: number, account: Account): Decision | undefined =>
  sum(account.reserved, amount) === undefined
    ? rejected(
        'amount_out_of_range',
        'The sum of reservations would leave the range that can be kept exactly.',
      )
    : undefined;

const accepted = (...events: AccountEvent[]): Decision => ({ outcome: 'accepted', events });

const rejected = (code: RejectionCode, detail: string): Decision => ({
  outcome: 'rejected',
  rejection: { code, detail },
});

const referenceOf = ({ reference }: { reference?: string | undefined }) =>
  reference === undefined ? {} : { reference };
