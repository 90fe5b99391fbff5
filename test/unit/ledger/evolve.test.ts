import { describe, expect, it } from 'vitest';
import type { AccountEvent } from '../../../events/event.ts';
import { TransferId } from '../../../events/values.ts';
import {
  Account,
  available,
  initialState,
  reservationOf,
} from '../../../functions/ledger/account.ts';
import { deepFreeze } from '../../properties/history.ts';
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
import { fold, NOON, recorded } from './given.ts';

const stateAfter = (...events: AccountEvent[]) => fold(deepFreeze(recorded(events)));

const empty = {
  status: 'open',
  owner: 'alice',
  currency: 'EUR',
  overdraftLimit: 0,
  openedAt: NOON,
  balance: 0,
  reserved: 0,
};

/** Nothing has moved yet. */
const still = { count: 0, amount: '0' };

describe('an account, folded from its events', () => {
  it('is nothing before the first', () => expect(stateAfter()).toBe(initialState));

  it.each<[string, AccountEvent[], object]>([
    ['empty when opened', [opened()], empty],
    [
      'as opened',
      [opened({ overdraftLimit: 5, currency: 'JPY' })],
      { ...empty, overdraftLimit: 5, currency: 'JPY' },
    ],
    ['fuller by a deposit', [opened(), deposited(100)], { ...empty, balance: 100 }],
    ['fuller by a credit', [opened(), credited('t1', 100)], { ...empty, balance: 100 }],
    [
      'emptier by a withdrawal',
      [opened(), deposited(100), withdrawn(30)],
      { ...empty, balance: 70 },
    ],
    [
      'no emptier by a reservation',
      [opened(), deposited(9), reserved('t1', 4)],
      { ...empty, balance: 9, reserved: 4 },
    ],
    [
      'emptier by a settlement',
      [opened(), deposited(9), reserved('t1', 4), ...settled('t1', 4)],
      { ...empty, balance: 5 },
    ],
    [
      'whole after a release',
      [opened(), deposited(9), reserved('t1', 4), released('t1', 4, 'x')],
      { ...empty, balance: 9 },
    ],
    ['exact at the top', [opened(), deposited(MAX - 1), deposited(1)], { ...empty, balance: MAX }],
  ])('is %s', (_, events, expected) => expect(stateAfter(...events)).toMatchObject(expected));

  it('keeps an open reservation: for whom, how much, since when, but not what was said of it', () => {
    const account = stateAfter(
      opened(),
      deposited(9),
      reserved('t1', 4, { reference: 'rent' }),
      reserved('t2', 5),
    );
    const since = (version: number) => ({ to: 'b1', version, at: NOON });
    expect(reservationOf(account, id('t1'))).toEqual({
      transferId: 't1',
      ...since(3),
      amount: 4,
    });
    expect(reservationOf(account, id('t2'))).toMatchObject({ ...since(4), amount: 5 });
  });

  it('forgets a reservation that ended, and no other', () => {
    const account = stateAfter(
      opened(),
      deposited(9),
      reserved('t1', 4),
      reserved('t2', 5),
      released('t1', 4, 'x'),
    );
    expect(reservationOf(account, id('t1'))).toBeUndefined();
    expect(reservationOf(account, id('t2'))).toMatchObject({ amount: 5 });
    expect(account?.reserved).toBe(5);
  });

  it('can be told from no account when asked for a reservation', () =>
    expect(reservationOf(undefined, id('t1'))).toBeUndefined());
});

describe('what an account can spend', () => {
  it.each<[string, AccountEvent[], number]>([
    ['its balance', [opened(), deposited(100)], 100],
    ['what is not set aside', [opened(), deposited(100), reserved('t1', 60)], 40],
    [
      'less than nothing once the overdraft is in use',
      [opened({ overdraftLimit: 50 }), reserved('t1', 50)],
      -50,
    ],
    [
      'less by all there is when the largest overdraft is used up',
      [opened({ overdraftLimit: MAX }), withdrawn(MAX)],
      -MAX,
    ],
  ])('is %s', (_, events, expected) => {
    const account = stateAfter(...events);
    expect(account && available(account)).toBe(expected);
  });

  it('is never rounded: an account that no ledger leaves behind is refused', () => {
    const account = stateAfter(opened(), withdrawn(MAX), reserved('t1', 1));
    expect(() => account && available(account)).toThrow('available left the safe range');
  });
});

describe('a stream that no ledger wrote', () => {
  it.each<[string, AccountEvent[], string]>([
    [
      'opens an account twice',
      [opened(), opened()],
      '2 (AccountOpened)… the account was already open',
    ],
    [
      'deposits before it opens',
      [deposited(1)],
      '1 (MoneyDeposited)… the account was never opened',
    ],
    [
      'withdraws before it opens',
      [withdrawn(1)],
      '1 (MoneyWithdrawn)… the account was never opened',
    ],
    [
      'reserves before it opens',
      [reserved('t1', 1)],
      '1 (MoneyReserved)… the account was never opened',
    ],
    [
      'cancels before it opens',
      [released('t1', 1, 'x')],
      '1 (ReservationCancelled)… the account was never opened',
    ],
    [
      'reserves twice for a transfer',
      [opened(), reserved('t1', 1), reserved('t1', 1)],
      '3 (MoneyReserved)… its transfer is already reserved',
    ],
    [
      'cancels what was never reserved',
      [opened(), released('t1', 1, 'x')],
      '2 (ReservationCancelled)… there is no such reservation',
    ],
    [
      'cancels what no object lacks',
      [opened(), released('constructor', 1, 'x')],
      '2 (ReservationCancelled)… there is no such reservation',
    ],
    [
      'cancels twice',
      [opened(), reserved('t1', 1), ...settled('t1', 1), released('t1', 1, 'x')],
      '5 (ReservationCancelled)… there is no such reservation',
    ],
    [
      'cancels another amount',
      [opened(), reserved('t1', 2), released('t1', 1, 'x')],
      '3 (ReservationCancelled)… there is no such reservation',
    ],
    [
      'lifts the balance out of range',
      [opened(), deposited(MAX), deposited(1)],
      '3 (MoneyDeposited)… a sum leaves the safe range',
    ],
    [
      'drops the balance out of range',
      [opened(), withdrawn(MAX), withdrawn(1)],
      '3 (MoneyWithdrawn)… a sum leaves the safe range',
    ],
    [
      'reserves out of range',
      [opened(), reserved('t1', MAX), reserved('t2', 1)],
      '3 (MoneyReserved)… a sum leaves the safe range',
    ],
  ])('is refused where it %s, naming the event and what is wrong', (_, events, said) =>
    expect(() => stateAfter(...events)).toThrow(
      new Error(`event ${said.replace('…', ' cannot follow its stream:')}`),
    ),
  );
});

describe('a snapshot', () => {
  const histories: [string, AccountEvent[]][] = [
    ['an empty account', [opened()]],
    ['an overdrawn account', [opened({ overdraftLimit: MAX }), withdrawn(MAX)]],
    [
      'open reservations',
      [
        opened(),
        deposited(9),
        reserved('t1', 4, { reference: 'Miete für März €' }),
        reserved('t2', 1),
      ],
    ],
    ...['constructor', '__proto__'].map((name): [string, AccountEvent[]] => [
      `a reservation for the transfer ${name}`,
      [opened(), deposited(9), reserved(name, 4)],
    ]),
  ];

  it.each(histories)('of %s is read back as it was written', (_, events) => {
    const account = stateAfter(...events);
    expect(Account.parse(JSON.parse(JSON.stringify(account)))).toEqual(account);
  });

  // Only what the case names is wrong with it: the same snapshot without it is read.
  const whole = { ...empty, credits: still, debits: still, reservations: [] };

  it('with a field too many is read without it', () =>
    expect(Account.parse({ ...whole, nickname: 'rent' })).toStrictEqual(whole));
  it('with a field too many in a reservation is read without it', () => {
    const reservation = { transferId: 't1', to: 'b1', amount: 1, version: 2, at: NOON };
    const reservations = [{ ...reservation, reference: 'rent' }];
    expect(Account.parse({ ...whole, reservations })).toStrictEqual({
      ...whole,
      reservations: [reservation],
    });
  });
  it.each(['open', 'frozen', 'closed'])('of an account that is %s is read', (status) =>
    expect(Account.parse({ ...whole, status })).toStrictEqual({ ...whole, status }),
  );
  it.each(Object.keys(whole))('without %s is refused', (missing) => {
    const snapshot = Object.fromEntries(Object.entries(whole).filter(([name]) => name !== missing));
    expect(Account.safeParse(snapshot)).toMatchObject({
      success: false,
      error: { issues: [{ path: [missing] }] },
    });
  });
  it.each([
    ['status', 'asleep'],
    ['balance', 0.5],
    ['balance', MAX + 1],
    ['overdraftLimit', -1],
    ['reservations', {}],
  ])('with %s %o is refused', (name, value) =>
    expect(Account.safeParse({ ...whole, [name]: value })).toMatchObject({
      success: false,
      error: { issues: [{ path: [name] }] },
    }),
  );
});

const id = (name: string) => TransferId.parse(name);
