import { describe, expect, it } from 'vitest';
import { pause, untilAnswered } from '../../../functions/runtime/patience.ts';
import { isStoreUnavailable } from '../../../functions/runtime/unavailable.ts';

/** A clock that only waiting moves on, from 0; with the waits. */
const patience = (random = 1) => {
  const waits: number[] = [];
  let now = 0;
  return {
    waits,
    clock: () => now,
    random: () => random,
    sleep: async (milliseconds: number) => {
      waits.push(milliseconds);
      now += milliseconds;
    },
  };
};

const named = (name: string) => Object.assign(new Error(name), { name });

describe('a pause', () => {
  it('is at most twice as long each time, up to a second', async () => {
    const machine = patience();
    for (let attempt = 0; attempt < 8; attempt += 1)
      await pause(machine, Number.POSITIVE_INFINITY, attempt);
    expect(machine.waits).toEqual([20, 40, 80, 160, 320, 640, 1_000, 1_000]);
  });
  it('is any part of that, so that those who collided do not collide again', async () => {
    const machine = patience(0.25);
    await pause(machine, Number.POSITIVE_INFINITY, 2);
    expect(machine.waits).toEqual([20]);
  });
  it.each([
    [81, true],
    [80, false],
    [79, false],
  ])(
    'of 80 ms is not begun where it would reach the deadline: %i ms left',
    async (deadline, isTaken) => {
      const machine = patience();
      expect(await pause(machine, deadline, 2)).toBe(isTaken);
      expect(machine.waits).toEqual(isTaken ? [80] : []);
    },
  );
});

describe('a request that does no harm when it is sent again', () => {
  /** Fails so often, then is answered. */
  const failing = (times: number, error = named('TimeoutError')) => {
    let left = times;
    return async () => {
      if (left-- > 0) throw error;
      return 'answer';
    };
  };

  it('is sent until it is answered, after ever longer waits', async () => {
    const machine = patience();
    expect(await untilAnswered(machine, 1_000, failing(4))).toBe('answer');
    expect(machine.waits).toEqual([20, 40, 80, 160]);
  });
  it.each([
    ['throttled', 'ProvisionedThroughputExceededException'],
    ['unavailable', 'TimeoutError'],
    ['unavailable', 'InvalidSignatureException'],
  ])('is given up as %s where no wait ends before the deadline (%s)', async (reason, name) => {
    const machine = patience();
    const error: unknown = await untilAnswered(
      machine,
      140,
      failing(Number.POSITIVE_INFINITY, named(name)),
    ).catch((thrown: unknown) => thrown);
    expect(isStoreUnavailable(error)).toBe(true);
    expect(error).toMatchObject({ reason });
    expect(machine.waits).toEqual([20, 40]);
  });
  it.each(['ConditionalCheckFailedException', 'AccessDeniedException'])(
    'is not sent again after %s',
    async (name) => {
      const machine = patience();
      await expect(untilAnswered(machine, 1_000, failing(1, named(name)))).rejects.toThrow(name);
      expect(machine.waits).toEqual([]);
    },
  );
});
