import { describe, expect, it } from 'vitest';
import { AccountId, Version } from '../../../events/values.ts';
import {
  accountsOf,
  Command,
  partsOf,
  refusalOfWhole,
  refusedPart,
} from '../../../functions/ledger/account.ts';
import { deposited, MAX, opened, posted, released, reserved, settled } from './facts.ts';
import { fold, given, NOON, type Refusal, recorded } from './given.ts';
import { leg, release, reverse, settle } from './requests.ts';

/** The account into which the transfer t0 has paid 100. */
const account = [opened(), deposited(100)];
const ofT0 = { reverses: 't0' };
const over = (reversible: number): Refusal => ({
  code: 'already_reversed',
  detail: `${reversible} of transfer t0 can still be reversed.`,
  reversible,
});
const notSettled: Refusal = {
  code: 'not_settled',
  detail: 'Transfer t0 has not paid anything in.',
};
const noAccount: Refusal = { code: 'account_not_found', detail: 'There is no account a1.' };

describe('reverse', () => {
  it('takes all of it back', () =>
    given(...account)
      .when(reverse('t1'))
      .gives(reserved('t1', 100, ofT0)));
  it('takes a part back', () =>
    given(...account)
      .when(reverse('t1', 30))
      .gives(reserved('t1', 30, ofT0)));
  it('takes what is left back', () =>
    given(...account)
      .when(reverse('t1'), { reversed: 99 })
      .gives(reserved('t1', 1, ofT0)));
  it('takes exactly what is left back', () =>
    given(...account)
      .when(reverse('t1', 70), { reversed: 30 })
      .gives(reserved('t1', 70, ofT0)));
  it('counts it as taken', () =>
    given(...account)
      .when(reverse('t1', 30))
      .draws(30));
  it('keeps the reference', () =>
    given(...account)
      .when(reverse('t1', 5, { reference: 'oops' }))
      .gives(reserved('t1', 5, { ...ofT0, reference: 'oops' })));
  it('may use the overdraft', () =>
    given(opened({ overdraftLimit: 100 }))
      .when(reverse('t1'))
      .gives(reserved('t1', 100, ofT0)));
  it('does nothing a second time, while its reservation is open, though nothing is left', () =>
    given(...account, reserved('t1', 100, ofT0))
      .when(reverse('t1'), { reversed: 100 })
      .gives());

  it('refuses one more than is left, and says how much that is', () =>
    given(...account)
      .when(reverse('t1', 71), { reversed: 30 })
      .isRefused(over(70)));
  it('refuses where nothing is left', () =>
    given(...account)
      .when(reverse('t1'), { reversed: 100 })
      .isRefused(over(0)));
  it('refuses where the money is spent', () =>
    given(opened(), deposited(99)).when(reverse('t1')).isRefused({
      code: 'insufficient_funds',
      detail: '99 available, 100 asked for.',
      available: 99,
    }));
  it('says that too much is asked for before it says that there is too little', () =>
    given(opened()).when(reverse('t1', 101)).isRefused(over(100)));
  it('refuses without an account', () => given().when(reverse('t1')).isRefused(noAccount));
  const ofNothing = reverse('t1', 5, { reverses: { transferId: 't0', amount: 0 } });
  it('refuses what was never paid in', () =>
    given(...account)
      .when(ofNothing)
      .isRefused(notSettled));
  it('refuses what was never paid in to no account', () =>
    given().when(ofNothing).isRefused(notSettled));
  it('refuses what was never paid in to an account of another currency', () =>
    given(opened({ currency: 'JPY' }))
      .when(ofNothing)
      .isRefused(notSettled));
});

describe('a reversal', () => {
  const open = [...account, reserved('t1', 30, ofT0)];
  it('that is released gives its part back', () => {
    given(...open)
      .when(release('t1', 'account_not_open'), { reversed: 30 })
      .gives(released('t1', 30, 'account_not_open'));
    given(...open)
      .when(release('t1', 'account_not_open'), { reversed: 30 })
      .draws(-30);
  });
  it('that is released a second time gives nothing back', () =>
    given(...open, released('t1', 30, 'x'))
      .when(release('t1', 'x'))
      .gives());
  it('that is settled keeps its part', () =>
    given(...open)
      .when(settle('t1'))
      .gives(...settled('t1', 30)));
  it('is a transfer that names the one it reverses', () =>
    given(...account)
      .when(reverse('t1', 30))
      .answers({
        transferId: 't1',
        from: 'a1',
        to: 'b1',
        amount: 30,
        currency: 'EUR',
        status: 'reserved',
        reverses: 't0',
        requestedAt: NOON,
        steps: [{ step: 'reserved', accountId: 'a1', version: 3, at: NOON }],
        availableAfter: 70,
      }));
});

describe('a leg of a posting', () => {
  it('pays in, to the top', () =>
    given(opened(), deposited(MAX - 1))
      .when(leg(1))
      .gives(posted(1)));
  it('pays out, to the last', () =>
    given(...account)
      .when(leg(-100))
      .gives(posted(-100)));
  it('pays out down to the overdraft limit', () =>
    given(opened({ overdraftLimit: 5 }))
      .when(leg(-5))
      .gives(posted(-5)));
  it('keeps the reference', () =>
    given(opened())
      .when(leg(5, { reference: 'fee' }))
      .gives(posted(5, { reference: 'fee' })));
  it('is answered by its posting alone', () => given(opened()).when(leg(5)).answers(undefined));

  it('refuses one more than there is', () =>
    given(...account)
      .when(leg(-101))
      .isRefused({
        code: 'insufficient_funds',
        detail: '100 available, 101 asked for.',
        available: 100,
      }));
  it('refuses what is set aside', () =>
    given(...account, reserved('t1', 60))
      .when(leg(-41))
      .isRefused({
        code: 'insufficient_funds',
        detail: '40 available, 41 asked for.',
        available: 40,
      }));
  it('refuses a balance out of range', () =>
    given(opened(), deposited(MAX)).when(leg(1)).isRefused({
      code: 'amount_out_of_range',
      detail: 'The balance would leave the range of amounts that can be kept exactly.',
    }));
  it('refuses another currency', () =>
    given(opened({ currency: 'USD' }))
      .when(leg(1))
      .isRefused({ code: 'currency_mismatch', detail: 'Account a1 is kept in USD, not in EUR.' }));
  it('refuses without an account', () => given().when(leg(1)).isRefused(noAccount));
});

describe('a posting', () => {
  const legs = [
    { accountId: 'nobody', amount: -5 },
    { accountId: 'a1', amount: 5 },
  ];
  const post = Command.parse({
    type: 'post',
    accountId: 'nobody',
    postingId: 'p1',
    legs,
    reference: 'fee',
  });

  it('is of the accounts of its legs, in their order', () =>
    expect(accountsOf(post)).toEqual(['nobody', 'a1']));
  it('asks each account for its leg, in the currency of the first that there is', () => {
    const stateOf = (id: AccountId) => ({
      account: id === 'a1' ? fold(recorded([opened({ currency: 'JPY' })])) : undefined,
      version: id === 'a1' ? Version.parse(1) : 0,
    });
    expect(partsOf(post, stateOf)).toEqual(
      legs.map((one) => ({
        type: 'leg',
        postingId: 'p1',
        currency: 'JPY',
        reference: 'fee',
        ...one,
      })),
    );
    expect(partsOf(post, () => ({ account: undefined, version: 0 }))).toMatchObject([
      { currency: undefined },
      { currency: undefined },
    ]);
  });
  it.each([0, 0.5, MAX + 1])('takes no leg of %d', (amount) =>
    expect(
      Command.safeParse({ ...post, legs: [{ accountId: AccountId.parse('a1'), amount }] }).success,
    ).toBe(false),
  );
});

describe('of the refusals of a posting’s legs', () => {
  const post = Command.parse({
    ...{ type: 'post', accountId: 'a1', postingId: 'p1' },
    legs: [5, -2, -3].map((amount, n) => ({ accountId: `a${n + 1}`, amount })),
  });
  const told = (...outcomes: ('accepted' | 'rejected')[]) =>
    refusedPart(
      post,
      outcomes.map((outcome) => ({ outcome })),
    );
  it('one that takes money out is told first', () =>
    expect(told('rejected', 'accepted', 'rejected')).toBe(2));
  it('one that takes money in is told where no other is', () =>
    expect(told('rejected', 'accepted', 'accepted')).toBe(0));
  it('none is told where there is none', () =>
    expect(told('accepted', 'accepted', 'accepted')).toBe(-1));
  it('what its legs add up to is told before', () => {
    expect(refusalOfWhole(post)).toBeUndefined();
    const more = Command.parse({ ...post, legs: [{ accountId: 'a1', amount: 5 }] });
    expect(refusalOfWhole(more)).toMatchObject({ code: 'unbalanced_legs' });
  });
});
