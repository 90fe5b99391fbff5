import * as z from 'zod/mini';
import type { AccountEvent, RecordedEvent } from '../../events/event.ts';
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
import { Entry, entryOf } from './statement.ts';
import { Transfer } from './transfer.ts';

// All rules of the account, in this order: its state and how events change it, its commands, why it
// may refuse one, how it decides, and what it answers.

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
type AccountSummary = z.infer<typeof AccountSummary>;

/**
 * An account's folded state; `undefined` before it was opened. Its schema is also that of
 * snapshots: when its shape changes, {@link ACCOUNT_SCHEMA} is counted up. A reader drops an
 * attribute that is not named here, so that two deployments can read each other's snapshots.
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

/** All of {@link evolve} but the single reservations. */
const evolveSummary = (
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

// What can be asked of it

const OpenAccount = z.object({
  type: z.literal('open'),
  accountId: AccountId,
  owner: Caller,
  currency: Currency,
  overdraftLimit: Limit,
});

const Deposit = z.object({
  type: z.literal('deposit'),
  accountId: AccountId,
  amount: Amount,
  currency: z.optional(Currency),
  reference: z.optional(Reference),
});

const Withdraw = z.object({
  type: z.literal('withdraw'),
  accountId: AccountId,
  amount: Amount,
  currency: z.optional(Currency),
  reference: z.optional(Reference),
});

/**
 * Set money aside on the source, `accountId`, for a transfer: what the caller of `POST /transfers`
 * waits for.
 */
const Reserve = z.object({
  type: z.literal('reserve'),
  accountId: AccountId,
  transferId: TransferId,
  to: AccountId,
  amount: Amount,
  currency: z.optional(Currency),
  reference: z.optional(Reference),
});

/** Pay a transfer in at the destination, `accountId`. */
const Credit = z.object({
  type: z.literal('credit'),
  accountId: AccountId,
  transferId: TransferId,
  from: AccountId,
  amount: Amount,
  currency: Currency,
  reference: z.optional(Reference),
});

/** The credit was accepted: turn the reservation on the source, `accountId`, into a withdrawal. */
const Settle = z.object({
  type: z.literal('settle'),
  accountId: AccountId,
  transferId: TransferId,
});

/**
 * The credit was rejected with the code `reason`: give the reservation back to the source,
 * `accountId`.
 */
const Release = z.object({
  type: z.literal('release'),
  accountId: AccountId,
  transferId: TransferId,
  reason: z.string().check(z.minLength(1), z.maxLength(64)),
});

/**
 * A request to change one account, `accountId`. Plain JSON: another environment, whose deployment
 * may be older or newer, can decide it from its record. A reader drops an attribute that is not
 * named here; a change to a command's meaning or shape counts {@link COMMAND_SCHEMA} up.
 */
export const Command = z.discriminatedUnion('type', [
  OpenAccount,
  Deposit,
  Withdraw,
  Reserve,
  Credit,
  Settle,
  Release,
]);
export type Command = z.infer<typeof Command>;

/** The version of {@link Command}'s shape. This code decides no pending command of another one. */
export const COMMAND_SCHEMA = 1;

type OpenAccount = z.infer<typeof OpenAccount>;
type Deposit = z.infer<typeof Deposit>;
type Withdraw = z.infer<typeof Withdraw>;
type Reserve = z.infer<typeof Reserve>;
type Credit = z.infer<typeof Credit>;
type Settle = z.infer<typeof Settle>;
type Release = z.infer<typeof Release>;

/**
 * Pay a transfer out at the source, `accountId`, without a reservation: in one transaction with its
 * credit, which `counterpartyVersion` is the version of.
 */
type Debit = Omit<Credit, 'type' | 'from'> & {
  readonly type: 'debit';
  readonly to: AccountId;
  readonly counterpartyVersion: Version;
};

/**
 * What is asked of one account: a whole command, or its part in one that is carried out on several
 * accounts at once. A part is decided where it is made, and stored nowhere.
 */
export type Part = Command | Debit | CreditAtOnce;

/** The credit of a debit, which `counterpartyVersion` is the version of. */
type CreditAtOnce = Credit & { readonly counterpartyVersion: Version };

// Why it may refuse

/** Why a command was rejected: the codes of the HTTP contract, stable for ever. */
export const RejectionCode = z.enum([
  'account_not_found',
  'account_already_exists',
  'account_not_open',
  'insufficient_funds',
  'currency_mismatch',
  'same_account',
  'amount_out_of_range',
]);
export type RejectionCode = z.infer<typeof RejectionCode>;

/**
 * A refusal, as a value. It is recorded with the command's id and answered again for ever, so it
 * carries its own words. `detail` is one sentence for the caller. `available` comes with
 * `insufficient_funds`: the account's balance less its reservations, in minor units. With an
 * overdraft the account could have paid more, up to its limit.
 */
export const Rejection = z.object({
  code: RejectionCode,
  detail: z.string(),
  available: z.optional(MinorUnits),
});
export type Rejection = z.infer<typeof Rejection>;

// What it decides

/**
 * The ledger's decision on a command: the events that follow (none, where it is already true), or
 * the rejection.
 */
export type Decision =
  | { readonly outcome: 'accepted'; readonly events: readonly AccountEvent[] }
  | { readonly outcome: 'rejected'; readonly rejection: Rejection };

/**
 * Decides a command on an account as it stands. Pure: the same command on the same state is decided
 * the same way.
 * @param command what is asked of the account.
 * @param account its state; `undefined` where it was never opened.
 * @returns the events to append, or the rejection. A command that was done before is accepted with
 *   no events: a reserve whose reservation is open, a settle or release whose reservation is gone.
 */
export const decide = (command: Part, account: Account | undefined): Decision => {
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
    case 'debit':
      return debit(command, account);
    case 'settle':
      return settle(command, account);
    case 'release':
      return release(command, account);
  }
};

/**
 * The accounts that a command changes where it is carried out at once: for a reserve, both accounts
 * of its transfer.
 */
export const accountsOf = (command: Command): readonly AccountId[] =>
  command.type === 'reserve' && command.to !== command.accountId
    ? [command.accountId, command.to]
    : [command.accountId];

/** An account's place in a decision on several accounts: its state, and its stream's version. */
export interface AccountAt {
  readonly account: Account | undefined;
  readonly version: number;
}

/**
 * What a command asks of each of its accounts where it is carried out at once: for a reserve, to
 * pay the transfer out and in, without a reservation. Every part leads to one event.
 * @param stateOf each of the accounts as it stands.
 * @returns one command for each account, the one for `command.accountId` first; `undefined` where
 *   the command cannot be carried out at once.
 */
export const partsOf = (
  command: Command,
  stateOf: (accountId: AccountId) => AccountAt,
): readonly [Part, ...Part[]] | undefined => {
  if (command.type !== 'reserve') return undefined;
  const { accountId, transferId, to, amount } = command;
  const source = stateOf(accountId);
  if (!source.account || reservationOf(source.account, transferId)) return undefined;
  const currency = command.currency ?? source.account.currency;
  const both = { transferId, amount, currency, ...referenceOf(command) };
  const next = (id: AccountId) => Version.parse(stateOf(id).version + 1);
  return [
    { type: 'debit', accountId, to, ...both, counterpartyVersion: next(to) },
    {
      type: 'credit',
      accountId: to,
      from: accountId,
      ...both,
      counterpartyVersion: next(accountId),
    },
  ];
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

const credit = (command: Credit | CreditAtOnce, account: Account): Decision => {
  const { transferId, from, amount } = command;
  return (
    refusal(command, account) ??
    incoming(amount, account) ??
    accepted({
      type: 'MoneyDeposited',
      v: 1,
      data: {
        amount,
        ...referenceOf(command),
        transferId,
        counterparty: from,
        ...('counterpartyVersion' in command
          ? { counterpartyVersion: command.counterpartyVersion }
          : {}),
      },
    })
  );
};

const debit = (command: Debit, account: Account): Decision => {
  const { transferId, to, amount, currency, counterpartyVersion } = command;
  return (
    refusal(command, account) ??
    outgoing(amount, account) ??
    accepted({
      type: 'MoneyWithdrawn',
      v: 1,
      data: {
        amount,
        ...referenceOf(command),
        transferId,
        counterparty: to,
        counterpartyVersion,
        currency,
      },
    })
  );
};

// A settle or a release goes through whatever has become of the account since: the account promised
// the money while it was open.
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
  command: Deposit | Withdraw | Reserve | Credit | Debit,
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
 * With an overdraft the account can pay more than `available`, which may be more than a number
 * keeps exactly.
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

// What it answers

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
 * What the caller of an accepted command hears: the account it opened, the statement line, the
 * transfer.
 */
export const Answer = z.union([AccountView, Entry, Transfer]);
export type Answer = z.infer<typeof Answer>;

/**
 * Makes the answer to an accepted command. It is recorded with the command's id, so that a repeat
 * hears the same.
 * @param command the command that was accepted.
 * @param account the account once `events` are applied.
 * @param events the events that followed, as recorded; none where it was true already.
 * @param version the version that `account` is the fold of.
 * @returns the answer; without events, the transfer as its open reservation has it, or the account
 *   as it is. `undefined` for settle and release, whose answer nobody waits for.
 * @throws {Error} where a reserve was accepted and the account has no such reservation: a bug in
 *   the ledger.
 */
export const answerOf = (
  command: Part,
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
    case 'debit':
      return transferAtOnce(command, events.at(-1));
    case 'settle':
    case 'release':
      return undefined;
  }
};

/**
 * The transfer of a reservation that is open on its source, `from`. A repeat hears of the open
 * reservation, not of the one it asks for.
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

/** The transfer of a debit: credited and settled by one transaction. */
const transferAtOnce = (
  { accountId, transferId, to, amount, currency, reference, counterpartyVersion }: Debit,
  event: RecordedEvent | undefined,
): Transfer => {
  if (!event) throw new Error(`a debit on ${accountId} was accepted without an event`);
  const { at, version } = event;
  return {
    transferId,
    from: accountId,
    to,
    amount,
    currency,
    status: 'settled',
    ...(reference === undefined ? {} : { reference }),
    requestedAt: at,
    endedAt: at,
    steps: [
      { step: 'credited', accountId: to, version: counterpartyVersion, at },
      { step: 'settled', accountId, version, at },
    ],
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
