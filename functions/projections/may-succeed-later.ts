import { failureOf } from '../runtime/failure.ts';
import { isStoreUnavailable } from '../runtime/unavailable.ts';

/**
 * Whether what failed may succeed another time: an outage, a throttle, a right that is missing. Otherwise it is what was read that is
 * wrong for this code, and it will fail again however often it is tried.
 * @param error whatever reading from DynamoDB threw.
 */
export const maySucceedLater = (error: unknown): boolean =>
  isStoreUnavailable(error) || isKnownFailure(error) || isOfTheOutside(error);

const isKnownFailure = (error: unknown): boolean => {
  try {
    failureOf(error);
    return true;
  } catch {
    return false;
  }
};

/** The SDK's errors say what was answered, or which side was at fault; the network's and the system's have a code. */
const isOfTheOutside = (error: unknown): boolean =>
  error instanceof Error &&
  (/^(CredentialsProvider|TokenProvider)Error$/.test(error.name) ||
    ['$metadata', '$fault', 'code'].some((field) => field in error));
