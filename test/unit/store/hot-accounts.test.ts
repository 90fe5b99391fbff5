import { expect, it } from 'vitest';
import { AccountId, Timestamp } from '../../../events/values.ts';
import { isHot, rememberHotAccounts } from '../../../functions/store/queueing/hot-accounts.ts';
import { emptyTail } from '../../../functions/store/stream/tail.ts';
import { NOON } from '../ledger/given.ts';

it.each([
  ['hot in the second after several met in its last commit', 2, 0, true],
  ['hot up to the end of that second', 2, 999, true],
  ['not hot once the second is over', 2, 1_000, false],
  ['not hot where the commit is dated ahead of now', 2, -1, false],
  ['not hot where one command was alone in its last commit', 1, 0, false],
])('an account is %s', (_, batch, age, expected) => {
  const tail = { ...emptyTail(AccountId.parse('a')), version: 2, at: Timestamp.parse(NOON), batch };
  expect(isHot(tail, Date.parse(NOON) + age)).toBe(expected);
});

it('an account without a commit is not hot', () =>
  expect(isHot({ ...emptyTail(AccountId.parse('a')), batch: 2 }, 0)).toBe(false));

it('an account stays hot for a while after several met on it, and cools down when four in a row were alone', () => {
  let now = 0;
  const hot = rememberHotAccounts(() => now);
  expect(hot.has('a')).toBe(false);
  hot.met('a', 2);
  now += 9_999;
  expect(hot.has('a')).toBe(true);
  now += 1;
  expect(hot.has('a')).toBe(false);
  hot.met('a', 2);
  for (let n = 0; n < 3; n += 1) hot.met('a', 1);
  expect(hot.has('a')).toBe(true);
  hot.met('a', 2);
  for (let n = 0; n < 3; n += 1) hot.met('a', 1);
  expect(hot.has('a')).toBe(true);
  hot.met('a', 1);
  expect(hot.has('a')).toBe(false);
});

it('how long its queue takes is learned of every account by itself', () => {
  const hot = rememberHotAccounts(() => 0);
  for (let n = 0; n < 50; n += 1) hot.wait('busy').took(600);
  expect(Math.round(hot.wait('busy').expected())).toBe(600);
  expect(hot.wait('quiet').expected()).toBe(60);
  for (let n = 0; n < 50; n += 1) hot.wait('busy').took(0);
  expect(Math.round(hot.wait('busy').expected())).toBe(20);
  for (let n = 0; n < 50; n += 1) hot.wait('busy').took(9_000);
  expect(Math.round(hot.wait('busy').expected())).toBe(2_000);
});

it('forgets the account that it has not met for longest, once there are a thousand', () => {
  const hot = rememberHotAccounts(() => 0);
  for (let n = 0; n < 1_000; n += 1) hot.met(`account-${n}`, 2);
  hot.met('account-0', 2);
  hot.met('one-more', 2);
  expect([hot.has('account-0'), hot.has('account-1'), hot.has('account-2')]).toEqual([
    true,
    false,
    true,
  ]);
});

it('an account is contended for a moment after a lost race, eight times as long after each further one, and half as long after a win', () => {
  let now = 0;
  const hot = rememberHotAccounts(() => now);
  /** For how long it stays so, in milliseconds. */
  const lasts = () => {
    const from = now;
    while (hot.isContended('a', 'at once')) now += 1;
    return now - from;
  };
  const lose = () => {
    hot.raced('a', 'at once', false);
    return lasts();
  };
  expect(lasts()).toBe(0);
  expect([lose(), lose(), lose(), lose(), lose()]).toEqual([100, 800, 6_400, 10_000, 10_000]);
  expect(hot.has('a')).toBe(false);
  expect(hot.isContended('a', 'alone')).toBe(false);
  const winAll = (times: number) => {
    for (let n = 0; n < times; n += 1) hot.raced('a', 'at once', true);
    return lasts();
  };
  expect(winAll(4)).toBe(0);
  expect(lose()).toBe(5_000);
  winAll(7);
  expect(lose()).toBe(100);
});

it('an account is contended once for all commands that lost the same race', () => {
  let now = 0;
  const hot = rememberHotAccounts(() => now);
  for (let n = 0; n < 60; n += 1) hot.raced('a', 'at once', false);
  now = 100;
  expect(hot.isContended('a', 'at once')).toBe(false);
});

it('an account that wins at once is not remembered for it', () => {
  const hot = rememberHotAccounts(() => 0);
  hot.met('hot', 2);
  for (let n = 0; n < 1_000; n += 1) hot.raced(`quiet-${n}`, 'at once', true);
  expect(hot.has('hot')).toBe(true);
});
