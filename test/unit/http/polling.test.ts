import { expect, it } from 'vitest';
import { poll } from '../../../functions/http/polling.ts';
import { createFakeTime } from './ledger.ts';

const from = (begunAt: number, expected: number, patience: number) => ({
  begunAt,
  expectedAt: begunAt + expected,
  deadline: begunAt + patience,
});

it('stops at what is wanted, without a pause where that is there at once', async () => {
  const time = createFakeTime();
  expect(
    await poll(
      time,
      async () => 7,
      (value) => value === 7,
      from(time.clock(), 0, 1_000),
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
    from(time.clock(), 400, 1_000),
  );
  expect(time.pauses).toEqual([400, 100, 125, 156.25, 195.3125, 23.4375]);
  expect(last).toBe(6);
});

it('reads fourteen times in ten seconds where the state was expected after one', async () => {
  const time = createFakeTime();
  let reads = 0;
  await poll(
    time,
    async () => ++reads,
    () => false,
    from(time.clock(), 1_000, 10_000),
  );
  expect(reads).toBe(14);
  expect(Math.max(...time.pauses)).toBe(1_000);
});

it('reads at once where it may be there already, and not all the time', async () => {
  const time = createFakeTime();
  await poll(
    time,
    async () => 0,
    () => false,
    from(time.clock(), 0, 30),
  );
  expect(time.pauses).toEqual([10, 10, 10]);
});

it('goes on from a read that was in vain, whenever it was expected', async () => {
  const time = createFakeTime();
  const begunAt = time.clock() - 400;
  await poll(
    time,
    async () => 0,
    () => false,
    { begunAt, lastRead: time.clock() - 40, expectedAt: begunAt, deadline: time.clock() + 200 },
  );
  expect(time.pauses).toEqual([50, 112.5, 37.5]);
});
