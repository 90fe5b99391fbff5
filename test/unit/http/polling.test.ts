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
      0,
    ),
  ).toBe(7);
  expect(time.pauses).toEqual([]);
});

it('reads first when it is expected, then after longer and longer pauses, and once more when the time is up', async () => {
  const time = createFakeTime();
  let reads = 0;
  const last = await poll(
    time,
    async () => ++reads,
    () => false,
    time.clock() + 1000,
    400,
  );
  expect(time.pauses).toEqual([400, 100, 125, 156.25, 195.3125, 23.4375]);
  expect(last).toBe(6);
});

it('reads at once where it may be there already, and not all the time', async () => {
  const time = createFakeTime();
  await poll(
    time,
    async () => 0,
    () => false,
    time.clock() + 30,
    0,
  );
  expect(time.pauses).toEqual([10, 10, 10]);
});
