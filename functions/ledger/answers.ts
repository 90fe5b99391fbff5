import * as z from 'zod/mini';
import type { RecordedEvent } from '../../events/event.ts';
import {
  AccountId,
  AccountName,
  type Caller,
  type Currency,
  FreezeScope,
  Metadata,
  MinorUnits,
  type Timestamp,
  Version,
} from '../../events/values.ts';
import {
  Account,
  available,
  type Command,
  type Debit,
  isHeld,
  type Leg,
  type Part,
  type Reservation,
  reservationOf,
} from './account.ts';
import { Posting } from './posting.ts';
import { Entry, entryOf } from './statement.ts';
import { Transfer, type TransferStep } from './transfer.ts';

// What the ledger answers to an accepted command. The rules by which it decides stand in
// `account.ts`.

/** An account as the API shows it: its state, without its reservations, at a version. */
export const AccountView = z.object({
  accountId: AccountId,
  name: z.optional(AccountName),
  owner: Account.shape.owner,
  currency: Account.shape.currency,
  status: Account.shape.status,
  frozen: z.optional(FreezeScope),
  balance: MinorUnits,
  reserved: MinorUnits,
  available: MinorUnits,
  overdraftLimit: Account.shape.overdraftLimit,
  version: Version,
  openedAt: Account.shape.openedAt,
  closedAt: Account.shape.closedAt,
  metadata: z.optional(Metadata),
});
export type AccountView = z.infer<typeof AccountView>;

/**
 * An account as the ledger knows it: its name and metadata stand in the event of version
 * `describedAt`, from which whoever shows the account takes them.
 */
export type UndescribedAccount = Omit<AccountView, 'name' | 'metadata'> & {
  readonly describedAt?: Version;
};

/** `availableAfter`: of the caller's own account, in minor units. */
const own = { availableAfter: z.optional(MinorUnits) };

/** The answer to a deposit and a withdrawal. */
export const EntryAnswer = z.extend(Entry, own);

/** The answer to a request for a transfer. */
export const TransferAnswer = z.extend(Transfer, own);

/** The answer to a posting. */
export const PostingAnswer = z.extend(Posting, own);

/**
 * What the caller of an accepted command hears: the account as it is, the statement line, the
 * transfer, the posting.
 */
export const Answer = z.union([AccountView, EntryAnswer, TransferAnswer, PostingAnswer]);
export type Answer =
  | UndescribedAccount
  | z.infer<typeof EntryAnswer>
  | z.infer<typeof TransferAnswer>
  | z.infer<typeof PostingAnswer>;

/** A command that was accepted, and what came of it on its account. */
export interface AcceptedPart {
  readonly command: Part;
  /** The account as the command was decided on it. */
  readonly before: Account | undefined;
  /** The account once `events` are applied. */
  readonly account: Account;
  /** As recorded; none where it was true already. */
  readonly events: readonly RecordedEvent[];
  /** The version that `account` is the fold of. */
  readonly version: Version;
  /** Whoever asked for it. */
  readonly actor: Caller;
}

/**
 * Makes the answer to an accepted command. It is recorded with the command's id, so that a repeat
 * hears the same.
 * @returns the answer; without events, the transfer as its open reservation has it, or the account
 *   as it is. `undefined` for what the ledger asks of itself (settle, release, expire), whose answer
 *   nobody waits for, and for a leg: see {@link postingAnswer}.
 * @throws {Error} where a reserve was accepted and the account has no such reservation: a bug in
 *   the ledger.
 */
export const answerOf = ({
  command,
  before,
  account,
  events,
  version,
  actor,
}: AcceptedPart): Answer | undefined => {
  const { accountId } = command;
  const ofOwner = availableAfter(account, actor);
  switch (command.type) {
    case 'open':
    case 'amend':
    case 'freeze':
    case 'unfreeze':
    case 'close':
      return accountView(accountId, account, version);
    case 'deposit':
    case 'withdraw':
    case 'credit': {
      const event = events.at(-1);
      const entry = event && entryOf(accountId, event, account.balance);
      if (!entry) return accountView(accountId, account, version);
      // Nobody who may know what the destination has hears of a credit.
      return command.type === 'credit' ? entry : { ...entry, ...ofOwner };
    }
    case 'reserve':
    case 'hold':
    case 'reverse':
    case 'capture':
      return { ...setAsideFor(command, account), ...ofOwner };
    case 'void':
      return { ...voided(command, before, events.at(-1)), ...ofOwner };
    case 'debit':
      return { ...transferAtOnce(command, events.at(-1)), ...ofOwner };
    case 'leg':
    case 'settle':
    case 'release':
    case 'expire':
      return undefined;
  }
};

/**
 * What an account has available, for its owner alone.
 * @param actor whoever hears of it.
 */
const availableAfter = (
  account: Account,
  actor: Caller,
): { readonly availableAfter?: MinorUnits } =>
  account.owner === actor ? { availableAfter: available(account) } : {};

/** A command that sets money aside, or finds it set aside. */
type SetAside = Extract<Command, { type: 'reserve' | 'hold' | 'reverse' | 'capture' }>;

/**
 * The transfer of a reservation that is open on its source. A repeat hears of the open reservation,
 * not of the one it asks for.
 */
const setAsideFor = (command: SetAside, account: Account): Transfer => {
  const { accountId: from, transferId } = command;
  const reservation = reservationOf(account, transferId);
  if (!reservation) {
    throw new Error(
      `a ${command.type} on ${from} was accepted, and its transfer ${transferId} is not reserved`,
    );
  }
  const { reference } = command;
  const metadata = 'metadata' in command ? command.metadata : undefined;
  const { amount, version, at } = reservation;
  const steps: TransferStep[] = [];
  if (reservation.hold) steps.push(heldStep(from, reservation.hold));
  if (!isHeld(reservation)) steps.push({ step: 'reserved', accountId: from, version, at });
  return {
    ...transferOfReservation(from, account.currency, reservation),
    amount,
    status: isHeld(reservation) ? 'held' : 'reserved',
    ...(reference === undefined ? {} : { reference }),
    ...(metadata === undefined ? {} : { metadata }),
    steps,
  };
};

/** The transfer of a hold that was given back. */
const voided = (
  { accountId: from, transferId }: Extract<Command, { type: 'void' }>,
  before: Account | undefined,
  event: RecordedEvent | undefined,
): Transfer => {
  const reservation = reservationOf(before, transferId);
  if (!before || !reservation?.hold || event?.type !== 'ReservationCancelled')
    throw new Error(`a void on ${from} was accepted, and its transfer ${transferId} was not held`);
  const { version, at } = event;
  return {
    ...transferOfReservation(from, before.currency, reservation),
    status: 'released',
    reason: event.data.reason ?? 'voided',
    endedAt: at,
    steps: [heldStep(from, reservation.hold), { step: 'released', accountId: from, version, at }],
  };
};

const heldStep = (
  accountId: AccountId,
  { version, at }: { readonly version: Version; readonly at: Timestamp },
): TransferStep => ({ step: 'held', accountId, version, at });

const transferOfReservation = (
  from: AccountId,
  currency: Currency,
  { transferId, to, amount, at, hold, reverses }: Reservation,
) => ({
  transferId,
  from,
  to,
  amount,
  currency,
  ...(hold ? { heldAmount: hold.amount, expiresAt: hold.expiresAt } : {}),
  ...(reverses === undefined ? {} : { reverses }),
  requestedAt: hold?.at ?? at,
});

/** The transfer of a debit: credited and settled by one transaction. */
const transferAtOnce = (command: Debit, event: RecordedEvent | undefined): Transfer => {
  const { accountId, transferId, to, amount, currency, reference, metadata } = command;
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
    ...(metadata === undefined ? {} : { metadata }),
    requestedAt: at,
    endedAt: at,
    steps: [
      { step: 'credited', accountId: to, version: command.counterpartyVersion, at },
      { step: 'settled', accountId, version, at },
    ],
  };
};

/**
 * The answer to a posting whose legs have landed.
 * @param legs each leg, with its account once it landed and the version of its event there.
 * @param at the time of the first one's commit.
 * @param actor whoever asked for it: it hears what its own account has available where only one of
 *   the accounts is its own.
 */
export const postingAnswer = (
  { postingId, reference, metadata }: Extract<Command, { type: 'post' }>,
  legs: readonly (Leg & { readonly account: Account; readonly version: Version })[],
  at: Timestamp,
  actor: Caller,
): z.infer<typeof PostingAnswer> => {
  const [first] = legs;
  if (!first) throw new Error(`posting ${postingId} has no legs`);
  const owned = legs.filter(({ account }) => account.owner === actor);
  const [only, ...others] = owned;
  return {
    postingId,
    currency: first.account.currency,
    legs: legs.map(({ accountId, amount, version }) => ({ accountId, amount, version })),
    at,
    ...(reference === undefined ? {} : { reference }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(only && others.length === 0 ? availableAfter(only.account, actor) : {}),
  };
};

/**
 * An account as the ledger knows it.
 * @param version the version that `account` is the fold of.
 */
export const accountView = (
  accountId: AccountId,
  account: Omit<Account, 'reservations'>,
  version: Version,
): UndescribedAccount => ({
  accountId,
  owner: account.owner,
  currency: account.currency,
  status: account.status,
  ...(account.frozen === undefined ? {} : { frozen: account.frozen }),
  balance: account.balance,
  reserved: account.reserved,
  available: available(account),
  overdraftLimit: account.overdraftLimit,
  version,
  openedAt: account.openedAt,
  ...(account.closedAt === undefined ? {} : { closedAt: account.closedAt }),
  ...(account.describedAt === undefined ? {} : { describedAt: account.describedAt }),
});
