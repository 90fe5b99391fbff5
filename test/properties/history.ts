import fc from 'fast-check';
import type { AccountEvent, RecordedEvent } from '../../events/event.ts';
import { MAX_MINOR_UNITS as MAX, Timestamp, TransferId, Version } from '../../events/values.ts';
import {
  type Account,
  Command,
  type Draw,
  decide,
  evolve,
  isHeld,
  type Part,
  partsOf,
  type Rejection,
  refusedPart,
  reservationOf,
  reversedBy,
} from '../../functions/ledger/account.ts';

/** Some accounts, and what their owners, the bank, the transfers' workflow and chance do with them. */
export interface Scenario {
  readonly openings: readonly Opening[];
  readonly steps: readonly Step[];
}

type Opening = {
  readonly account: number;
  readonly currency: string;
  readonly overdraftLimit: number;
};
type Movement = {
  readonly account: number;
  readonly amount: number;
  readonly currency: string | undefined;
};
type OfTransfer = { readonly transfer: number };

/**
 * Accounts, and the transfers and commands so far, are meant by number: a step stays possible when
 * others are taken away.
 */
type Step =
  | ({ readonly step: 'open' } & Opening)
  | ({ readonly step: 'deposit' | 'withdraw' } & Movement)
  | ({ readonly step: 'transfer'; readonly to: number; readonly isAtOnce: boolean } & Movement)
  | ({ readonly step: 'hold'; readonly to: number; readonly lasts: number } & Movement)
  | ({ readonly step: 'capture'; readonly amount: number | undefined } & OfTransfer)
  | ({ readonly step: 'void' | 'expire' } & OfTransfer)
  /** Part or all of a transfer that was credited is taken back. */
  | ({ readonly step: 'reverse'; readonly amount: number | undefined } & OfTransfer)
  | { readonly step: 'post'; readonly first: number; readonly amounts: readonly number[] }
  /** A command is sent again without a key, as by a client that heard nothing. */
  | { readonly step: 'again'; readonly moment: number }
  /** The workflow pays in; the store knows the command's id, so only the first time is decided. */
  | ({ readonly step: 'credit' } & OfTransfer)
  /**
   * The workflow settles or releases as the credit was decided; again and again, as a retry may.
   */
  | ({ readonly step: 'end' } & OfTransfer)
  /** The destination of a transfer under way is frozen before its credit, and so it is released. */
  | ({ readonly step: 'refused' } & OfTransfer)
  /** What has no business on the account it is sent to. */
  | ({
      readonly step: 'stray';
      readonly type: 'settle' | 'release' | 'capture' | 'void' | 'expire';
      readonly account: number;
    } & OfTransfer)
  | {
      readonly step: 'freeze';
      readonly account: number;
      readonly scope: 'debits' | 'all';
    }
  | { readonly step: 'unfreeze'; readonly account: number }
  /** @see emptied: whether all money is paid out before. */
  | { readonly step: 'close'; readonly account: number; readonly emptied: boolean }
  | { readonly step: 'amend'; readonly account: number; readonly overdraftLimit: number }
  /** The clock that dates the next commits goes on, or back. */
  | { readonly step: 'clock'; readonly by: number };

/** What a command changed on one account. */
export interface Change {
  readonly accountId: string;
  readonly part: Part;
  readonly before: Account | undefined;
  readonly events: readonly RecordedEvent[];
  /** The account after each of the events. */
  readonly states: readonly Account[];
}

/** One command that was decided, and all that came of it. */
export interface Moment {
  readonly command: Command;
  readonly isAtOnce: boolean;
  /** The time of the commits. */
  readonly at: Timestamp;
  readonly outcome: Rejection['code'] | 'done' | 'done before';
  /** What of the transfer it reverses was reversed before. */
  readonly reversed: number;
  /** What it took, or gave back, of the transfer that it reverses. */
  readonly draw: Draw | undefined;
  /** One for each of its accounts; none where it was rejected. */
  readonly changes: readonly Change[];
}

// Ids that every object knows something under are ids as good as others.
const accountIds = ['a1', 'b1', 'toString', 'd1'] as const;
const transferIds = ['t0', 'constructor', '__proto__', 't3', 'hasOwnProperty'] as const;

const account = fc.nat(accountIds.length - 1);
const transfer = fc.nat(transferIds.length + 6);
const currency = fc.oneof(
  { weight: 19, arbitrary: fc.constant('EUR') },
  { weight: 1, arbitrary: fc.constant('USD') },
);
const small = fc.integer({ min: 1, max: 100 });
const amount = fc.oneof(
  { weight: 16, arbitrary: small },
  { weight: 2, arbitrary: fc.constantFrom(MAX, MAX - 1, (MAX + 1) / 2) },
  { weight: 1, arbitrary: small.map((less) => MAX - less) },
);
const overdraftLimit = fc.oneof(fc.constant(0), small, fc.constantFrom(MAX, MAX - 1));
const opening = { account, currency, overdraftLimit };
const movement = { account, amount, currency: fc.option(currency, { nil: undefined, freq: 2 }) };
/** How long a hold lasts, in milliseconds: seldom no time at all. */
const lasts = fc.oneof(
  { weight: 1, arbitrary: fc.constant(0) },
  { weight: 9, arbitrary: fc.integer({ min: 1, max: 5_000 }) },
);
const part = fc.option(small, { nil: undefined, freq: 2 });

const some = (weight: number, arbitrary: fc.Arbitrary<Step>) => ({ weight, arbitrary });
const is = <Name extends Step['step']>(name: Name) => fc.constant(name);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  some(1, fc.record({ step: is('open'), ...opening })),
  some(8, fc.record({ step: is('deposit'), ...movement })),
  some(4, fc.record({ step: is('withdraw'), ...movement })),
  some(10, fc.record({ step: is('transfer'), to: account, isAtOnce: fc.boolean(), ...movement })),
  some(8, fc.record({ step: is('hold'), to: account, lasts, ...movement })),
  some(5, fc.record({ step: is('capture'), transfer, amount: part })),
  some(2, fc.record({ step: is('void'), transfer })),
  some(3, fc.record({ step: is('expire'), transfer })),
  some(6, fc.record({ step: is('reverse'), transfer, amount: part })),
  some(
    5,
    fc.record({
      step: is('post'),
      first: account,
      amounts: fc.array(
        fc.oneof(
          small,
          small.map((one) => -one),
          amount,
        ),
        {
          minLength: 1,
          maxLength: 3,
        },
      ),
    }),
  ),
  some(8, fc.record({ step: is('again'), moment: fc.nat(99) })),
  some(10, fc.record({ step: is('credit'), transfer })),
  some(10, fc.record({ step: is('end'), transfer })),
  some(3, fc.record({ step: is('refused'), transfer })),
  some(
    2,
    fc.record({
      step: is('stray'),
      type: fc.constantFrom('settle', 'release', 'capture', 'void', 'expire'),
      account,
      transfer,
    }),
  ),
  some(2, fc.record({ step: is('freeze'), account, scope: fc.constantFrom('debits', 'all') })),
  some(8, fc.record({ step: is('unfreeze'), account })),
  some(1, fc.record({ step: is('close'), account, emptied: fc.boolean() })),
  some(3, fc.record({ step: is('amend'), account, overdraftLimit })),
  some(6, fc.record({ step: is('clock'), by: fc.integer({ min: -2_000, max: 4_000 }) })),
);

/**
 * How many steps a scenario has. Some lead to no command, as the credit of a transfer that nobody
 * made: 140 come to more than 100 commands.
 */
const STEPS = 140;

/** Anything that can be asked of a few accounts, most of which are open, in any order. */
export const anyScenario: fc.Arbitrary<Scenario> = fc.record({
  openings: fc.uniqueArray(fc.record(opening), {
    minLength: 2,
    selector: ({ account }) => account,
  }),
  // As many as there are, and yet each can be taken away where a failure is made shorter.
  steps: fc
    .array(fc.option(anyStep, { nil: undefined, freq: 100 }), {
      minLength: STEPS,
      maxLength: STEPS,
      size: 'max',
    })
    .map((steps) => steps.filter((step) => step !== undefined)),
});

/**
 * Lets a scenario happen.
 * @returns every command that was decided, in order.
 * @throws where `decide` throws, changes an account it was given, or writes what `evolve` cannot
 *   follow.
 */
export const play = ({ openings, steps }: Scenario): Moment[] => {
  const accounts = new Map<string, AccountSoFar>();
  const transfers: Underway[] = [];
  const reversed = new Map<string, number>();
  const moments: Moment[] = [];
  let now = Date.parse('2026-11-21T12:00:00.000Z');

  const soFar = (accountId: string): AccountSoFar =>
    accounts.get(accountId) ?? { account: undefined, version: 0, at: '' };

  const send = (asked: object, isAtOnce = false): Moment['outcome'] => {
    const command = deepFreeze(Command.parse(asked));
    const parts =
      command.type === 'post' || isAtOnce ? partsOf(command, soFar) : ([command] as const);
    const at = timeAfter(parts?.map(({ accountId }) => soFar(accountId).at) ?? [], now);
    const original = parts && reversedBy(parts[0], soFar(command.accountId).account);
    const before = (original !== undefined && reversed.get(original)) || 0;
    const decisions =
      parts?.map((part) => ({
        part,
        ...decide(part, soFar(part.accountId).account, { at, reversed: before }),
      })) ?? [];
    const refused = decisions[refusedPart(command, decisions)];
    const changes: Change[] = [];
    let draw: Draw | undefined;
    for (const decision of refused ? [] : decisions) {
      if (decision.outcome === 'rejected') continue;
      const { accountId } = decision.part;
      const { account, version } = soFar(accountId);
      const events = deepFreeze(recorded(decision.events, version + 1, at));
      const states: Account[] = [];
      for (const event of events) states.push(deepFreeze(evolve(states.at(-1) ?? account, event)));
      const after = states.at(-1);
      if (after) accounts.set(accountId, { account: after, version: version + events.length, at });
      if (decision.draw) {
        draw = decision.draw;
        reversed.set(draw.transferId, before + draw.amount);
      }
      changes.push({ accountId, part: decision.part, before: account, events, states });
    }
    const outcome =
      refused?.outcome === 'rejected'
        ? refused.rejection.code
        : changes.some(({ events }) => events.length > 0)
          ? 'done'
          : 'done before';
    moments.push({ command, isAtOnce, at, outcome, reversed: before, draw, changes });
    return outcome;
  };

  const began = (transfer: Omit<Underway, 'currency'>): void => {
    const { currency } = soFar(transfer.from).account ?? {};
    transfers.push({ ...transfer, currency });
  };
  const chosen = ({ transfer }: OfTransfer): Underway | undefined =>
    transfers[transfer % transfers.length];

  const take = (step: Step): void => {
    switch (step.step) {
      case 'open':
        send(openingOf(step));
        return;
      case 'deposit':
      case 'withdraw':
        send({ type: step.step, ...movementOf(step) });
        return;
      case 'transfer':
      case 'hold': {
        const { accountId: from, amount, currency } = movementOf(step);
        const [transferId, to] = [transferIdOf(transfers.length), accountIdOf(step.to)];
        const request = { accountId: from, transferId, to, amount, currency };
        // A transfer to its own account, or from none, is never one at once.
        const isAtOnce =
          step.step === 'transfer' && step.isAtOnce && to !== from && accounts.has(from);
        const outcome =
          step.step === 'transfer'
            ? send({ type: 'reserve', ...request }, isAtOnce)
            : send({
                type: 'hold',
                ...request,
                expiresAt: new Date(now + step.lasts).toISOString(),
              });
        if (outcome === 'done')
          began({ transferId, from, to, amount, ...(isAtOnce ? { credit: 'done' } : {}) });
        return;
      }
      case 'capture':
      case 'void':
      case 'expire': {
        const transfer = chosen(step);
        if (!transfer) return;
        const { transferId, from: accountId } = transfer;
        const amount = step.step === 'capture' ? { amount: step.amount } : {};
        send({ type: step.step, accountId, transferId, ...amount });
        return;
      }
      case 'reverse': {
        const original = chosen(step);
        if (original?.credit !== 'done') return;
        const { to: from, from: to, currency } = original;
        const transferId = transferIdOf(transfers.length);
        const reverses = { transferId: original.transferId, amount: original.amount };
        const { amount } = step;
        const request = { accountId: from, transferId, to, reverses, amount, currency };
        if (send({ type: 'reverse', ...request }) !== 'done') return;
        const taken = openOf(soFar(from).account, transferId)?.amount;
        began({ transferId, from, to, amount: taken ?? 0 });
        return;
      }
      case 'post': {
        const legs = step.amounts.map((amount, n) => legOf(step.first + n, amount));
        // Numbers would round where legs add up to more than they keep exactly.
        const rest = -Number(step.amounts.reduce((all, one) => all + BigInt(one), 0n));
        if (rest === 0 || !Number.isSafeInteger(rest)) return;
        const all = [...legs, legOf(step.first + legs.length, rest)];
        const postingId = `p${moments.length}`;
        send({ type: 'post', accountId: all[0]?.accountId, postingId, legs: all });
        return;
      }
      case 'again': {
        const moment = moments[step.moment % moments.length];
        if (!moment) return;
        const { command, isAtOnce } = moment;
        // The store decides these under a key; a repeat is decided only while nobody knows of the
        // first time.
        const isOpen =
          'transferId' in command &&
          reservationOf(soFar(command.accountId).account, command.transferId) !== undefined;
        if (isAtOnce || command.type === 'credit') return;
        if (['reserve', 'hold', 'reverse'].includes(command.type) && !isOpen) return;
        if (['settle', 'release'].includes(command.type)) {
          const under = transfers.find(
            (one) => 'transferId' in command && one.transferId === command.transferId,
          );
          if (!under?.ended) return;
        }
        send(command);
        return;
      }
      case 'credit': {
        const transfer = chosen(step);
        if (!transfer || transfer.credit) return;
        const { transferId, from, to: accountId, currency } = transfer;
        const reservation = openOf(soFar(from).account, transferId);
        if (!reservation || isHeld(reservation)) return;
        transfer.amount = reservation.amount;
        const { amount } = reservation;
        transfer.credit = send({ type: 'credit', accountId, transferId, from, amount, currency });
        return;
      }
      case 'end': {
        const transfer = chosen(step);
        if (!transfer?.credit) return;
        transfer.ended = true;
        const { transferId, from: accountId, credit } = transfer;
        if (credit === 'done') send({ type: 'settle', accountId, transferId });
        else send({ type: 'release', accountId, transferId, reason: credit });
        return;
      }
      case 'refused': {
        const left = transfers.filter(({ credit }) => !credit);
        const transfer = left[step.transfer % left.length];
        if (!transfer) return;
        send({ type: 'freeze', accountId: transfer.to, scope: 'all' });
        const number = transfers.indexOf(transfer);
        take({ step: 'credit', transfer: number });
        take({ step: 'end', transfer: number });
        return;
      }
      case 'stray': {
        const accountId = accountIdOf(step.account);
        const transferId = transferIdOf(step.transfer);
        // On the transfer's own account it has business, but for a hold that rests.
        const reservation = openOf(soFar(accountId).account, transferId);
        const rests = reservation !== undefined && isHeld(reservation);
        if (transfers[step.transfer]?.from === accountId && !rests) return;
        const reason = step.type === 'release' ? { reason: 'stray' } : {};
        send({ type: step.type, accountId, transferId, ...reason });
        return;
      }
      case 'freeze':
        send({ type: 'freeze', accountId: accountIdOf(step.account), scope: step.scope });
        return;
      case 'unfreeze':
        send({ type: 'unfreeze', accountId: accountIdOf(step.account) });
        return;
      case 'close': {
        const accountId = accountIdOf(step.account);
        const { balance = 0 } = soFar(accountId).account ?? {};
        if (step.emptied && balance > 0) send({ type: 'withdraw', accountId, amount: balance });
        if (step.emptied && balance < 0) send({ type: 'deposit', accountId, amount: -balance });
        send({ type: 'close', accountId });
        return;
      }
      case 'amend': {
        const { overdraftLimit } = step;
        send({ type: 'amend', accountId: accountIdOf(step.account), overdraftLimit });
        return;
      }
      case 'clock':
        now += step.by;
    }
  };

  for (const opening of openings) send(openingOf(opening));
  for (const step of steps) take(step);
  return moments;
};

interface AccountSoFar {
  readonly account: Account | undefined;
  readonly version: number;
  /** The time of its last commit. */
  readonly at: string;
}

/**
 * A transfer that was set aside or went at once, how its credit was decided, once it was, and
 * whether it has ended.
 */
interface Underway {
  readonly transferId: string;
  readonly from: string;
  readonly to: string;
  amount: number;
  readonly currency: string | undefined;
  credit?: Moment['outcome'];
  ended?: boolean;
}

/** The reservation of a transfer, by what a scenario calls it. */
const openOf = (account: Account | undefined, transferId: string) =>
  reservationOf(account, TransferId.parse(transferId));

/** The time of the next commit: now, but never before the last one of its streams. */
const timeAfter = (times: readonly string[], now: number): Timestamp => {
  const latest = [...times, new Date(now).toISOString()].toSorted().at(-1);
  return Timestamp.parse(latest);
};

const legOf = (account: number, amount: number) => ({
  accountId: accountIdOf(account % accountIds.length),
  amount,
});

const openingOf = ({ account, currency, overdraftLimit }: Opening) => ({
  type: 'open',
  accountId: accountIdOf(account),
  owner: 'alice',
  currency,
  overdraftLimit,
});

const movementOf = ({ account, amount, currency }: Movement) => ({
  accountId: accountIdOf(account),
  amount,
  currency,
});

const accountIdOf = (number: number): string => accountIds[number] ?? `account-${number}`;

const transferIdOf = (number: number): string => transferIds[number] ?? `t${number}`;

/** Events as the store records them: versions from `first` on, all of one time. */
const recorded = (events: readonly AccountEvent[], first: number, at: Timestamp): RecordedEvent[] =>
  events.map((event, index) => ({ ...event, version: Version.parse(first + index), at }));

/**
 * Makes a value immutable all through, so that code which claims to be pure throws where it is not.
 */
export const deepFreeze = <T>(value: T): T => {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
};
