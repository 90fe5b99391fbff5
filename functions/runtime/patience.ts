import { failureOf } from './failure.ts';
import { StoreUnavailable } from './unavailable.ts';

/** What waiting takes. All that varies between a Lambda, a test and a simulation is passed in. */
export interface Patience {
  /** The time, in milliseconds since 1970. */
  readonly clock: () => number;
  /** A number in 0 … 1. */
  readonly random: () => number;
  /** Waits; milliseconds. */
  readonly sleep: (milliseconds: number) => Promise<void>;
}

const BACKOFF_BASE_MS = 20;
const BACKOFF_CAP_MS = 1_000;

/**
 * Waits before the next try, with full jitter.
 * @param attempt 0 for the first wait.
 * @param deadline in milliseconds since 1970.
 * @returns whether there was time: `false` without waiting where the wait would pass the deadline.
 */
export const pause = async (
  { clock, random, sleep }: Patience,
  deadline: number,
  attempt: number,
): Promise<boolean> => {
  const wait = fullJitter(attempt, random, BACKOFF_BASE_MS, BACKOFF_CAP_MS);
  if (clock() + wait >= deadline) return false;
  await sleep(wait);
  return true;
};

/**
 * How long to wait before the next try: full jitter, so that writers that collided do not collide
 * again (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 * @param attempt 0 for the first wait.
 * @param random a number in 0 … 1.
 * @param base the mean of the first wait is half of this, in milliseconds.
 * @param cap no wait is longer than this, in milliseconds.
 * @returns milliseconds.
 */
export const fullJitter = (
  attempt: number,
  random: () => number,
  base: number,
  cap: number,
): number => random() * Math.min(cap, base * 2 ** attempt);

/** Sends a request that may be sent again, until it is answered: see {@link untilAnswered}. */
export type Ask = <Answer>(request: () => Promise<Answer>) => Promise<Answer>;

/**
 * Makes an {@link Ask} that gives up at a time.
 * @param deadline in milliseconds since 1970.
 */
export const askUntil =
  (patience: Patience, deadline: number): Ask =>
  (request) =>
    untilAnswered(patience, deadline, request);

/**
 * Sends a request that does no harm when it is sent again, a read above all, until it is answered
 * or the time is up.
 * @param deadline in milliseconds since 1970. Nothing is sent after it, not even once: otherwise
 *   each of several steps in a row would take one more request's time.
 * @throws {StoreUnavailable} once it is.
 */
export const untilAnswered = async <T>(
  patience: Patience,
  deadline: number,
  request: () => Promise<T>,
): Promise<T> => {
  if (patience.clock() >= deadline)
    throw new StoreUnavailable('unavailable', new Error('the time was up already'));
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await request();
    } catch (error) {
      const { kind } = failureOf(error);
      if (kind === 'condition') throw error;
      if (!(await pause(patience, deadline, attempt))) {
        throw new StoreUnavailable(kind === 'throttled' ? 'throttled' : 'unavailable', error);
      }
    }
  }
};
