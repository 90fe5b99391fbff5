import assert from 'node:assert/strict';
import type { RecordedEvent } from '../../events/event.ts';
import { readEvent } from '../../events/event.ts';
import { AccountId, MinorUnits } from '../../events/values.ts';
import { Account, available, decide, evolve } from '../../functions/ledger/account.ts';
import { balanceBefore, entryOf } from '../../functions/ledger/statement.ts';
import { asideOn, openBooks, type Page } from './books.ts';
import type { Change, Moment } from './history.ts';

/**
 * What must hold of all that can happen to some accounts, by its name. Each throws where it does
 * not.
 */
export const properties: Readonly<Record<string, (moments: readonly Moment[]) => void>> = {
  'the ledger decides as a clerk with a page per account would, and comes to the same': (
    moments,
  ) => {
    const books = openBooks();
    for (const { command, at, isAtOnce, outcome, changes } of moments) {
      assert.equal(outcome, books.judge(command, at, isAtOnce), command.type);
      for (const { accountId, states } of changes) {
        const page = books.pages.get(accountId);
        const account = states.at(-1);
        if (account) assert.deepEqual(writtenOut(account), page && readOut(page));
      }
    }
  },

  'an account never owes more than its overdraft limit, at any version': (moments) => {
    for (const account of changesOf(moments).flatMap(({ states }) => states)) {
      const aside = account.reservations.reduce((all, { amount }) => all + BigInt(amount), 0n);
      assert.equal(BigInt(account.reserved), aside);
      assert.equal(BigInt(available(account)), BigInt(account.balance) - aside);
      assert.ok(available(account) >= -account.overdraftLimit);
    }
  },

  'money is neither made nor lost, in any currency, after every commit': (moments) => {
    const accounts = new Map<string, Account>();
    const outside = new Map<string, bigint>();
    const underway = new Map<string, { readonly currency: string; readonly amount: bigint }>();
    for (const { changes } of moments) {
      for (const { accountId, events, states } of changes) {
        const account = states.at(-1);
        if (!account) continue;
        accounts.set(accountId, account);
        const { currency } = account;
        for (const { type, data } of events) {
          if (type !== 'MoneyDeposited' && type !== 'MoneyWithdrawn') continue;
          const amount = BigInt(data.amount);
          const isIn = type === 'MoneyDeposited';
          if (data.postingId !== undefined || data.counterpartyVersion !== undefined) continue;
          if (data.transferId === undefined) add(outside, currency, isIn ? amount : -amount);
          else if (isIn) underway.set(data.transferId, { currency, amount });
          else underway.delete(data.transferId);
        }
      }
      const inside = new Map<string, bigint>();
      for (const { currency, balance } of accounts.values()) add(inside, currency, BigInt(balance));
      for (const { currency, amount } of underway.values()) add(inside, currency, -amount);
      for (const [currency, total] of inside) assert.equal(total, outside.get(currency) ?? 0n);
    }
  },

  'what is set aside ends once: settled or released, and a hold captured, voided or expired': (
    moments,
  ) => {
    for (const events of eventsOfStreams(moments)) {
      const open = new Map<string, { amount: number; expiresAt?: string | undefined }>();
      for (const [index, event] of events.entries()) {
        const { type, data, at } = event;
        if (type === 'MoneyReserved' || type === 'MoneyHeld') {
          assert.ok(!open.has(data.transferId), 'set aside while it is');
          const expiresAt = type === 'MoneyHeld' ? data.expiresAt : undefined;
          open.set(data.transferId, { amount: data.amount, expiresAt });
        } else if (type === 'HoldCaptured') {
          const held = open.get(data.transferId);
          assert.ok(
            held?.expiresAt !== undefined && at < held.expiresAt,
            'captured what is not held',
          );
          assert.ok(held.amount === data.heldAmount && data.amount <= data.heldAmount);
          open.set(data.transferId, { amount: data.amount });
        } else if (type === 'ReservationCancelled') {
          const ended = open.get(data.transferId);
          assert.equal(ended?.amount, data.amount, 'ended what is not open');
          const ofHold = data.reason === 'voided' || data.reason === 'expired';
          assert.equal(ended?.expiresAt !== undefined, ofHold, `ended by ${data.reason}`);
          if (data.reason === 'expired') assert.ok(at >= String(ended?.expiresAt));
          const next = events[index + 1];
          if (data.reason === undefined)
            assert.ok(next?.type === 'MoneyWithdrawn' && next.data.transferId === data.transferId);
          open.delete(data.transferId);
        }
      }
    }
  },

  'the reversals of a transfer never take back more than it paid': (moments) => {
    const books = openBooks();
    const paid = new Map<string, number>();
    const takenBack = new Map<string, bigint>();
    const drawn = new Map<string, bigint>();
    const reversals = new Map<string, string>();
    for (const { command, at, isAtOnce, draw, changes } of moments) {
      books.judge(command, at, isAtOnce);
      if (draw) add(drawn, draw.transferId, BigInt(draw.amount));
      for (const { type, data } of changes.flatMap(({ events }) => events)) {
        if (type === 'MoneyDeposited' && data.transferId) paid.set(data.transferId, data.amount);
        if (type === 'MoneyReserved' && data.reverses) {
          add(takenBack, data.reverses, BigInt(data.amount));
          reversals.set(data.transferId, data.reverses);
        }
        if (type !== 'ReservationCancelled' || data.reason === undefined) continue;
        const original = reversals.get(data.transferId);
        if (original !== undefined) add(takenBack, original, -BigInt(data.amount));
      }
      for (const [original, taken] of takenBack) {
        assert.ok(taken >= 0n && taken <= BigInt(paid.get(original) ?? 0), original);
        assert.equal(taken, books.takenBack.get(original), original);
        assert.equal(taken, drawn.get(original), original);
      }
    }
  },

  'statements are the fold: their lines lead from balance to balance, and add up to the turnover': (
    moments,
  ) => {
    for (const changes of Map.groupBy(changesOf(moments), ({ accountId }) => accountId).values()) {
      const sums = { in: { count: 0, amount: 0n }, out: { count: 0, amount: 0n } };
      let balance = 0;
      for (const { accountId, events, states } of changes) {
        for (const [index, event] of events.entries()) {
          const state = states[index];
          if (!state) throw new Error('an event without a state');
          const line = entryOf(AccountId.parse(accountId), event, state.balance);
          assert.equal(balanceBefore(event, state.balance), balance);
          const isIn = /^(deposit|transfer_in|posting_in)$/.test(line?.kind ?? '');
          if (line) {
            assert.equal(
              line.balanceAfter,
              MinorUnits.parse(balance + (isIn ? 1 : -1) * line.amount),
            );
            const side = isIn ? sums.in : sums.out;
            side.count += 1;
            side.amount += BigInt(line.amount);
          }
          balance = state.balance;
          assert.deepEqual(turnoverOf(state), sums);
        }
      }
    }
  },

  'what is rejected or done before changes nothing: without it, all that follows is the same': (
    moments,
  ) => {
    const accounts = new Map<string, Account | undefined>();
    for (const { at, reversed, changes } of moments) {
      for (const { accountId, part, before, events, states } of changes) {
        assert.deepEqual(before, accounts.get(accountId));
        if (events.length === 0) continue;
        const again = decide(part, accounts.get(accountId), { at, reversed });
        assert.ok(again.outcome === 'accepted');
        assert.deepEqual(
          again.events,
          events.map(({ version: _, at: __, ...event }) => event),
        );
        accounts.set(accountId, states.at(-1));
      }
    }
  },

  'folding from any snapshot equals folding from zero, through JSON': (moments) => {
    for (const changes of Map.groupBy(changesOf(moments), ({ accountId }) => accountId).values()) {
      const events = changes.flatMap((change) => change.events);
      const states = changes.flatMap((change) => change.states);
      const whole = events.reduce<Account | undefined>(evolve, undefined);
      assert.deepEqual(whole, states.at(-1));
      for (const [index, state] of states.entries()) {
        const snapshot = Account.parse(JSON.parse(JSON.stringify(state)));
        assert.deepEqual(snapshot, state);
        assert.deepEqual(events.slice(index + 1).reduce(evolve, snapshot), whole);
      }
    }
  },

  'every event can be read back from JSON, versions have no gap, and times never go back': (
    moments,
  ) => {
    for (const events of eventsOfStreams(moments)) {
      assert.deepEqual(
        events.map(({ version }) => version),
        [...events.keys()].map((index) => index + 1),
      );
      assert.deepEqual(
        events.map(({ at }) => at),
        events.map(({ at }) => at).toSorted(),
      );
      for (const { version: _, at: __, ...event } of events)
        assert.deepEqual(readEvent(JSON.parse(JSON.stringify(event))), event);
    }
  },
};

const changesOf = (moments: readonly Moment[]): Change[] =>
  moments.flatMap(({ changes }) => changes);

const eventsOfStreams = (moments: readonly Moment[]): readonly RecordedEvent[][] =>
  [...Map.groupBy(changesOf(moments), ({ accountId }) => accountId).values()].map((changes) =>
    changes.flatMap(({ events }) => events),
  );

const turnoverOf = ({ credits, debits }: Account) => ({
  in: { count: credits.count, amount: BigInt(credits.amount) },
  out: { count: debits.count, amount: BigInt(debits.amount) },
});

/** What an account and its page have in common. */
const writtenOut = (account: Account) => ({
  ...turnoverOf(account),
  currency: account.currency as string,
  limit: BigInt(account.overdraftLimit),
  stands: { debits: 'frozen out', all: 'frozen', none: account.status }[account.frozen ?? 'none'],
  balance: BigInt(account.balance),
  reserved: BigInt(account.reserved),
  aside: account.reservations
    .map(({ transferId, amount }) => `${transferId}: ${amount}`)
    .toSorted(),
});

const readOut = ({ aside, ...page }: Page) => ({
  ...page,
  reserved: asideOn({ aside, ...page }),
  aside: [...aside].map(([transferId, { amount }]) => `${transferId}: ${amount}`).toSorted(),
});

const add = (totals: Map<string, bigint>, name: string, amount: bigint) =>
  totals.set(name, (totals.get(name) ?? 0n) + amount);
