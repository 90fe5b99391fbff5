/** How long something is expected to take, learned from how long it lately took. */
export interface ExpectedWait {
  /** After how many milliseconds it is mostly done. */
  expected(): number;
  /** Takes note of how long it took, in milliseconds. */
  took(milliseconds: number): void;
}

/** The weight of the newest wait in the moving averages. */
const WEIGHT_OF_NEWEST = 0.25;

/**
 * How long the averages hold, in milliseconds: after a rush nobody should wait as if it were still
 * on.
 */
const BELIEVED_FOR_MS = 3_000;

/**
 * Learns how long to wait before looking whether something is done: a look too early costs a
 * request, one too late costs time. The expected time is a moving average of how long it took, plus
 * the mean deviation. TCP learns when to send again in the same way (RFC 6298, section 2) but adds
 * four deviations; one is enough here, since a look too early does little harm.
 * @param first the expected time before the first wait, or when the last one is long past, in
 *   milliseconds.
 * @param bounds of the expected time, in milliseconds.
 * @param clock the time, in milliseconds since 1970.
 */
export const learnWait = (
  first: number,
  { shortest, longest }: { readonly shortest: number; readonly longest: number },
  clock: () => number,
): ExpectedWait => {
  let [mean, deviation] = [first, 0];
  let learnedAt = clock();
  /** Forgets what was old when a wait began: one that is long must not forget what it adds to. */
  const forgetOld = (begunAt: number) => {
    if (begunAt - learnedAt > BELIEVED_FOR_MS) [mean, deviation] = [first, 0];
  };
  return {
    expected: () => {
      forgetOld(clock());
      return mean + deviation;
    },
    took: (milliseconds) => {
      forgetOld(clock() - milliseconds);
      const error = Math.min(longest, Math.max(shortest, milliseconds)) - mean;
      deviation += WEIGHT_OF_NEWEST * (Math.abs(error) - deviation);
      mean += WEIGHT_OF_NEWEST * error;
      learnedAt = clock();
    },
  };
};
