import { describe, it } from 'vitest';
import {
  captured,
  closed,
  credited,
  deposited,
  described,
  frozen,
  held,
  limited,
  MAX,
  opened,
  posted,
  released,
  reserved,
  settled,
  unfrozen,
  withdrawn,
} from './facts.ts';
import { given, givenA, NOON, type Refusal } from './given.ts';
import {
  amend,
  capture,
  close,
  credit,
  deposit,
  expire,
  freeze,
  hold,
  leg,
  release,
  reserve,
  reverse,
  settle,
  unfreeze,
  voidHold,
  withdraw,
} from './requests.ts';

const noAccount: Refusal = { code: 'account_not_found', detail: 'There is no account a1.' };
const isFrozen: Refusal = { code: 'account_not_open', detail: 'Account a1 is frozen.' };
const isClosed: Refusal = { code: 'account_not_open', detail: 'Account a1 is closed.' };
const anew: Refusal = {
  code: 'described_anew',
  detail: 'Account a1 was described anew meanwhile.',
};
const inUse = (available: number): Refusal => ({
  code: 'limit_in_use',
  detail: `${available} available: the limit cannot fall below what is in use.`,
  available,
});
const notEmpty = (balance: number, aside: number): Refusal => ({
  code: 'account_not_empty',
  detail: `Account a1 has a balance of ${balance} and ${aside} reserved; to be closed it must have neither.`,
});
const rent = { name: 'Rent', metadata: { flat: '3' } };
const saying = (describedAt: number, more: object) =>
  amend({ described: { describedAt, ...more } });

describe('amend', () => {
  it('describes an account that nothing was said of', () =>
    given(opened()).when(saying(0, rent)).gives(described(rent)));
  it('describes one anew, from what was said before', () =>
    given(opened(), described(rent))
      .when(saying(2, { name: 'Food' }))
      .gives(described({ name: 'Food' })));
  it('takes back all that was said', () =>
    given(opened(), described(rent)).when(saying(2, {})).gives(described({})));
  it('goes on from what was said when it was opened', () =>
    given(opened(rent)).when(saying(1, {})).gives(described({})));
  it('refuses what was made from an older description', () =>
    given(opened(), described(rent)).when(saying(0, rent)).isRefused(anew));
  it('raises the limit', () =>
    given(opened())
      .when(amend({ overdraftLimit: 50 }))
      .gives(limited(50)));
  it('raises it to the largest there is', () =>
    given(opened())
      .when(amend({ overdraftLimit: MAX }))
      .gives(limited(MAX)));
  it('lowers it to what is in use', () =>
    given(opened({ overdraftLimit: 50 }), withdrawn(30))
      .when(amend({ overdraftLimit: 30 }))
      .gives(limited(30)));
  it('does nothing where the limit is that already', () =>
    given(opened({ overdraftLimit: 50 }))
      .when(amend({ overdraftLimit: 50 }))
      .gives());
  it('describes and limits at once, or does neither', () => {
    given(opened())
      .when(amend({ described: { describedAt: 0, name: 'Rent' }, overdraftLimit: 5 }))
      .gives(described({ name: 'Rent' }), limited(5));
    given(opened({ overdraftLimit: 5 }), withdrawn(5))
      .when(amend({ described: { describedAt: 0, name: 'Rent' }, overdraftLimit: 4 }))
      .isRefused(inUse(-5));
  });
  it('refuses a limit below what is in use by one', () =>
    given(opened({ overdraftLimit: 50 }), withdrawn(30))
      .when(amend({ overdraftLimit: 29 }))
      .isRefused(inUse(-30)));
  it('counts what is set aside as in use', () =>
    given(opened({ overdraftLimit: 50 }), held('t1', 50))
      .when(amend({ overdraftLimit: 49 }))
      .isRefused(inUse(-50)));
  it('is taken by a frozen account', () =>
    givenA('frozen', opened())
      .when(amend({ overdraftLimit: 5 }))
      .gives(limited(5)));
  it('refuses a closed account', () =>
    givenA('closed', opened())
      .when(amend({ overdraftLimit: 5 }))
      .isRefused(isClosed));
  it('refuses without an account', () => given().when(amend({})).isRefused(noAccount));
});

describe('freeze', () => {
  it.each(['debits', 'all'] as const)('freezes %s', (scope) =>
    given(opened()).when(freeze(scope)).gives(frozen(scope)),
  );
  it('keeps the reason', () =>
    given(opened())
      .when(freeze('all', { reason: 'court' }))
      .gives(frozen('all', 'court')));
  it('does nothing where the same is frozen', () =>
    given(opened(), frozen('all', 'court')).when(freeze('all')).gives());
  it('changes what is frozen, either way', () => {
    given(opened(), frozen('debits')).when(freeze('all')).gives(frozen('all'));
    given(opened(), frozen('all')).when(freeze('debits')).gives(frozen('debits'));
  });
  it('freezes again what was unfrozen', () =>
    given(opened(), frozen('all'), unfrozen()).when(freeze('all')).gives(frozen('all')));
  it('freezes an account that has money, debts or promises', () =>
    given(opened({ overdraftLimit: 9 }), reserved('t1', 9))
      .when(freeze('all'))
      .gives(frozen('all')));
  it('refuses a closed account', () =>
    givenA('closed', opened()).when(freeze('all')).isRefused(isClosed));
  it('refuses without an account', () => given().when(freeze('all')).isRefused(noAccount));
});

describe('unfreeze', () => {
  it.each(['debits', 'all'] as const)('opens what was frozen for %s', (scope) =>
    given(opened(), frozen(scope)).when(unfreeze()).gives(unfrozen()),
  );
  it('keeps the reason', () =>
    given(opened(), frozen('all'))
      .when(unfreeze({ reason: 'paid' }))
      .gives(unfrozen('paid')));
  it('does nothing where nothing is frozen', () => given(opened()).when(unfreeze()).gives());
  it('refuses a closed account', () =>
    givenA('closed', opened()).when(unfreeze()).isRefused(isClosed));
  it('refuses without an account', () => given().when(unfreeze()).isRefused(noAccount));
});

describe('close', () => {
  it('closes an empty account', () => given(opened()).when(close()).gives(closed()));
  it('closes one that has been emptied', () =>
    given(opened(), deposited(5), withdrawn(5)).when(close()).gives(closed()));
  it('closes one that may be overdrawn, and is not', () =>
    given(opened({ overdraftLimit: 5 }))
      .when(close())
      .gives(closed()));
  it('does nothing a second time', () => givenA('closed', opened()).when(close()).gives());
  it('refuses one with money', () =>
    given(opened(), deposited(1)).when(close()).isRefused(notEmpty(1, 0)));
  it('refuses one with a debt', () =>
    given(opened({ overdraftLimit: 1 }), withdrawn(1))
      .when(close())
      .isRefused(notEmpty(-1, 0)));
  it('refuses one that has promised what it does not have', () =>
    given(opened({ overdraftLimit: 1 }), reserved('t1', 1))
      .when(close())
      .isRefused(notEmpty(0, 1)));
  it.each(['frozen out', 'frozen'] as const)('refuses one that is %s', (standing) =>
    givenA(standing, opened()).when(close()).isRefused(isFrozen),
  );
  it('refuses without an account', () => given().when(close()).isRefused(noAccount));
});

describe('an account that is frozen for payments out', () => {
  const account = [opened(), deposited(100)];
  it('is paid into', () =>
    givenA('frozen out', ...account)
      .when(deposit(5))
      .gives(deposited(5)));
  it('is credited', () =>
    givenA('frozen out', ...account)
      .when(credit('t1', 5))
      .gives(credited('t1', 5)));
  it('takes a leg in', () =>
    givenA('frozen out', ...account)
      .when(leg(5))
      .gives(posted(5)));
  it.each([
    ['withdrawal', withdraw(5)],
    ['transfer', reserve('t1', 5)],
    ['hold', hold('t1', 5)],
    ['reversal', reverse('t1', 5)],
    ['leg out', leg(-5)],
  ])('refuses a %s', (_, command) =>
    givenA('frozen out', ...account)
      .when(command)
      .isRefused(isFrozen),
  );
});

describe('an account that is frozen for all, and one that is closed,', () => {
  it.each([
    ['deposit', deposit(5)],
    ['credit', credit('t1', 5)],
    ['leg in', leg(5)],
    ['withdrawal', withdraw(5)],
    ['transfer', reserve('t1', 5)],
    ['hold', hold('t1', 5)],
    ['reversal', reverse('t1', 5)],
    ['leg out', leg(-5)],
  ])('refuse a %s', (_, command) => {
    givenA('frozen', opened(), deposited(100)).when(command).isRefused(isFrozen);
    givenA('closed', opened()).when(command).isRefused(isClosed);
  });
  it('are open for all once the one is unfrozen', () =>
    given(opened(), deposited(5), frozen('all'), unfrozen()).when(withdraw(5)).gives(withdrawn(5)));
});

describe.each(['frozen out', 'frozen'] as const)('a source that is %s', (standing) => {
  const account = [opened(), deposited(100)];
  const late = { at: '2026-11-21T12:01:00.000Z' } as Parameters<
    ReturnType<typeof givenA>['when']
  >[1];

  it('keeps its word for what was reserved: it settles', () =>
    givenA(standing, ...account, reserved('t1', 60))
      .when(settle('t1'))
      .gives(...settled('t1', 60)));
  it('gets back what was reserved', () =>
    givenA(standing, ...account, reserved('t1', 60))
      .when(release('t1', 'x'))
      .gives(released('t1', 60, 'x')));
  it('refuses a capture, and the hold stays', () =>
    givenA(standing, ...account, held('t1', 60))
      .when(capture('t1'))
      .isRefused(isFrozen));
  it('gets back a hold that is voided', () =>
    givenA(standing, ...account, held('t1', 60))
      .when(voidHold('t1'))
      .gives(released('t1', 60, 'voided')));
  it('gets back a hold that expires', () =>
    givenA(standing, ...account, held('t1', 60))
      .when(expire('t1'), late)
      .gives(released('t1', 60, 'expired')));
  it('keeps its word for what was captured before', () =>
    givenA(standing, ...account, held('t1', 60), captured('t1', 40, 60))
      .when(settle('t1'))
      .gives(...settled('t1', 40)));
  it('gets back what was captured, where the destination refuses it', () =>
    givenA(standing, ...account, held('t1', 60), captured('t1', 40, 60))
      .when(release('t1', 'x'))
      .gives(released('t1', 40, 'x')));
});

describe('the account that the caller hears of', () => {
  const account = {
    accountId: 'a1',
    owner: 'alice',
    currency: 'EUR',
    status: 'open',
    balance: 0,
    reserved: 0,
    available: 0,
    overdraftLimit: 0,
    version: 2,
    openedAt: NOON,
  };
  it('after a freeze says what is frozen', () =>
    given(opened())
      .when(freeze('debits'))
      .answers({ ...account, status: 'frozen', frozen: 'debits' }));
  it('after an unfreeze says so no more', () =>
    given(opened(), frozen('all'))
      .when(unfreeze())
      .answers({ ...account, version: 3 }));
  it('after its end says when that was', () =>
    given(opened())
      .when(close())
      .answers({ ...account, status: 'closed', closedAt: NOON }));
  it('after an amendment has its limit, and where it is described', () =>
    given(opened())
      .when(amend({ described: { describedAt: 0, ...rent }, overdraftLimit: 5 }))
      .answers({ ...account, overdraftLimit: 5, version: 3, describedAt: 2 }));
  it('is the account as it is where nothing changed', () =>
    given(opened())
      .when(unfreeze())
      .answers({ ...account, version: 1 }));
});
