import { expect, it } from 'vitest';
import { poll } from '../../../functions/http/polling.ts';
import { createFakeTime } from './ledger.ts';

it('stops at what is wanted, without a pause where that is there at once', async () => {
  const time = createFakeTime();
  expect(
    await poll(
      time,
      async () => 7,
      (value) => value === 7,
      time.clock() + 1000,
    ),
  ).toBe(7);
  expect(time.pauses).toEqual([]);
});

it('pauses longer and longer, and reads once more when the time is up', async () => {
  const time = createFakeTime();
  let reads = 0;
  const last = await poll(
    time,
    async () => ++reads,
    () => false,
    time.clock() + 1000,
  );
  expect(time.pauses).toEqual([20, 40, 80, 160, 200, 200, 200, 100]);
  expect(last).toBe(9);
});
