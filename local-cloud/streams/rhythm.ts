/** When something is looked at again that may have changed. */
export interface Rhythm {
  /**
   * Waits until it is time to look.
   * @param quiet whether there was nothing to see the last time.
   */
  next(quiet: boolean): Promise<void>;
  /** There may be something to see: the wait is as short as may be, this one or else the next. */
  wake(): void;
}

/**
 * Waits twice as long each time that there is nothing to see, from the shortest wait to the
 * longest.
 * @param limits.shortestMs between two looks, even when woken: what happens meanwhile is seen
 *   together.
 */
export const createRhythm = ({ shortestMs, longestMs }: RhythmLimits): Rhythm => {
  let waitMs = shortestMs;
  let woken = false;
  let end = (): void => {};

  const wait = (milliseconds: number): Promise<void> =>
    new Promise((resolve) => setTimeout(resolve, milliseconds));

  const waitUnlessWoken = (milliseconds: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      end = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  return {
    next: async (quiet) => {
      // Woken, but too early: what woke it may be there the next time.
      waitMs = quiet && !woken ? Math.min(2 * waitMs, longestMs) : shortestMs;
      woken = false;
      await wait(shortestMs);
      if (!woken && waitMs > shortestMs) await waitUnlessWoken(waitMs - shortestMs);
    },
    wake: () => {
      woken = true;
      end();
    },
  };
};

/** In milliseconds. */
interface RhythmLimits {
  readonly shortestMs: number;
  readonly longestMs: number;
}
