import { failureOf } from '../runtime/failure.ts';
import { isStoreUnavailable } from '../runtime/unavailable.ts';
import type { HttpMiddleware } from './http-middleware.ts';
import { logger } from './observation.ts';
import { type Problem, problemAnswer } from './problem.ts';

/**
 * Answers what was thrown. The log has all of it; the caller hears only whether to try again, which is promised only
 * where nothing was done, or where the request can be repeated without being done twice.
 */
export const failures = (): HttpMiddleware => ({
  onError: (request) => {
    const { event, error } = request;
    logger.error('the request failed', { error });
    const repeatable = event.requestContext.http.method === 'GET' || event.headers['idempotency-key'] !== undefined;
    const tryAgain = isStoreUnavailable(error) || (repeatable && isPassing(error));
    request.response = problemAnswer(tryAgain ? TRY_AGAIN : INTERNAL_ERROR, event.rawPath);
  },
});

const TRY_AGAIN: Problem = {
  code: 'try_again',
  detail: 'Nothing was done, or the same Idempotency-Key will tell. Send the same request again.',
  headers: { 'Retry-After': '1' },
};

const INTERNAL_ERROR: Problem = {
  code: 'internal_error',
  detail:
    'Something went wrong here, and it is being looked at. Whether a command was done is not known: send it again with the ' +
    'same Idempotency-Key if it had one, else look at the account first.',
};

/**
 * Whether an error comes from the world outside and may be gone the next time: throttling, a lost connection, a
 * timeout.
 */
const isPassing = (error: unknown): boolean => {
  try {
    return failureOf(error).kind !== 'condition';
  } catch {
    return false;
  }
};
