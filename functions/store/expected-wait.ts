/** How long something is expected to take, learned from how long it lately took. */
export interface ExpectedWait {
  /** In milliseconds. */
  expected(): number;
  /** Takes note of how long it took, in milliseconds. */
  took(milliseconds: number): void;
}

/** The weight of the newest wait in the moving average. */
const NEWEST = 0.3;

/**
 * Learns how long to wait before looking whether something is done: a look too early costs a request, one too late costs time.
 * @param first what is expected before anything has been seen, in milliseconds.
 * @param bounds of what is believed, in milliseconds.
 */
export const learnWait = (
  first: number,
  { shortest, longest }: { readonly shortest: number; readonly longest: number },
): ExpectedWait => {
  let expected = first;
  return {
    expected: () => expected,
    took: (milliseconds) => {
      expected += NEWEST * (Math.min(longest, Math.max(shortest, milliseconds)) - expected);
    },
  };
};
