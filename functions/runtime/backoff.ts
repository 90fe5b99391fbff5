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
