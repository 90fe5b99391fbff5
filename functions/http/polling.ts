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

const FIRST_PAUSE = 20;
const LONGEST_PAUSE = 200;

/**
 * Reads until what is read is what is wanted, or the time is up; with pauses from 20 ms growing to 200 ms.
 * @param read reads once.
 * @param isWanted whether to stop.
 * @param deadline when to stop anyway, in milliseconds since 1970.
 * @returns what was read last; it is read at least once, and once more at the deadline.
 */
export const poll = async <T>(
  { clock, sleep }: Time,
  read: () => Promise<T>,
  isWanted: (value: T) => boolean,
  deadline: number,
): Promise<T> => {
  for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    const value = await read();
    const left = deadline - clock();
    if (isWanted(value) || left <= 0) return value;
    await sleep(Math.min(pause, left));
  }
};
