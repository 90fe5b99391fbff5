import * as z from 'zod/mini';
import type { AccountEvent, RecordedEvent } from '../../events/event.ts';
import {
  AccountId,
  AccountName,
  Amount,
  Caller,
  Currency,
  FreezeScope,
  Limit,
  Metadata,
  MinorUnits,
  PostingId,
  Reference,
  sum,
  Timestamp,
  TransferId,
  Version,
} from '../../events/values.ts';

// All rules of the account, in this order: its state and how events change it, its commands, why it
// may refuse one, and how it decides. What it answers stands in `answers.ts`.

/**
 * Money set aside on the source for a transfer: when it was reserved, for whom, how much. What the
 * client said of it is not here but in its event: the state is written with every commit.
 */
export const Reservation = z.object({
  transferId: TransferId,
  to: AccountId,
  amount: Amount,
  version: Version,
  at: Timestamp,
  /**
   * How it began as a hold. It rests as long as `version` is the hold's own; once it is captured,
   * `version` and `at` are those of the capture.
   */
  hold: z.optional(
    z.object({ amount: Amount, expiresAt: Timestamp, version: Version, at: Timestamp }),
  ),
  /** The transfer of which it takes back a part or all. */
  reverses: z.optional(TransferId),
});
export type Reservation = z.infer<typeof Reservation>;

/**
 * Whether a reservation rests until it is captured or voided, or until it expires: nobody may carry
 * its transfer out.
 */
export const isHeld = ({ hold, version }: Pick<Reservation, 'hold' | 'version'>): boolean =>
  hold?.version === version;

/**
 * How much ever moved one way, and how often. The sum has no upper end, so it is kept as its
 * digits.
 */
const Turnover = z.object({
  count: z.int(),
  amount: z.string().check(z.regex(/^\d+$/)),
});
export type Turnover = z.infer<typeof Turnover>;

/**
 * An account short of its single reservations, of which it may have thousands open. `available` is
 * never stored: it follows.
 */
const AccountSummary = z.object({
  status: z.enum(['open', 'frozen', 'closed']),
  /** What is frozen, where the status says so. */
  frozen: z.optional(FreezeScope),
  owner: Caller,
  currency: Currency,
  overdraftLimit: Limit,
  openedAt: Timestamp,
  closedAt: z.optional(Timestamp),
  /**
   * The version of the event that has the account's name and metadata; absent where it never had
   * any. They may be large, and this is written with every commit.
   */
  describedAt: z.optional(Version),
  balance: MinorUnits,
  reserved: MinorUnits,
  /** All that ever came in, and all that ever went out. */
  credits: Turnover,
  debits: Turnover,
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
export const ACCOUNT_SCHEMA = 2;

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
    const { name, metadata, ...data } = event.data;
    const isDescribed = name !== undefined || metadata !== undefined;
    return {
      status: 'open',
      ...data,
      openedAt: event.at,
      ...(isDescribed ? { describedAt: event.version } : {}),
      balance: NOTHING,
      reserved: NOTHING,
      credits: NO_TURNOVER,
      debits: NO_TURNOVER,
    };
  }
  if (!summary) throw impossible(event, 'the account was never opened');
  switch (event.type) {
    case 'AccountDescribed':
      return { ...summary, describedAt: event.version };
    case 'OverdraftLimitChanged':
      return { ...summary, overdraftLimit: event.data.overdraftLimit };
    case 'AccountFrozen':
      return { ...summary, status: 'frozen', frozen: event.data.scope };
    case 'AccountUnfrozen': {
      const { frozen: _, ...thawed } = summary;
      return { ...thawed, status: 'open' };
    }
    case 'AccountClosed':
      return { ...summary, status: 'closed', closedAt: event.at };
    case 'MoneyDeposited': {
      const { amount } = event.data;
      const credits = turnedOver(summary.credits, amount);
      return { ...summary, balance: safe(event, summary.balance, amount), credits };
    }
    case 'MoneyWithdrawn': {
      const { amount } = event.data;
      const debits = turnedOver(summary.debits, amount);
      return { ...summary, balance: safe(event, summary.balance, -amount), debits };
    }
    case 'MoneyReserved':
    case 'MoneyHeld':
      return { ...summary, reserved: safe(event, summary.reserved, event.data.amount) };
    case 'HoldCaptured': {
      const { amount, heldAmount } = event.data;
      return { ...summary, reserved: safe(event, summary.reserved, amount - heldAmount) };
    }
    case 'ReservationCancelled':
      return { ...summary, reserved: safe(event, summary.reserved, -event.data.amount) };
  }
};

/** The reservations that are open after an event. */
const openAfter = (account: Account | undefined, event: RecordedEvent): Account['reservations'] => {
  const open = account?.reservations ?? [];
  switch (event.type) {
    case 'MoneyReserved':
    case 'MoneyHeld': {
      const { transferId, to, amount } = event.data;
      if (reservationOf(account, transferId))
        throw impossible(event, 'its transfer is already reserved');
      const place = { version: event.version, at: event.at };
      const more =
        event.type === 'MoneyHeld'
          ? { hold: { amount, expiresAt: event.data.expiresAt, ...place } }
          : event.data.reverses === undefined
            ? {}
            : { reverses: event.data.reverses };
      return [...open, { transferId, to, amount, ...place, ...more }];
    }
    case 'HoldCaptured': {
      const { transferId, amount, heldAmount } = event.data;
      const held = reservationOf(account, transferId);
      if (!held || !isHeld(held) || held.amount !== heldAmount || amount > heldAmount)
        throw impossible(event, 'there is no such hold');
      const captured = { ...held, amount, version: event.version, at: event.at };
      return open.map((reservation) => (reservation === held ? captured : reservation));
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

const NO_TURNOVER: Turnover = { count: 0, amount: '0' };

const turnedOver = ({ count, amount }: Turnover, more: number): Turnover => ({
  count: count + 1,
  amount: String(BigInt(amount) + BigInt(more)),
});

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
  name: z.optional(AccountName),
  metadata: z.optional(Metadata),
});

/**
 * Say something else of an account, or let it be overdrawn otherwise. What is absent stays as it
 * is.
 */
const Amend = z.object({
  type: z.literal('amend'),
  accountId: AccountId,
  /**
   * All that is said of it from now on. It was made from what was said before, in the event of
   * version `describedAt` (0: nothing was said yet): where that has changed, it is refused.
   */
  described: z.optional(
    z.object({
      describedAt: z.union([Version, z.literal(0)]),
      name: z.optional(AccountName),
      metadata: z.optional(Metadata),
    }),
  ),
  overdraftLimit: z.optional(Limit),
});

const Freeze = z.object({
  type: z.literal('freeze'),
  accountId: AccountId,
  scope: FreezeScope,
  reason: z.optional(Reference),
});

const Unfreeze = z.object({
  type: z.literal('unfreeze'),
  accountId: AccountId,
  reason: z.optional(Reference),
});

const Close = z.object({ type: z.literal('close'), accountId: AccountId });

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
  metadata: z.optional(Metadata),
});

/**
 * Set money aside on the source, `accountId`, for a transfer that rests until it is captured or
 * voided, or until `expiresAt`: 7 days from now, where nothing else is said. It is no {@link
 * Reserve}: code that does not know holds must not decide one.
 */
const Hold = z.object({
  type: z.literal('hold'),
  accountId: AccountId,
  transferId: TransferId,
  to: AccountId,
  amount: Amount,
  currency: z.optional(Currency),
  reference: z.optional(Reference),
  metadata: z.optional(Metadata),
  expiresAt: z.optional(Timestamp),
});

/** Have a held transfer carried out: all of it, or `amount`. The source, `accountId`, decides. */
const Capture = z.object({
  type: z.literal('capture'),
  accountId: AccountId,
  transferId: TransferId,
  amount: z.optional(Amount),
  /** The transfer's own, for the events that follow. */
  reference: z.optional(Reference),
});

/** Give a held transfer back to its source, `accountId`, because somebody wants it. */
const VoidHold = z.object({
  type: z.literal('void'),
  accountId: AccountId,
  transferId: TransferId,
});

/** Give a held transfer back to its source, `accountId`, because its time is over. */
const Expire = z.object({
  type: z.literal('expire'),
  accountId: AccountId,
  transferId: TransferId,
});

/**
 * Set money aside on `accountId`, the destination of an earlier transfer, to pay it back to that
 * one's source, `to`: all that is left of it, or `amount`.
 */
const Reverse = z.object({
  type: z.literal('reverse'),
  accountId: AccountId,
  transferId: TransferId,
  to: AccountId,
  /** The transfer that is reversed, and how much it paid in; 0: nothing, or nothing yet. */
  reverses: z.object({ transferId: TransferId, amount: Limit }),
  amount: z.optional(Amount),
  currency: Currency,
  reference: z.optional(Reference),
});

/** A signed amount: what a leg pays in, or, below 0, out. */
const SignedAmount = z
  .int('must be an integer in minor units, not 0')
  .check(z.refine((amount) => amount !== 0, 'must not be 0'))
  .brand<'MinorUnits'>();

/** An account's part in a posting. */
export const Leg = z.object({ accountId: AccountId, amount: SignedAmount });
export type Leg = z.infer<typeof Leg>;

/**
 * Move money between 2 to 20 accounts at once, `accountId` that of the first leg: all legs land, or
 * none does.
 */
const Post = z.object({
  type: z.literal('post'),
  accountId: AccountId,
  postingId: PostingId,
  legs: z.array(Leg),
  reference: z.optional(Reference),
  metadata: z.optional(Metadata),
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
  /** The transfer's own, for the line of the statement. */
  reference: z.optional(Reference),
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
  Amend,
  Freeze,
  Unfreeze,
  Close,
  Deposit,
  Withdraw,
  Reserve,
  Hold,
  Capture,
  VoidHold,
  Expire,
  Reverse,
  Post,
  Credit,
  Settle,
  Release,
]);
export type Command = z.infer<typeof Command>;

/**
 * The version of {@link Command}'s shape. This code decides pending commands of this one and of
 * those before it, and of no later one: what it does not know of a command may be what matters.
 */
export const COMMAND_SCHEMA = 2;

type OpenAccount = z.infer<typeof OpenAccount>;
type Amend = z.infer<typeof Amend>;
type Freeze = z.infer<typeof Freeze>;
type Unfreeze = z.infer<typeof Unfreeze>;
type Close = z.infer<typeof Close>;
type Hold = z.infer<typeof Hold>;
type Capture = z.infer<typeof Capture>;
type VoidHold = z.infer<typeof VoidHold>;
type Expire = z.infer<typeof Expire>;
type Reverse = z.infer<typeof Reverse>;
type Post = z.infer<typeof Post>;
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
export type Debit = Omit<Credit, 'type' | 'from'> & {
  readonly type: 'debit';
  readonly to: AccountId;
  readonly counterpartyVersion: Version;
  readonly metadata?: Metadata | undefined;
};

/**
 * What is asked of one account: a whole command, or its part in one that is carried out on several
 * accounts at once. A part is decided where it is made, and stored nowhere.
 */
export type Part = Exclude<Command, Post> | Debit | CreditAtOnce | PostLeg;

/** The credit of a debit, which `counterpartyVersion` is the version of. */
type CreditAtOnce = Credit & { readonly counterpartyVersion: Version };

/** A leg of a posting, which is kept in `currency`, at its own account. */
interface PostLeg extends Leg {
  readonly type: 'leg';
  readonly postingId: PostingId;
  readonly currency: Currency | undefined;
  readonly reference?: string | undefined;
}

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
  'account_not_empty',
  'limit_in_use',
  'exceeds_hold',
  'hold_expired',
  'hold_voided',
  'hold_captured',
  'not_held',
  'already_reversed',
  'not_settled',
  'unbalanced_legs',
  /** No code of the contract: the hold is gone from the account, and what it ended with stands elsewhere. */
  'hold_ended',
  /** No code of the contract: what is said of the account has changed meanwhile. */
  'described_anew',
]);
export type RejectionCode = z.infer<typeof RejectionCode>;

/**
 * A refusal, as a value. It is recorded with the command's id and answered again for ever, so it
 * carries its own words. `detail` is one sentence for the caller. `available` comes with
 * `insufficient_funds` and `limit_in_use`: the account's balance less its reservations, in minor
 * units. With an overdraft the account could have paid more, up to its limit. `reversible` comes
 * with `already_reversed`: how much of the transfer can still be taken back. `leg` is the index of
 * the leg for which a posting is refused. `transferId` comes with `hold_ended`: whose hold it was.
 */
export const Rejection = z.object({
  code: RejectionCode,
  detail: z.string(),
  available: z.optional(MinorUnits),
  reversible: z.optional(MinorUnits),
  leg: z.optional(z.int()),
  transferId: z.optional(TransferId),
});
export type Rejection = z.infer<typeof Rejection>;

// What it decides

/**
 * The ledger's decision on a command: the events that follow (none, where it is already true), or
 * the rejection. `draw` is what it takes, or, below 0, gives back, of the part of a transfer that
 * can still be reversed: it must be written in the transaction of the events.
 */
export type Decision =
  | {
      readonly outcome: 'accepted';
      readonly events: readonly AccountEvent[];
      readonly draw?: Draw | undefined;
    }
  | { readonly outcome: 'rejected'; readonly rejection: Rejection };

/** A change, in minor units, of how much of a transfer its reversals have taken back. */
export interface Draw {
  readonly transferId: TransferId;
  readonly amount: number;
}

/** What a decision depends on besides the account. */
export interface Circumstances {
  /** The time of the commit that the decision will be in. */
  readonly at: Timestamp;
  /**
   * How much of a transfer its reversals have taken back, minor units; asked for where {@link
   * reversedBy} names one.
   */
  readonly reversed: number;
}

/**
 * The transfer whose reversals a command's decision depends on, or changes.
 * @param account the account that the command is for.
 */
export const reversedBy = (command: Part, account: Account | undefined): TransferId | undefined => {
  if (command.type === 'reverse') return command.reverses.transferId;
  if (command.type === 'release') return reservationOf(account, command.transferId)?.reverses;
  return undefined;
};

/**
 * Decides a command on an account as it stands. Pure: the same command on the same state at the
 * same time is decided the same way.
 * @param command what is asked of the account.
 * @param account its state; `undefined` where it was never opened.
 * @param circumstances the time, and what stands beside the account.
 * @returns the events to append, or the rejection. A command that was done before is accepted with
 *   no events: a reserve whose reservation is open, a settle or release whose reservation is gone,
 *   a freeze of what is frozen.
 */
export const decide = (
  command: Part,
  account: Account | undefined,
  { at, reversed }: Circumstances,
): Decision => {
  if (command.type === 'open') return open(command, account);
  // Where nothing was paid in, it is no matter what there is to take it back from.
  if (command.type === 'reverse' && command.reverses.amount === 0)
    return rejected(
      'not_settled',
      `Transfer ${command.reverses.transferId} has not paid anything in.`,
    );
  if (!account) return rejected('account_not_found', `There is no account ${command.accountId}.`);
  switch (command.type) {
    case 'amend':
      return amend(command, account);
    case 'freeze':
      return freeze(command, account);
    case 'unfreeze':
      return unfreeze(command, account);
    case 'close':
      return close(command, account);
    case 'deposit':
      return deposit(command, account);
    case 'withdraw':
      return withdraw(command, account);
    case 'reserve':
      return reserve(command, account);
    case 'hold':
      return hold(command, account, at);
    case 'capture':
      return capture(command, account, at);
    case 'void':
      return voidHold(command, account);
    case 'expire':
      return expire(command, account, at);
    case 'reverse':
      return reverse(command, account, reversed);
    case 'leg':
      return leg(command, account);
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
 * of its transfer; for a posting, those of its legs.
 */
export const accountsOf = (command: Command): readonly AccountId[] => {
  if (command.type === 'post') return command.legs.map(({ accountId }) => accountId);
  return command.type === 'reserve' && command.to !== command.accountId
    ? [command.accountId, command.to]
    : [command.accountId];
};

/** An account's place in a decision on several accounts: its state, and its stream's version. */
export interface AccountAt {
  readonly account: Account | undefined;
  readonly version: number;
}

/**
 * What a command asks of each of its accounts where it is carried out at once: for a reserve, to
 * pay the transfer out and in, without a reservation; for a posting, its legs. Every part leads to
 * one event.
 * @param stateOf each of the accounts as it stands.
 * @returns one command for each account, the one for `command.accountId` first; `undefined` where
 *   the command cannot be carried out at once.
 */
export const partsOf = (
  command: Command,
  stateOf: (accountId: AccountId) => AccountAt,
): readonly [Part, ...Part[]] | undefined => {
  if (command.type === 'post') return legsOf(command, stateOf);
  if (command.type !== 'reserve') return undefined;
  const { accountId, transferId, to, amount } = command;
  const source = stateOf(accountId);
  if (!source.account || reservationOf(source.account, transferId)) return undefined;
  const currency = command.currency ?? source.account.currency;
  const both = { transferId, amount, currency, ...referenceOf(command) };
  const next = (id: AccountId) => Version.parse(stateOf(id).version + 1);
  return [
    {
      type: 'debit',
      accountId,
      to,
      ...both,
      ...metadataOf(command),
      counterpartyVersion: next(to),
    },
    {
      type: 'credit',
      accountId: to,
      from: accountId,
      ...both,
      counterpartyVersion: next(accountId),
    },
  ];
};

/**
 * Why a command is refused whatever its accounts are: a posting whose legs do not add up to 0. Like
 * any rejection it is recorded, and the key is spent.
 */
export const refusalOfWhole = (command: Command): Rejection | undefined => {
  if (command.type !== 'post') return undefined;
  const sum = command.legs.reduce((total, { amount }) => total + BigInt(amount), 0n);
  if (sum === 0n) return undefined;
  return {
    code: 'unbalanced_legs',
    detail: `The amounts of the legs add up to ${sum}, not to 0: what goes out of some accounts goes into others.`,
  };
};

/**
 * Which refusal is told. Of a posting's legs first one that takes money out, for the caller owns its
 * account: what another's account could not take in would tell how much is in it to whoever has
 * nothing to pay with.
 * @param decisions on its parts, in their order.
 * @returns its index; −1: none is refused.
 */
export const refusedPart = (
  command: Command,
  decisions: readonly Pick<Decision, 'outcome'>[],
): number => {
  const isRefused = (index: number) => decisions[index]?.outcome === 'rejected';
  const legs = command.type === 'post' ? command.legs : [];
  const out = legs.findIndex(({ amount }, index) => amount < 0 && isRefused(index));
  return out >= 0 ? out : decisions.findIndex((_, index) => isRefused(index));
};

/** A posting is in the currency of the first of its accounts that there is. */
const legsOf = (
  { postingId, legs, reference }: Post,
  stateOf: (accountId: AccountId) => AccountAt,
): readonly [Part, ...Part[]] | undefined => {
  const accounts = legs.map(({ accountId }) => stateOf(accountId).account);
  const currency = accounts.find((account) => account !== undefined)?.currency;
  const [first, ...others] = legs.map(
    (leg): PostLeg => ({ type: 'leg', postingId, ...leg, currency, ...referenceOf({ reference }) }),
  );
  return first && [first, ...others];
};

const open = (
  { accountId, owner, currency, overdraftLimit, name, metadata }: OpenAccount,
  account: Account | undefined,
): Decision =>
  account
    ? rejected('account_already_exists', `There is an account ${accountId} already.`)
    : accepted({
        type: 'AccountOpened',
        v: 2,
        data: { owner, currency, overdraftLimit, ...detailsOf({ name, metadata }) },
      });

const amend = ({ accountId, described, overdraftLimit }: Amend, account: Account): Decision => {
  if (account.status === 'closed') return notOpen(accountId, account);
  if (described && described.describedAt !== (account.describedAt ?? 0))
    return rejected('described_anew', `Account ${accountId} was described anew meanwhile.`);
  if (overdraftLimit !== undefined && available(account) < -overdraftLimit) {
    return {
      outcome: 'rejected',
      rejection: {
        code: 'limit_in_use',
        detail: `${available(account)} available: the limit cannot fall below what is in use.`,
        available: available(account),
      },
    };
  }
  const events: AccountEvent[] = [];
  if (described) events.push({ type: 'AccountDescribed', v: 1, data: detailsOf(described) });
  if (overdraftLimit !== undefined && overdraftLimit !== account.overdraftLimit)
    events.push({ type: 'OverdraftLimitChanged', v: 1, data: { overdraftLimit } });
  return accepted(...events);
};

const freeze = ({ accountId, scope, reason }: Freeze, account: Account): Decision => {
  if (account.status === 'closed') return notOpen(accountId, account);
  if (account.frozen === scope) return accepted();
  return accepted({ type: 'AccountFrozen', v: 1, data: { scope, ...reasonOf({ reason }) } });
};

const unfreeze = ({ accountId, reason }: Unfreeze, account: Account): Decision => {
  if (account.status === 'closed') return notOpen(accountId, account);
  if (account.status === 'open') return accepted();
  return accepted({ type: 'AccountUnfrozen', v: 1, data: reasonOf({ reason }) });
};

// What is frozen stays as it is: whoever froze it decides when it may be closed.
const close = ({ accountId }: Close, account: Account): Decision => {
  if (account.status === 'closed') return accepted();
  if (account.status === 'frozen') return notOpen(accountId, account);
  if (account.balance !== 0 || account.reserved !== 0) {
    return rejected(
      'account_not_empty',
      `Account ${accountId} has a balance of ${account.balance} and ${account.reserved} reserved; to be closed it must have neither.`,
    );
  }
  return accepted({ type: 'AccountClosed', v: 1, data: {} });
};

const deposit = (command: Deposit, account: Account): Decision =>
  refusal(command, account, 'in') ??
  incoming(command.amount, account) ??
  accepted({
    type: 'MoneyDeposited',
    v: 1,
    data: { amount: command.amount, ...referenceOf(command) },
  });

const withdraw = (command: Withdraw, account: Account): Decision =>
  refusal(command, account, 'out') ??
  outgoing(command.amount, account) ??
  accepted({
    type: 'MoneyWithdrawn',
    v: 1,
    data: { amount: command.amount, ...referenceOf(command) },
  });

const reserve = (command: Reserve, account: Account): Decision =>
  setAside(command, account, () =>
    accepted({ type: 'MoneyReserved', v: 1, data: termsOf(command, account, command.amount) }),
  );

/** How long a hold rests where nothing is said of that: 7 days, in milliseconds. */
const HOLD_MS = 7 * 24 * 60 * 60_000;

const hold = (command: Hold, account: Account, at: Timestamp): Decision =>
  setAside(command, account, () => {
    const expiresAt =
      command.expiresAt ?? Timestamp.parse(new Date(Date.parse(at) + HOLD_MS).toISOString());
    if (expiresAt <= at) return rejected('hold_expired', `The hold would end at ${expiresAt}.`);
    const terms = termsOf(command, account, command.amount);
    return accepted({ type: 'MoneyHeld', v: 1, data: { ...terms, expiresAt } });
  });

/** @param reversed how much of the transfer other reversals have taken back. */
const reverse = (command: Reverse, account: Account, reversed: number): Decision => {
  const { transferId, amount: paid } = command.reverses;
  const reversible = MinorUnits.parse(paid - reversed);
  const amount = command.amount ?? reversible;
  const refuseTooMuch = (): Decision | undefined => {
    if (amount > 0 && amount <= reversible) return undefined;
    const detail = `${reversible} of transfer ${transferId} can still be reversed.`;
    return { outcome: 'rejected', rejection: { code: 'already_reversed', detail, reversible } };
  };
  return setAside(
    { ...command, amount },
    account,
    () => ({
      outcome: 'accepted',
      events: [
        {
          type: 'MoneyReserved',
          v: 1,
          data: { ...termsOf(command, account, amount), reverses: transferId },
        },
      ],
      draw: { transferId, amount },
    }),
    refuseTooMuch,
  );
};

/**
 * Sets money aside for a transfer, whichever way it goes on from there.
 * @param whySooner a refusal that comes before that for want of money.
 */
const setAside = (
  command: Pick<Reserve, 'accountId' | 'transferId' | 'to' | 'currency'> & {
    readonly amount: number;
  },
  account: Account,
  toAccepted: () => Decision,
  whySooner: () => Decision | undefined = () => undefined,
): Decision => {
  const { accountId, transferId, to, amount } = command;
  if (to === accountId)
    return rejected('same_account', `A transfer needs two accounts; both are ${accountId}.`);
  // Sent again: its key's record has the outcome.
  if (reservationOf(account, transferId)) return accepted();
  return (
    refusal(command, account, 'out') ??
    whySooner() ??
    outgoing(amount, account) ??
    reservable(amount, account) ??
    toAccepted()
  );
};

/** What an event says of the transfer that money is set aside for. */
const termsOf = (
  {
    transferId,
    to,
    reference,
    metadata,
  }: Pick<Reserve, 'transferId' | 'to' | 'reference' | 'metadata'>,
  { currency }: Account,
  amount: number,
) => ({
  transferId,
  to,
  amount: Amount.parse(amount),
  currency,
  ...referenceOf({ reference }),
  ...metadataOf({ metadata }),
});

const capture = (command: Capture, account: Account, at: Timestamp): Decision => {
  const { accountId, transferId } = command;
  const found = heldOf(transferId, account);
  if ('outcome' in found) return found;
  const { to, amount: heldAmount, expiresAt } = found;
  const amount = command.amount ?? heldAmount;
  if (account.status !== 'open') return notOpen(accountId, account);
  if (at >= expiresAt)
    return rejected('hold_expired', `The hold of transfer ${transferId} ended at ${expiresAt}.`);
  if (amount > heldAmount)
    return rejected('exceeds_hold', `${heldAmount} is held, ${amount} asked for.`);
  return accepted({
    type: 'HoldCaptured',
    v: 1,
    data: {
      transferId,
      to,
      amount,
      heldAmount,
      currency: account.currency,
      ...referenceOf(command),
    },
  });
};

const voidHold = ({ transferId }: VoidHold, account: Account): Decision => {
  const found = heldOf(transferId, account);
  return 'outcome' in found ? found : givenBack(transferId, found.amount, 'voided');
};

const expire = ({ transferId }: Expire, account: Account, at: Timestamp): Decision => {
  const found = heldOf(transferId, account);
  // It was captured or voided, or its time is not over by the clock of this commit.
  if ('outcome' in found || at < found.expiresAt) return accepted();
  return givenBack(transferId, found.amount, 'expired');
};

/** The hold of a transfer while it rests, or the refusal of whoever wants to end it. */
const heldOf = (transferId: TransferId, account: Account) => {
  const reservation = reservationOf(account, transferId);
  if (!reservation)
    return {
      outcome: 'rejected' as const,
      rejection: {
        code: 'hold_ended' as const,
        detail: `Transfer ${transferId} is held no more, or never was.`,
        transferId,
      },
    };
  const { to, amount, hold } = reservation;
  if (!hold) return rejected('not_held', `Transfer ${transferId} was never held.`);
  return isHeld(reservation)
    ? { to, amount, expiresAt: hold.expiresAt }
    : rejected('hold_captured', `The hold of transfer ${transferId} was captured.`);
};

const givenBack = (
  transferId: TransferId,
  amount: Reservation['amount'],
  reason: string,
): Decision =>
  accepted({ type: 'ReservationCancelled', v: 1, data: { transferId, amount, reason } });

const leg = (command: PostLeg, account: Account): Decision => {
  const { amount, postingId } = command;
  const isIn = amount > 0;
  const moved = Amount.parse(Math.abs(amount));
  const data = { amount: moved, ...referenceOf(command), postingId };
  return (
    refusal(command, account, isIn ? 'in' : 'out') ??
    (isIn ? incoming(moved, account) : outgoing(moved, account)) ??
    accepted({ type: isIn ? 'MoneyDeposited' : 'MoneyWithdrawn', v: 1, data })
  );
};

const credit = (command: Credit | CreditAtOnce, account: Account): Decision => {
  const { transferId, from, amount } = command;
  return (
    refusal(command, account, 'in') ??
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
    refusal(command, account, 'out') ??
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
        ...metadataOf(command),
      },
    })
  );
};

// A settle or a release goes through whatever has become of the account since: the account promised
// the money while it was open. A hold rests: nobody but its capture makes it one to carry out.
const settle = (command: Settle, account: Account): Decision => {
  const { transferId } = command;
  const reservation = reservationOf(account, transferId);
  if (!reservation || isHeld(reservation)) return accepted();
  const { amount, to } = reservation;
  return accepted(
    { type: 'ReservationCancelled', v: 1, data: { transferId, amount } },
    {
      type: 'MoneyWithdrawn',
      v: 1,
      data: { amount, ...referenceOf(command), transferId, counterparty: to },
    },
  );
};

const release = ({ transferId, reason }: Release, account: Account): Decision => {
  const reservation = reservationOf(account, transferId);
  if (!reservation || isHeld(reservation)) return accepted();
  const { amount, reverses } = reservation;
  return {
    outcome: 'accepted',
    events: [{ type: 'ReservationCancelled', v: 1, data: { transferId, amount, reason } }],
    ...(reverses === undefined ? {} : { draw: { transferId: reverses, amount: -amount } }),
  };
};

/** @param way whether money comes in or goes out: an account may be frozen one way alone. */
const refusal = (
  command: { readonly accountId: AccountId; readonly currency?: Currency | undefined },
  account: Account,
  way: 'in' | 'out',
): Decision | undefined => {
  const isRefused =
    account.status === 'closed' ||
    (account.status === 'frozen' && !(way === 'in' && account.frozen === 'debits'));
  if (isRefused) return notOpen(command.accountId, account);
  if (command.currency !== undefined && command.currency !== account.currency) {
    return rejected(
      'currency_mismatch',
      `Account ${command.accountId} is kept in ${account.currency}, not in ${command.currency}.`,
    );
  }
  return undefined;
};

const notOpen = (accountId: AccountId, { status }: Account) =>
  rejected('account_not_open', `Account ${accountId} is ${status}.`);

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

type Accepted = Extract<Decision, { outcome: 'accepted' }>;
type Rejected = Extract<Decision, { outcome: 'rejected' }>;

const accepted = (...events: AccountEvent[]): Accepted => ({ outcome: 'accepted', events });

const rejected = (code: RejectionCode, detail: string): Rejected => ({
  outcome: 'rejected',
  rejection: { code, detail },
});

const referenceOf = ({ reference }: { readonly reference?: string | undefined }) =>
  reference === undefined ? {} : { reference };

const metadataOf = ({ metadata }: { readonly metadata?: Metadata | undefined }) =>
  metadata === undefined ? {} : { metadata };

const reasonOf = ({ reason }: { readonly reason?: string | undefined }) =>
  reason === undefined ? {} : { reason };

const detailsOf = ({
  name,
  metadata,
}: {
  readonly name?: string | undefined;
  readonly metadata?: Metadata | undefined;
}) => ({ ...(name === undefined ? {} : { name }), ...metadataOf({ metadata }) });
