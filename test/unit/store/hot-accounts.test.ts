import { expect, it } from 'vitest';
import { rememberHotAccounts } from '../../../functions/store/queueing/hot-accounts.ts';

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
