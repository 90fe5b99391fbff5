import { failureOf } from '../../runtime/failure.ts';
import { isStoreUnavailable } from '../../runtime/unavailable.ts';
import { type Problem, problemAnswer } from '../answer/problem.ts';
import type { HttpMiddleware } from './http-middleware.ts';

/**
 * Answers an error that the route threw, or that its time ran out. The log has all of it; the
 * caller hears only whether to try again. The answer promises that only where nothing was done, or
 * where a repeat is not done twice.
 */
export const failures = (): HttpMiddleware => ({
  onError: (request) => {
    const { event, context, error } = request;
    context.telemetry?.logger.error('the request failed', { error });
    const isCommand = !READING.has(event.requestContext.http.method);
    const problem = isCommand ? failedCommand(error, context.repeatableBy) : failedQuery(error);
    request.response = problemAnswer(problem, event.rawPath);
  },
});

const READING = new Set(['GET', 'HEAD']);

const failedQuery = (error: unknown): Problem =>
  isStoreUnavailable(error) || isPassing(error)
    ? tryAgain('It could not be read just now. Send the same request again.')
    : internalError('');

/** @param repeatableBy what the client sent that makes the command happen once. */
const failedCommand = (error: unknown, repeatableBy: string | undefined): Problem => {
  if (repeatableBy !== undefined) {
    const repeat = `the same ${repeatableBy}: it happens once, and that will tell.`;
    return isStoreUnavailable(error) || isPassing(error)
      ? tryAgain(`Not decided in time. Send the same request again with ${repeat}`)
      : internalError(
          ` Whether this was done is not known. Send the same request again later, with ${repeat}`,
        );
  }
  // A function throws this only where it has written nothing.
  if (isStoreUnavailable(error)) return tryAgain('Nothing was done. Send the same request again.');
  return internalError(
    ' Whether this was done is not known: look at the account before sending it again.',
  );
};

const tryAgain = (detail: string): Problem => ({
  code: 'try_again',
  detail,
  headers: { 'Retry-After': '1' },
});

const internalError = (more: string): Problem => ({
  code: 'internal_error',
  detail: `Something went wrong here, and it is being looked at.${more}`,
});

/**
 * Whether an error comes from the world outside and may be gone the next time: throttling, a lost
 * connection, a timeout.
 */
const isPassing = (error: unknown): boolean => {
  try {
    return failureOf(error).kind !== 'condition';
  } catch {
    return false;
  }
};
