/** Decides when to look again at something that may have changed. */
export interface Rhythm {
  /**
   * Waits until it is time to look.
   * @param quiet whether there was nothing to see the last time.
   */
  next(quiet: boolean): Promise<void>;
  /** Says that there may be something to see: it shortens this wait, or else the next one. */
  wake(): void;
}

/**
 * Waits twice as long each time that there is nothing to see, from the shortest wait to the
 * longest.
 * @param limits.shortestMs between two looks, even when woken: one look then sees all that happens
 *   meanwhile.
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
      // It was woken too early: there may be something to see the next time.
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
