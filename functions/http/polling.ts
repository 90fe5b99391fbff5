import { setTimeout } from 'node:timers/promises';

/** Time, as far as waiting takes it. */
export interface Time {
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** Waits; milliseconds. */
  readonly sleep: (milliseconds: number) => Promise<unknown>;
}

/** The machine's time. */
export const machineTime: Time = {
  clock: Date.now,
  sleep: (milliseconds) => setTimeout(milliseconds),
};

/** Times, in milliseconds since 1970. */
export interface PollTimes {
  /** When the wait began. */
  readonly begunAt: number;
  /** When the last read in vain was. Absent: there was none yet. */
  readonly lastRead?: number | undefined;
  /** When to read first; at once where that time has passed. */
  readonly expectedAt: number;
  /** When to stop. */
  readonly deadline: number;
}

/** In milliseconds. */
const SHORTEST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 1_000;

/**
 * Reads until the wanted state is there, or the time is up: first when it is expected, then after
 * pauses of a quarter of the time waited so far, at least 10 ms and at most a second.
 * @param read reads once.
 * @param isWanted whether to stop.
 * @param times when the wait began, when the state is expected, and when to stop anyway.
 * @returns the last state read; it reads at least once, and once more at the deadline.
 */
export const poll = async <T>(
  { clock, sleep }: Time,
  read: () => Promise<T>,
  isWanted: (value: T) => boolean,
  { begunAt, lastRead, expectedAt, deadline }: PollTimes,
): Promise<T> => {
  const after = (read: number) =>
    read + Math.min(Math.max((read - begunAt) / 4, SHORTEST_PAUSE_MS), LONGEST_PAUSE_MS);
  for (let next = lastRead === undefined ? expectedAt : after(lastRead); ; ) {
    const wait = Math.min(next, deadline) - clock();
    if (wait > 0) await sleep(wait);
    const value = await read();
    if (isWanted(value) || clock() >= deadline) return value;
    next = after(clock());
  }
};
