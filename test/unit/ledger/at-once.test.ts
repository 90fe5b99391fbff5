import { describe, expect, it } from 'vitest';
import type { AccountEvent } from '../../../events/event.ts';
import { AccountId, Amount, Caller, Currency, Limit, TransferId } from '../../../events/values.ts';
import {
  type Account,
  accountsOf,
  Command,
  decide,
  partsOf,
} from '../../../functions/ledger/account.ts';
import { fold, NOW, partOf, recorded } from './given.ts';

const [a, b] = [AccountId.parse('a'), AccountId.parse('b')];
const EUR = Currency.parse('EUR');
const transferId = TransferId.parse('t');
const reserve = Command.parse({ type: 'reserve', accountId: a, transferId, to: b, amount: 30 });

/** The stream of an account with 100, up to version 2. */
const openedRich = (currency = EUR): AccountEvent[] => [
  {
    type: 'AccountOpened',
    v: 2,
    data: { owner: Caller.parse('alice'), currency, overdraftLimit: Limit.parse(0) },
  },
  { type: 'MoneyDeposited', v: 1, data: { amount: Amount.parse(100) } },
];
const rich = (currency = EUR): Account | undefined => fold(recorded(openedRich(currency)));
const partsWith = (command: Command, source: Account | undefined, version = 2) =>
  partsOf(command, (id) =>
    id === a ? { account: source, version } : { account: undefined, version: 7 },
  );

describe('what a transfer asks of its accounts at once', () => {
  it('concerns both, and a transfer to itself or another command only its own', () => {
    expect(accountsOf(reserve)).toEqual([a, b]);
    expect(accountsOf(Command.parse({ ...reserve, to: a }))).toEqual([a]);
    expect(accountsOf(Command.parse({ type: 'deposit', accountId: a, amount: 1 }))).toEqual([a]);
  });
  it('is a debit and a credit, each with the version that the other will have', () =>
    expect(partsWith(reserve, rich())).toEqual([
      {
        type: 'debit',
        accountId: a,
        to: b,
        transferId,
        amount: 30,
        currency: 'EUR',
        counterpartyVersion: 8,
      },
      {
        type: 'credit',
        accountId: b,
        from: a,
        transferId,
        amount: 30,
        currency: 'EUR',
        counterpartyVersion: 3,
      },
    ]));
  it('has the reference on both sides', () =>
    expect(partsWith(Command.parse({ ...reserve, reference: 'rent' }), rich())).toMatchObject([
      { reference: 'rent' },
      { reference: 'rent' },
    ]));
  it('is nothing without a source, for another command, and where the id is reserved', () => {
    expect(partsWith(reserve, undefined)).toBeUndefined();
    expect(
      partsWith(Command.parse({ type: 'deposit', accountId: a, amount: 1 }), rich()),
    ).toBeUndefined();
    const decision = decide(partOf(reserve), rich(), NOW);
    if (decision.outcome !== 'accepted') throw new Error('it can be reserved');
    const [reserved] = recorded(decision.events, 3);
    const source = reserved && fold([...recorded(openedRich()), reserved]);
    expect(partsWith(reserve, source, 3)).toBeUndefined();
  });
  it.each([
    ['too much', { ...reserve, amount: 101 }, rich(), 'insufficient_funds'],
    ['another currency', { ...reserve, currency: 'USD' }, rich(), 'currency_mismatch'],
    ['a frozen source', reserve, { ...rich(), status: 'frozen' } as Account, 'account_not_open'],
  ])('is refused by the source as a withdrawal is: %s', (_name, command, source, code) => {
    const [debit] = partsWith(Command.parse(command), source) ?? [];
    expect(debit && decide(debit, source, NOW)).toMatchObject({
      outcome: 'rejected',
      rejection: { code },
    });
  });
  it('is refused by a destination of another currency', () => {
    const [, credit] = partsWith(reserve, rich()) ?? [];
    expect(credit && decide(credit, rich(Currency.parse('USD')), NOW)).toMatchObject({
      rejection: { code: 'currency_mismatch' },
    });
  });
});
