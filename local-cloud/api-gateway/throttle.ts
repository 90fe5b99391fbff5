/** How many requests an API's stage lets through. */
export interface ThrottleSettings {
  /** Requests a second, in the long run. */
  readonly rateLimit: number;
  /** Requests at once. */
  readonly burstLimit: number;
}

/**
 * A token bucket, as API Gateway's: `burstLimit` tokens when full, `rateLimit` new ones a second,
 * one a request.
 *
 * @param now ms, on any clock that does not go back.
 * @returns whether a request that comes now may pass.
 */
export const createThrottle = (
  { rateLimit, burstLimit }: ThrottleSettings,
  now: () => number,
): (() => boolean) => {
  let tokens = burstLimit;
  let filledAt = now();
  return () => {
    const at = now();
    tokens = Math.min(burstLimit, tokens + ((at - filledAt) / 1000) * rateLimit);
    filledAt = at;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
};
