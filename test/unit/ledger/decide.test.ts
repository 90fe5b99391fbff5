import { describe, it } from 'vitest';
import {
  credited,
  deposited,
  MAX,
  opened,
  released,
  reserved,
  settled,
  withdrawn,
} from './facts.ts';
import { given, givenA, type Refusal } from './given.ts';
import { credit, deposit, open, release, reserve, settle, withdraw } from './requests.ts';

const rent = { reference: 'rent' };

// The words of a refusal are recorded with it and answered for ever, so they are held here letter
// by letter.
const noAccount: Refusal = { code: 'account_not_found', detail: 'There is no account a1.' };
const takenId: Refusal = {
  code: 'account_already_exists',
  detail: 'There is an account a1 already.',
};
const sameAccount: Refusal = {
  code: 'same_account',
  detail: 'A transfer needs two accounts; both are a1.',
};
const balanceTooLarge: Refusal = {
  code: 'amount_out_of_range',
  detail: 'The balance would leave the range of amounts that can be kept exactly.',
};
const reservationsTooLarge: Refusal = {
  code: 'amount_out_of_range',
  detail: 'The sum of reservations would leave the range that can be kept exactly.',
};
const notOpen = (status: string): Refusal => ({
  code: 'account_not_open',
  detail: `Account a1 is ${status}.`,
});
const keptIn = (kept: string, asked: string): Refusal => ({
  code: 'currency_mismatch',
  detail: `Account a1 is kept in ${kept}, not in ${asked}.`,
});
const tooLittle = (available: number, detail: string): Refusal => ({
  code: 'insufficient_funds',
  detail,
  available,
});

describe('open', () => {
  it('opens an account that is not there', () => given().when(open()).gives(opened()));
  it('opens one that may be overdrawn', () =>
    given()
      .when(open({ overdraftLimit: 500 }))
      .gives(opened({ overdraftLimit: 500 })));
  it('opens one with the largest limit there is', () =>
    given()
      .when(open({ overdraftLimit: MAX }))
      .gives(opened({ overdraftLimit: MAX })));
  it('opens one in another currency', () =>
    given()
      .when(open({ currency: 'JPY' }))
      .gives(opened({ currency: 'JPY' })));
  it('refuses a second opening', () => given(opened()).when(open()).isRefused(takenId));
  it('refuses a second opening of a closed account', () =>
    givenA('closed', opened()).when(open()).isRefused(takenId));
});

describe('deposit', () => {
  it('adds the smallest amount', () => given(opened()).when(deposit(1)).gives(deposited(1)));
  it('adds the largest amount', () => given(opened()).when(deposit(MAX)).gives(deposited(MAX)));
  it('fills an account to the top', () =>
    given(opened(), deposited(MAX - 1))
      .when(deposit(1))
      .gives(deposited(1)));
  it('keeps the reference', () => given(opened()).when(deposit(5, rent)).gives(deposited(5, rent)));
  it('takes the currency of the account', () =>
    given(opened())
      .when(deposit(5, { currency: 'EUR' }))
      .gives(deposited(5)));
  it('is taken by an account with money set aside', () =>
    given(opened(), deposited(9), reserved('t1', 9)).when(deposit(5)).gives(deposited(5)));
  it('lifts an account out of its overdraft', () =>
    given(opened({ overdraftLimit: MAX }), withdrawn(MAX))
      .when(deposit(MAX))
      .gives(deposited(MAX)));

  it('refuses a balance out of range by one', () =>
    given(opened(), deposited(MAX)).when(deposit(1)).isRefused(balanceTooLarge));
  it('refuses a balance far out of range', () =>
    given(opened(), deposited(MAX)).when(deposit(MAX)).isRefused(balanceTooLarge));
  it('counts money set aside as part of the balance', () =>
    given(opened(), deposited(MAX), reserved('t1', MAX))
      .when(deposit(1))
      .isRefused(balanceTooLarge));
  it('refuses another currency', () =>
    given(opened())
      .when(deposit(5, { currency: 'USD' }))
      .isRefused(keptIn('EUR', 'USD')));
  it('refuses without an account', () => given().when(deposit(5)).isRefused(noAccount));
  it.each(['frozen', 'closed'] as const)('refuses a %s account', (status) =>
    givenA(status, opened()).when(deposit(5)).isRefused(notOpen(status)),
  );
});

describe('withdraw', () => {
  it('takes all there is', () =>
    given(opened(), deposited(100)).when(withdraw(100)).gives(withdrawn(100)));
  it('takes the smallest amount', () =>
    given(opened(), deposited(100)).when(withdraw(1)).gives(withdrawn(1)));
  it('takes the largest amount', () =>
    given(opened(), deposited(MAX)).when(withdraw(MAX)).gives(withdrawn(MAX)));
  it('keeps the reference', () =>
    given(opened(), deposited(5)).when(withdraw(5, rent)).gives(withdrawn(5, rent)));
  it('takes the currency of the account', () =>
    given(opened(), deposited(5))
      .when(withdraw(5, { currency: 'EUR' }))
      .gives(withdrawn(5)));
  it('goes down to the overdraft limit', () =>
    given(opened({ overdraftLimit: 50 }), deposited(100))
      .when(withdraw(150))
      .gives(withdrawn(150)));
  it('goes down to the largest overdraft limit', () =>
    given(opened({ overdraftLimit: MAX }))
      .when(withdraw(MAX))
      .gives(withdrawn(MAX)));
  it('spends what a released transfer gave back', () =>
    given(opened(), deposited(9), reserved('t1', 9), released('t1', 9, 'account_not_found'))
      .when(withdraw(9))
      .gives(withdrawn(9)));
  it('adds nothing to the reservations: the range of their sum is not its concern', () =>
    given(opened({ overdraftLimit: MAX }), deposited(MAX), reserved('t1', MAX))
      .when(withdraw(1))
      .gives(withdrawn(1)));

  it('refuses one more than there is', () =>
    given(opened(), deposited(100))
      .when(withdraw(101))
      .isRefused(tooLittle(100, '100 available, 101 asked for.')));
  it('refuses from an empty account', () =>
    given(opened()).when(withdraw(1)).isRefused(tooLittle(0, '0 available, 1 asked for.')));
  it('refuses the largest amount without a rounding error', () =>
    given(opened(), deposited(MAX - 1))
      .when(withdraw(MAX))
      .isRefused(tooLittle(MAX - 1, '9007199254740990 available, 9007199254740991 asked for.')));
  it('refuses to pass the overdraft limit', () =>
    given(opened({ overdraftLimit: 50 }), withdrawn(50))
      .when(withdraw(1))
      .isRefused(
        tooLittle(-50, '-50 available and an overdraft limit of 50 cover 0; 1 asked for.'),
      ));
  it('refuses to pass the largest overdraft limit', () =>
    given(opened({ overdraftLimit: MAX }), withdrawn(MAX))
      .when(withdraw(MAX))
      .isRefused(
        tooLittle(
          -MAX,
          '-9007199254740991 available and an overdraft limit of 9007199254740991 cover 0; 9007199254740991 asked for.',
        ),
      ));
  it('refuses to spend what is set aside', () =>
    given(opened(), deposited(100), reserved('t1', 60))
      .when(withdraw(41))
      .isRefused(tooLittle(40, '40 available, 41 asked for.')));
  it('refuses another currency', () =>
    given(opened(), deposited(5))
      .when(withdraw(5, { currency: 'USD' }))
      .isRefused(keptIn('EUR', 'USD')));
  it('refuses without an account', () => given().when(withdraw(5)).isRefused(noAccount));
  it.each(['frozen', 'closed'] as const)('refuses a %s account', (status) =>
    givenA(status, opened(), deposited(5)).when(withdraw(5)).isRefused(notOpen(status)),
  );
});

describe('reserve', () => {
  it('sets all there is aside', () =>
    given(opened(), deposited(100)).when(reserve('t1', 100)).gives(reserved('t1', 100)));
  it('sets the smallest amount aside', () =>
    given(opened(), deposited(100)).when(reserve('t1', 1)).gives(reserved('t1', 1)));
  it('sets the largest amount aside', () =>
    given(opened(), deposited(MAX)).when(reserve('t1', MAX)).gives(reserved('t1', MAX)));
  it('keeps the reference', () =>
    given(opened(), deposited(5))
      .when(reserve('t1', 5, rent))
      .gives(reserved('t1', 5, rent)));
  it('goes down to the overdraft limit', () =>
    given(opened({ overdraftLimit: 50 }))
      .when(reserve('t1', 50))
      .gives(reserved('t1', 50)));
  it('goes beside another reservation', () =>
    given(opened(), deposited(100), reserved('t1', 60))
      .when(reserve('t2', 40))
      .gives(reserved('t2', 40)));
  it('fills the reservations to the top', () =>
    given(opened({ overdraftLimit: MAX }), reserved('t1', MAX - 1))
      .when(reserve('t2', 1))
      .gives(reserved('t2', 1)));
  it.each(['constructor', 'toString', '__proto__'])(
    'takes the transfer id %s, as any other',
    (transferId) =>
      given(opened(), deposited(5)).when(reserve(transferId, 5)).gives(reserved(transferId, 5)),
  );

  it('does nothing a second time, while its reservation is open', () =>
    given(opened(), deposited(100), reserved('t1', 60)).when(reserve('t1', 60)).gives());
  it('does nothing a second time, though there is not enough for another', () =>
    given(opened(), deposited(60), reserved('t1', 60)).when(reserve('t1', 60)).gives());
  it.each(['frozen', 'closed'] as const)(
    'does nothing a second time on a %s account: it was promised',
    (status) =>
      givenA(status, opened(), deposited(100), reserved('t1', 60)).when(reserve('t1', 60)).gives(),
  );

  it('refuses one more than there is', () =>
    given(opened(), deposited(100))
      .when(reserve('t1', 101))
      .isRefused(tooLittle(100, '100 available, 101 asked for.')));
  it('refuses what another reservation holds', () =>
    given(opened(), deposited(100), reserved('t1', 60))
      .when(reserve('t2', 41))
      .isRefused(tooLittle(40, '40 available, 41 asked for.')));
  it('refuses to pass the overdraft limit', () =>
    given(opened({ overdraftLimit: 50 }), reserved('t1', 50))
      .when(reserve('t2', 1))
      .isRefused(
        tooLittle(-50, '-50 available and an overdraft limit of 50 cover 0; 1 asked for.'),
      ));
  it('refuses a sum of reservations out of range, though the overdraft would cover it', () =>
    given(opened({ overdraftLimit: MAX }), deposited(MAX), reserved('t1', MAX))
      .when(reserve('t2', 1))
      .isRefused(reservationsTooLarge));
  it('refuses a transfer to the same account', () =>
    given(opened(), deposited(5))
      .when(reserve('t1', 5, { to: 'a1' }))
      .isRefused(sameAccount));
  it('refuses another currency', () =>
    given(opened(), deposited(5))
      .when(reserve('t1', 5, { currency: 'USD' }))
      .isRefused(keptIn('EUR', 'USD')));
  it('refuses without an account', () => given().when(reserve('t1', 5)).isRefused(noAccount));
  it.each(['frozen', 'closed'] as const)('refuses a %s account', (status) =>
    givenA(status, opened(), deposited(5)).when(reserve('t1', 5)).isRefused(notOpen(status)),
  );
});

describe('credit', () => {
  it('pays in the smallest amount', () =>
    given(opened()).when(credit('t1', 1)).gives(credited('t1', 1)));
  it('pays in the largest amount', () =>
    given(opened()).when(credit('t1', MAX)).gives(credited('t1', MAX)));
  it('keeps the reference', () =>
    given(opened())
      .when(credit('t1', 5, rent))
      .gives(credited('t1', 5, rent)));

  it('refuses a balance out of range', () =>
    given(opened(), deposited(MAX)).when(credit('t1', 1)).isRefused(balanceTooLarge));
  it('refuses another currency', () =>
    given(opened({ currency: 'USD' }))
      .when(credit('t1', 5))
      .isRefused(keptIn('USD', 'EUR')));
  it('refuses without an account', () => given().when(credit('t1', 5)).isRefused(noAccount));
  it.each(['frozen', 'closed'] as const)('refuses a %s account', (status) =>
    givenA(status, opened()).when(credit('t1', 5)).isRefused(notOpen(status)),
  );
});

describe('settle', () => {
  const open = [opened(), deposited(100), reserved('t1', 60, rent)];

  it('turns the reservation into a withdrawal', () =>
    given(...open)
      .when(settle('t1', rent))
      .gives(...settled('t1', 60, rent)));
  it('settles the largest amount', () =>
    given(opened(), deposited(MAX), reserved('t1', MAX))
      .when(settle('t1'))
      .gives(...settled('t1', MAX)));
  it('settles down to the largest overdraft', () =>
    given(opened({ overdraftLimit: MAX }), reserved('t1', MAX))
      .when(settle('t1'))
      .gives(...settled('t1', MAX)));
  it('leaves other reservations alone', () =>
    given(...open, reserved('t2', 40))
      .when(settle('t2'))
      .gives(...settled('t2', 40)));
  it.each(['frozen', 'closed'] as const)(
    'goes through on a %s account: the money was promised',
    (status) =>
      givenA(status, ...open)
        .when(settle('t1', rent))
        .gives(...settled('t1', 60, rent)),
  );
  it('does nothing a second time', () =>
    given(...open, ...settled('t1', 60))
      .when(settle('t1'))
      .gives());
  it('does nothing after a release', () =>
    given(...open, released('t1', 60, 'account_not_found'))
      .when(settle('t1'))
      .gives());
  it.each(['t9', 'constructor', '__proto__'])(
    'does nothing for %s, which nobody reserved',
    (transferId) =>
      given(...open)
        .when(settle(transferId))
        .gives(),
  );
  it('refuses without an account', () => given().when(settle('t1')).isRefused(noAccount));
});

describe('release', () => {
  const open = [opened(), deposited(100), reserved('t1', 60, rent)];

  it('gives the reservation back, with the reason', () =>
    given(...open)
      .when(release('t1', 'account_not_found'))
      .gives(released('t1', 60, 'account_not_found')));
  it('leaves other reservations alone', () =>
    given(...open, reserved('t2', 40))
      .when(release('t2', 'currency_mismatch'))
      .gives(released('t2', 40, 'currency_mismatch')));
  it.each(['frozen', 'closed'] as const)(
    'goes through on a %s account: the money is its own',
    (status) =>
      givenA(status, ...open)
        .when(release('t1', 'account_not_open'))
        .gives(released('t1', 60, 'account_not_open')),
  );
  it('does nothing a second time', () =>
    given(...open, released('t1', 60, 'account_not_found'))
      .when(release('t1', 'account_not_found'))
      .gives());
  it('does nothing after a settlement', () =>
    given(...open, ...settled('t1', 60))
      .when(release('t1', 'account_not_found'))
      .gives());
  it.each(['t9', 'constructor', '__proto__'])(
    'does nothing for %s, which nobody reserved',
    (transferId) =>
      given(...open)
        .when(release(transferId, 'account_not_found'))
        .gives(),
  );
  it('refuses without an account', () =>
    given().when(release('t1', 'account_not_found')).isRefused(noAccount));
});
