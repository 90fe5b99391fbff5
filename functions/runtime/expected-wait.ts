/** How long something is expected to take, learned from how long it lately took. */
export interface ExpectedWait {
  /** After so many milliseconds it is done, mostly. */
  expected(): number;
  /** Takes note of how long it took, in milliseconds. */
  took(milliseconds: number): void;
}

/** The weight of the newest wait in the moving averages. */
const WEIGHT_OF_NEWEST = 0.25;

/**
 * How long what was learned is believed, in milliseconds: nobody should wait as if a rush were
 * still on.
 */
const BELIEVED_FOR_MS = 3_000;

/**
 * Learns how long to wait before looking whether something is done: a look too early costs a
 * request, one too late costs time. What is expected is a moving average of how long it took, and
 * the mean deviation from that: as TCP learns when to send again (RFC 6298, section 2), which adds
 * four deviations where one is added here, since a look too early does little harm.
 * @param first what is expected before anything has been seen, or for some time, in milliseconds.
 * @param bounds of what is believed, in milliseconds.
 * @param clock the time, in milliseconds since 1970.
 */
export const learnWait = (
  first: number,
  { shortest, longest }: { readonly shortest: number; readonly longest: number },
  clock: () => number,
): ExpectedWait => {
  let [mean, deviation] = [first, 0];
  let learnedAt = clock();
  const forgetOld = () => {
    if (clock() - learnedAt > BELIEVED_FOR_MS) [mean, deviation] = [first, 0];
  };
  return {
    expected: () => {
      forgetOld();
      return mean + deviation;
    },
    took: (milliseconds) => {
      forgetOld();
      const error = Math.min(longest, Math.max(shortest, milliseconds)) - mean;
      deviation += WEIGHT_OF_NEWEST * (Math.abs(error) - deviation);
      mean += WEIGHT_OF_NEWEST * error;
      learnedAt = clock();
    },
  };
};
