import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createRhythm } from '../../../../local-cloud/streams/rhythm.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

/** How long it waits, on a clock of its own, in ms; `during` happens after a while. */
const waitOf = async (
  next: Promise<void>,
  during?: { readonly afterMs: number; readonly act: () => void },
) => {
  let waited: number | undefined;
  let elapsed = 0;
  next.then(() => {
    waited = elapsed;
  });
  while (waited === undefined && elapsed < 10_000) {
    if (elapsed === during?.afterMs) during.act();
    await vi.advanceTimersByTimeAsync(1);
    elapsed += 1;
  }
  return waited;
};

it('waits longer each time that there is nothing to see, up to the longest wait', async () => {
  const rhythm = createRhythm({ shortestMs: 10, longestMs: 50 });
  const waits = [];
  for (const quiet of [false, true, true, true, true, false])
    waits.push(await waitOf(rhythm.next(quiet)));
  expect(waits).toEqual([10, 20, 40, 50, 50, 10].map(near));
});

it('a wake ends a long wait, but not the shortest one', async () => {
  const rhythm = createRhythm({ shortestMs: 10, longestMs: 1_000 });
  for (const _ of [1, 2, 3]) await waitOf(rhythm.next(true));
  expect(await waitOf(rhythm.next(true), { afterMs: 60, act: rhythm.wake })).toEqual(near(60));
  await waitOf(rhythm.next(true));
  expect(await waitOf(rhythm.next(true), { afterMs: 3, act: rhythm.wake })).toEqual(near(10));
});

it('after a wake that came too early it looks again soon', async () => {
  const rhythm = createRhythm({ shortestMs: 10, longestMs: 1_000 });
  for (const _ of [1, 2, 3]) await waitOf(rhythm.next(true));
  rhythm.wake();
  expect(await waitOf(rhythm.next(true))).toEqual(near(10));
  expect(await waitOf(rhythm.next(true))).toEqual(near(20));
});

/** Timers and promises take turns: a millisecond more is the same. */
const near = (milliseconds: number) =>
  expect.toSatisfy((it: number) => Math.abs(it - milliseconds) <= 1);
