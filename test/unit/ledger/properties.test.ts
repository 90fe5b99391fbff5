import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readEvent } from '../../../events/event.ts';
import {
  Account,
  available,
  type Decision,
  decide,
  evolve,
  initialState,
} from '../../../functions/ledger/account.ts';
import { seed } from '../../setup/seed.ts';
import { openBooks, type Verdict } from './books.ts';
import { fold, NOW, partOf } from './given.ts';
import { anyScenario, type Moment, play } from './history.ts';

const RUNS = 500;

/**
 * Holds whatever happens to a few accounts. A failure prints its seed and the shortest scenario
 * that was found.
 */
const always = (holds: (moments: readonly Moment[]) => void) =>
  fc.assert(
    fc.property(anyScenario, (scenario) => holds(play(scenario))),
    { numRuns: RUNS, seed },
  );

describe(`for any commands on any accounts (seed ${seed})`, () => {
  it('the ledger decides as a clerk with a page per account would', () =>
    always((moments) => {
      const judge = openBooks();
      const judged = moments.map(({ command, status }) => judge(command, status));
      expect(moments.map(({ decision }) => verdictOf(decision))).toEqual(judged);
    }));

  it('an account never owes more than its overdraft limit, at any version', () =>
    always((moments) => {
      for (const account of moments.flatMap(({ states }) => states)) {
        const held = Object.values(account.reservations).reduce(
          (all, { amount }) => all + BigInt(amount),
          0n,
        );
        expect(BigInt(account.reserved)).toBe(held);
        expect(BigInt(available(account))).toBe(BigInt(account.balance) - held);
        expect(available(account)).toBeGreaterThanOrEqual(-account.overdraftLimit);
      }
    }));

  it('money is neither made nor lost, in any currency, after every commit', () =>
    always((moments) => {
      const accounts = new Map<string, Account>();
      const outside = new Map<string, bigint>();
      const creditedNotSettled = new Map<string, { currency: string; amount: bigint }>();
      for (const { command, events, states } of moments) {
        const account = states.at(-1);
        if (!account) continue;
        accounts.set(command.accountId, account);
        const { currency } = account;
        for (const { type, data } of events) {
          const isTransfer = 'transferId' in data;
          if (type === 'MoneyDeposited' && !isTransfer) add(outside, currency, BigInt(data.amount));
          if (type === 'MoneyWithdrawn' && !isTransfer)
            add(outside, currency, -BigInt(data.amount));
        }
        if (command.type === 'credit')
          creditedNotSettled.set(command.transferId, { currency, amount: BigInt(command.amount) });
        if (command.type === 'settle') creditedNotSettled.delete(command.transferId);

        const inside = new Map<string, bigint>();
        for (const { currency, balance } of accounts.values())
          add(inside, currency, BigInt(balance));
        for (const { currency, amount } of creditedNotSettled.values())
          add(inside, currency, -amount);
        for (const [currency, total] of inside) expect(total).toBe(outside.get(currency) ?? 0n);
      }
    }));

  it('what is rejected or done before changes nothing: without it, all that follows is the same', () =>
    always((moments) => {
      for (const stream of streamsOf(moments)) {
        let account = initialState;
        for (const { command, status, before, decision, events, states } of stream) {
          expect(before).toEqual(account);
          if (events.length === 0) continue;
          expect(decide(partOf(command), account && { ...account, status }, NOW)).toEqual(decision);
          account = states.at(-1);
        }
      }
    }));

  it('folding from any snapshot equals folding from zero, through JSON', () =>
    always((moments) => {
      for (const stream of streamsOf(moments)) {
        const events = stream.flatMap(({ events }) => events);
        const states = stream.flatMap(({ states }) => states);
        const whole = fold(events);
        expect(whole).toEqual(states.at(-1));
        for (const [index, state] of states.entries()) {
          const snapshot = Account.parse(JSON.parse(JSON.stringify(state)));
          expect(events.slice(index + 1).reduce(evolve, snapshot)).toEqual(whole);
        }
      }
    }));

  it('every event can be read back from JSON, and versions have no gap', () =>
    always((moments) => {
      for (const stream of streamsOf(moments)) {
        const events = stream.flatMap(({ events }) => events);
        expect(events.map(({ version }) => version)).toEqual(
          [...events.keys()].map((index) => index + 1),
        );
        for (const { version: _, at: __, ...event } of events) {
          expect(readEvent(JSON.parse(JSON.stringify(event)))).toEqual(event);
        }
      }
    }));
});

describe('the scenarios', () => {
  // A property says nothing about what its scenarios never reach. The same ones that the properties
  // are held on.
  it('reach every verdict that each command can get, and every event', () => {
    const reached = new Map<string, number>();
    const count = (what: string) => reached.set(what, (reached.get(what) ?? 0) + 1);
    fc.assert(
      fc.property(anyScenario, (scenario) => {
        for (const { command, decision, events } of play(scenario)) {
          count(`${command.type}: ${verdictOf(decision)}`);
          for (const { type } of events) count(type);
        }
      }),
      { numRuns: RUNS, seed },
    );
    const often = [...reached].filter(([, times]) => times >= 10).map(([what]) => what);
    expect(often.toSorted()).toEqual([
      'AccountOpened',
      'MoneyDeposited',
      'MoneyReserved',
      'MoneyWithdrawn',
      'ReservationCancelled',
      'credit: account_not_found',
      'credit: account_not_open',
      'credit: amount_out_of_range',
      'credit: currency_mismatch',
      'credit: done',
      'deposit: account_not_found',
      'deposit: account_not_open',
      'deposit: amount_out_of_range',
      'deposit: currency_mismatch',
      'deposit: done',
      'open: account_already_exists',
      'open: done',
      'release: account_not_found',
      'release: done',
      'release: done before',
      'reserve: account_not_found',
      'reserve: account_not_open',
      'reserve: amount_out_of_range',
      'reserve: currency_mismatch',
      'reserve: done',
      'reserve: done before',
      'reserve: insufficient_funds',
      'reserve: same_account',
      'settle: account_not_found',
      'settle: done',
      'settle: done before',
      'withdraw: account_not_found',
      'withdraw: account_not_open',
      'withdraw: currency_mismatch',
      'withdraw: done',
      'withdraw: insufficient_funds',
    ]);
  });
});

const verdictOf = (decision: Decision): Verdict => {
  if (decision.outcome === 'rejected') return decision.rejection.code;
  return decision.events.length > 0 ? 'done' : 'done before';
};

const streamsOf = (moments: readonly Moment[]) =>
  Map.groupBy(moments, ({ command }) => command.accountId).values();

const add = (totals: Map<string, bigint>, currency: string, amount: bigint) =>
  totals.set(currency, (totals.get(currency) ?? 0n) + amount);
