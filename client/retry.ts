/** How often and how soon a request is sent again. */
export interface RetryOptions {
  /** How often a request is sent at most, the first time included. Default: 8. */
  readonly attempts?: number;
  /** A number in 0 … 1, 1 excluded. Default: `Math.random`. */
  readonly random?: () => number;
  /** Waits so many milliseconds; rejects where the signal aborts. Default: a timer. */
  readonly pause?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

/** Sends a request once. */
export type Send = (request: Request) => Promise<Response>;

const DEFAULT_ATTEMPTS = 8;
/** The longest pause after the first attempt; it doubles with every further one. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Sends a request until it is answered for good: the same bytes with the same `Idempotency-Key`,
 * each time. It is sent again where nobody knows what became of it (the connection is lost, the
 * answer cannot be read, 500, 502, 504) and where the API asks for it (429, 503, and 409 with
 * `Retry-After`: the same command is being decided).
 *
 * Between two attempts it waits for as long as `Retry-After` says, and beyond that for a random
 * part of a pause that doubles (full jitter): clients that were refused together must not come back
 * together.
 * @param send sends it once.
 * @returns the last answer, whatever it is.
 * @throws what `send` threw last; the signal's reason where the request was aborted.
 */
export const withRetries = (
  send: Send,
  { attempts = DEFAULT_ATTEMPTS, random = Math.random, pause = timer }: RetryOptions = {},
): Send => {
  const attempt = async (request: Request): Promise<Response | Lost> => {
    try {
      return await readWhole(await send(request));
    } catch (error) {
      request.signal.throwIfAborted();
      return { lost: error };
    }
  };
  return async (request) => {
    for (let sent = 1; ; sent += 1) {
      const isLast = sent >= attempts;
      // A body can be read once: what is sent again is a copy.
      const answer = await attempt(isLast ? request : request.clone());
      if ('lost' in answer) {
        if (isLast) throw answer.lost;
      } else if (isLast || !isWorthRepeating(answer)) return answer;
      const asked = 'lost' in answer ? 0 : Number(answer.headers.get('retry-after') ?? 0) * 1_000;
      const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (sent - 1));
      await pause((asked || 0) + random() * longest, request.signal);
    }
  };
};

/** No answer, or none that could be read. */
interface Lost {
  readonly lost: unknown;
}

const ALWAYS = new Set([429, 500, 502, 503, 504]);

const isWorthRepeating = ({ status, headers }: Response): boolean =>
  ALWAYS.has(status) || (status === 409 && headers.has('retry-after'));

/** These have no body, and may not be given one. */
const WITHOUT_BODY = new Set([204, 205, 304]);

/**
 * Reads an answer to its end, so that one whose connection is lost halfway is sent for again.
 * @throws {Error} where it says that it is JSON and is none.
 */
const readWhole = async (response: Response): Promise<Response> => {
  const { status, statusText, headers } = response;
  if (WITHOUT_BODY.has(status)) return response;
  const text = await response.text();
  if (text !== '' && /\bjson\b/.test(headers.get('content-type') ?? '')) JSON.parse(text);
  return new Response(text, { status, statusText, headers });
};

const timer = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(waiting);
      reject(signal.reason);
    };
    const waiting = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, milliseconds);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
