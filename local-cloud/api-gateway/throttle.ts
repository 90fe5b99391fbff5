/** How many requests an API's stage, or one of its routes, lets through. */
export interface ThrottleSettings {
  /** Requests a second, in the long run. */
  readonly rateLimit: number;
  /** Requests at once. */
  readonly burstLimit: number;
}

/**
 * The throttles of an API's stage: a route with settings of its own has a bucket of its own, and
 * takes nothing from the others'.
 *
 * AWS does not say whether the default settings are one bucket of all other routes or one for each.
 * Here it is one, which refuses more.
 *
 * @param rest of all routes that have no settings of their own; `undefined`: they are not throttled.
 * @param routes by route key.
 * @param now ms, on any clock that does not go back.
 * @returns whether a request on a route that comes now may pass.
 */
export const createThrottles = (
  rest: ThrottleSettings | undefined,
  routes: ReadonlyMap<string, ThrottleSettings>,
  now: () => number,
): ((routeKey: string) => boolean) => {
  const ofRest = rest ? createThrottle(rest, now) : () => true;
  const ofRoutes = new Map([...routes].map(([key, limits]) => [key, createThrottle(limits, now)]));
  return (routeKey) => (ofRoutes.get(routeKey) ?? ofRest)();
};

/**
 * A token bucket, as API Gateway's: `burstLimit` tokens when full, `rateLimit` new ones a second,
 * one a request.
 *
 * @param now ms, on any clock that does not go back.
 * @returns whether a request that comes now may pass.
 */
const createThrottle = (
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
