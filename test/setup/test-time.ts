import { setImmediate } from 'node:timers/promises';

/**
 * Time that belongs to a test: it passes by waiting, or as the test says, and costs none of the
 * real one.
 */
export interface TestTime {
  /** In milliseconds since 1970. */
  readonly clock: () => number;
  /** Lets others go on, and is over at once. */
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** Lets time pass. */
  readonly pass: (milliseconds: number) => void;
}

/** @param now when it begins. */
export const createTestTime = (now = Date.now()): TestTime => {
  let at = now;
  const pass = (milliseconds: number) => {
    at += milliseconds;
  };
  const sleep = async (milliseconds: number) => {
    pass(milliseconds);
    await setImmediate();
  };
  return { clock: () => at, sleep, pass };
};
