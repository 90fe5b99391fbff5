import { setTimeout } from 'node:timers/promises';

/** Time, as far as waiting takes it. */
export interface Time {
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** Waits; milliseconds. */
  readonly sleep: (milliseconds: number) => Promise<unknown>;
}

/** The machine's time. */
export const machineTime: Time = { clock: Date.now, sleep: (milliseconds) => setTimeout(milliseconds) };

/** In milliseconds. */
const SHORTEST_PAUSE = 10;
const LONGEST_PAUSE = 200;

/**
 * Reads until what is read is what is wanted, or the time is up: first when that is expected, then whenever another quarter of
 * the time that has passed has passed again, at least 10 ms and at most 200.
 * @param read reads once.
 * @param isWanted whether to stop.
 * @param deadline when to stop anyway, in milliseconds since 1970.
 * @param expected after how many milliseconds to read first; 0: at once.
 * @returns what was read last; it is read at least once, and once more at the deadline.
 */
export const poll = async <T>(
  { clock, sleep }: Time,
  read: () => Promise<T>,
  isWanted: (value: T) => boolean,
  deadline: number,
  expected: number,
): Promise<T> => {
  const startedAt = clock();
  for (let pause = expected; ; ) {
    const wait = Math.min(pause, deadline - clock());
    if (wait > 0) await sleep(wait);
    const value = await read();
    if (isWanted(value) || clock() >= deadline) return value;
    pause = Math.min(Math.max((clock() - startedAt) / 4, SHORTEST_PAUSE), LONGEST_PAUSE);
  }
};
