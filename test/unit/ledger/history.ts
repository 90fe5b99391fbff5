import fc from 'fast-check';
import type { RecordedEvent } from '../../../events/event.ts';
import { MAX_MINOR_UNITS as MAX } from '../../../events/values.ts';
import {
  type Account,
  Command,
  type Decision,
  decide,
  evolve,
  initialState,
} from '../../../functions/ledger/account.ts';
import { deepFreeze, NOW, partOf, recorded } from './given.ts';

/** Some accounts, and what their owners, the transfers' workflow and chance do with them. */
interface Scenario {
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

/**
 * Accounts, and the transfers so far, are meant by number: a step stays possible when others are
 * taken away.
 */
type Step =
  | ({ readonly step: 'open' } & Opening)
  | ({ readonly step: 'deposit' | 'withdraw' } & Movement)
  | ({ readonly step: 'transfer'; readonly to: number } & Movement)
  /**
   * The reserve of a transfer that is under way is sent again, as by a client that heard nothing.
   */
  | { readonly step: 'again'; readonly transfer: number }
  /** The workflow pays in; the store knows the command's id, so only the first time is decided. */
  | { readonly step: 'credit'; readonly transfer: number }
  /**
   * The workflow settles or releases as the credit was decided; again and again, as a retry may.
   */
  | { readonly step: 'end'; readonly transfer: number }
  /** A settle or release that has no business on the account it is sent to. */
  | {
      readonly step: 'stray';
      readonly type: 'settle' | 'release';
      readonly account: number;
      readonly transfer: number;
    }
  | { readonly step: 'mark'; readonly account: number; readonly status: Account['status'] };

/** One command that was decided, and the account it was sent to. */
export interface Moment {
  readonly command: Command;
  /**
   * What the account had been marked as. No event says so yet, so it is no part of `before` and
   * `states`.
   */
  readonly status: Account['status'];
  readonly before: Account | undefined;
  readonly decision: Decision;
  readonly events: readonly RecordedEvent[];
  /** The account after each of the events. */
  readonly states: readonly Account[];
}

// Ids that every object knows something under are ids as good as others.
const accountIds = ['a1', 'b1', 'toString', 'd1'] as const;
const transferIds = ['t0', 'constructor', '__proto__', 't3', 'hasOwnProperty'] as const;

const account = fc.nat(accountIds.length - 1);
const transfer = fc.nat(transferIds.length + 1);
const currency = fc.oneof(
  { weight: 9, arbitrary: fc.constant('EUR') },
  { weight: 1, arbitrary: fc.constant('USD') },
);
const small = fc.integer({ min: 1, max: 100 });
const amount = fc.oneof(
  { weight: 8, arbitrary: small },
  { weight: 2, arbitrary: fc.constantFrom(MAX, MAX - 1, (MAX + 1) / 2) },
  { weight: 1, arbitrary: small.map((less) => MAX - less) },
);
const opening = {
  account,
  currency,
  overdraftLimit: fc.oneof(fc.constant(0), small, fc.constantFrom(MAX, MAX - 1)),
};
const movement = { account, amount, currency: fc.option(currency, { nil: undefined, freq: 2 }) };

const some = (weight: number, arbitrary: fc.Arbitrary<Step>) => ({ weight, arbitrary });
const is = <Name extends Step['step']>(name: Name) => fc.constant(name);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  some(1, fc.record({ step: is('open'), ...opening })),
  some(6, fc.record({ step: is('deposit'), ...movement })),
  some(4, fc.record({ step: is('withdraw'), ...movement })),
  some(8, fc.record({ step: is('transfer'), to: account, ...movement })),
  some(2, fc.record({ step: is('again'), transfer })),
  some(8, fc.record({ step: is('credit'), transfer })),
  some(8, fc.record({ step: is('end'), transfer })),
  some(
    2,
    fc.record({ step: is('stray'), type: fc.constantFrom('settle', 'release'), account, transfer }),
  ),
  some(
    1,
    fc.record({
      step: is('mark'),
      account,
      status: fc.constantFrom('open', 'open', 'frozen', 'closed'),
    }),
  ),
);

/** Anything that can be asked of a few accounts, most of which are open, in any order. */
export const anyScenario: fc.Arbitrary<Scenario> = fc.record({
  openings: fc.uniqueArray(fc.record(opening), {
    minLength: 2,
    selector: ({ account }) => account,
  }),
  steps: fc.array(anyStep, { maxLength: 60, size: 'max' }),
});

/**
 * Lets a scenario happen.
 * @returns every command that was decided, in order.
 * @throws where `decide` throws, changes an account it was given, or writes what `evolve` cannot
 *   follow.
 */
export const play = ({ openings, steps }: Scenario): Moment[] => {
  const accounts = new Map<string, { account: Account; version: number }>();
  const statuses = new Map<string, Account['status']>();
  const transfers: Underway[] = [];
  const moments: Moment[] = [];

  const send = (asked: object): Decision => {
    const command = Command.parse(asked);
    const { account: before, version } = accounts.get(command.accountId) ?? {
      account: initialState,
      version: 0,
    };
    const status = statuses.get(command.accountId) ?? 'open';
    const decision = decide(
      partOf(deepFreeze(command)),
      before && deepFreeze({ ...before, status }),
      NOW,
    );
    const events =
      decision.outcome === 'accepted' ? deepFreeze(recorded(decision.events, version + 1)) : [];
    const states: Account[] = [];
    for (const event of events) states.push(deepFreeze(evolve(states.at(-1) ?? before, event)));
    const after = states.at(-1);
    if (after)
      accounts.set(command.accountId, { account: after, version: version + events.length });
    moments.push({ command, status, before, decision, events, states });
    return decision;
  };

  const take = (step: Step): void => {
    switch (step.step) {
      case 'open':
        send(openingOf(step));
        return;
      case 'deposit':
      case 'withdraw':
        send({ type: step.step, ...movementOf(step) });
        return;
      case 'transfer': {
        const { accountId: from, amount, currency } = movementOf(step);
        const [transferId, to] = [transferIdOf(transfers.length), accountIdOf(step.to)];
        const { outcome } = send({
          type: 'reserve',
          accountId: from,
          transferId,
          to,
          amount,
          currency,
        });
        const reserved = accounts.get(from)?.account;
        if (outcome === 'accepted')
          transfers.push({ transferId, from, to, amount, currency: reserved?.currency });
        return;
      }
      case 'again': {
        const transfer = transfers[step.transfer % transfers.length];
        if (!transfer || transfer.ended) return;
        const { transferId, from: accountId, to, amount, currency } = transfer;
        send({ type: 'reserve', accountId, transferId, to, amount, currency });
        return;
      }
      case 'credit': {
        const transfer = transfers[step.transfer % transfers.length];
        if (!transfer || transfer.credit) return;
        const { transferId, from, to: accountId, amount, currency } = transfer;
        transfer.credit = send({ type: 'credit', accountId, transferId, from, amount, currency });
        return;
      }
      case 'end': {
        const transfer = transfers[step.transfer % transfers.length];
        if (!transfer?.credit) return;
        transfer.ended = true;
        const { transferId, from: accountId, credit } = transfer;
        if (credit.outcome === 'accepted') send({ type: 'settle', accountId, transferId });
        else send({ type: 'release', accountId, transferId, reason: credit.rejection.code });
        return;
      }
      case 'stray': {
        const accountId = accountIdOf(step.account);
        const transferId = transferIdOf(step.transfer);
        if (transfers[step.transfer]?.from === accountId) return;
        send({
          type: step.type,
          accountId,
          transferId,
          ...(step.type === 'release' ? { reason: 'stray' } : {}),
        });
        return;
      }
      case 'mark':
        statuses.set(accountIdOf(step.account), step.status);
    }
  };

  for (const opening of openings) send(openingOf(opening));
  for (const step of steps) take(step);
  return moments;
};

/**
 * A transfer that was reserved, how its credit was decided, once it was, and whether it has ended.
 */
interface Underway {
  readonly transferId: string;
  readonly from: string;
  readonly to: string;
  readonly amount: number;
  readonly currency: string | undefined;
  credit?: Decision;
  ended?: boolean;
}

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
