import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { isStoreUnavailable } from './unavailable.ts';

/** What a failed request to DynamoDB means for its sender. */
export type Failure =
  /**
   * A condition did not hold. `items` has for each item of the write, in order, what stands there
   * instead (empty where DynamoDB did not say), or `not_known` where this item's condition is not
   * known to have failed. That does not mean that it held: DynamoDB says `None`, or another reason,
   * of an item whose condition it has not come to.
   */
  | { readonly kind: 'condition'; readonly items: readonly (FoundItem | 'not_known')[] }
  /**
   * Another transaction is at work on an item: nothing was written, and nothing is decided. The
   * same write may be sent again.
   */
  | { readonly kind: 'conflict' }
  /** Too fast for the table: nothing was written. */
  | { readonly kind: 'throttled' }
  /**
   * DynamoDB turned the request away unread, for its signature or its time: nothing was written,
   * and the sender may send it again.
   */
  | { readonly kind: 'turned_away' }
  /** A timeout, a lost connection, an error inside DynamoDB: it may have been written or not. */
  | { readonly kind: 'unknown' };

/** An item in DynamoDB's own form, as a failed condition returns it. */
export type FoundItem = Record<string, AttributeValue>;

const CONFLICTS = new Set(['TransactionConflictException', 'TransactionConflict']);

const THROTTLES = new Set([
  'ProvisionedThroughputExceededException',
  'ProvisionedThroughputExceeded',
  'RequestLimitExceeded',
  'Throttling',
  'ThrottlingException',
  'ThrottlingError',
  'ThrottledException',
  'RequestThrottled',
  'RequestThrottledException',
  'TooManyRequestsException',
  'SlowDown',
]);

/**
 * The check of signatures and times refused the request before DynamoDB looked at it (its *Common
 * Errors*).
 */
const TURNED_AWAY = new Set([
  'InvalidSignatureException',
  'SignatureDoesNotMatch',
  'IncompleteSignature',
  'IncompleteSignatureException',
  'RequestTimeTooSkewed',
  'RequestExpired',
  'RequestInTheFuture',
  'ExpiredToken',
  'ExpiredTokenException',
]);

const UNKNOWNS = new Set([
  // The same transaction, sent before, is still under way: it may yet land.
  'TransactionInProgressException',
  'UnreadableAnswer',
  'TimeoutError',
  'RequestTimeout',
  'RequestTimeoutException',
  'InternalServerError',
  'InternalFailure',
  'ServiceUnavailable',
  'ServiceUnavailableException',
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'EPROTO',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/**
 * Tells the failures of a request apart
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html and,
 * for the reasons of a cancelled transaction,
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html).
 * @param error whatever the client threw.
 * @returns what it means.
 * @throws `error` itself where it is none of these: a mistake in the request, a right that is
 *   missing, a bug.
 */
export const failureOf = (error: unknown): Failure => {
  const { name, code, Item, CancellationReasons, $metadata } = fields(error);
  if (name === 'ConditionalCheckFailedException') return { kind: 'condition', items: [Item ?? {}] };
  if (name === 'TransactionCanceledException')
    return cancellation(CancellationReasons ?? [], error);
  if (CONFLICTS.has(name)) return { kind: 'conflict' };
  const status = $metadata?.httpStatusCode ?? 0;
  if (THROTTLES.has(name) || status === 429) return { kind: 'throttled' };
  if (TURNED_AWAY.has(name)) return { kind: 'turned_away' };
  // The response, of success or of the server's fault, is no answer or was cut short: the request
  // may have been carried out.
  if (UNKNOWNS.has(name) || UNKNOWNS.has(code) || status >= 500 || status === 408)
    return { kind: 'unknown' };
  if ((status >= 200 && status < 300) || isCutShort(error)) return { kind: 'unknown' };
  throw error;
};

/** The SDK could not read the body of an answer: half of it, HTML, nothing. */
const isCutShort = (error: unknown): boolean =>
  error instanceof SyntaxError ||
  (error instanceof Error && '$response' in error && !('$fault' in error));

const cancellation = (reasons: readonly Reason[], error: unknown): Failure => {
  // A condition that failed is final, whatever else befell the transaction: the other items would
  // fail with it next time.
  if (reasons.some(({ Code }) => Code === 'ConditionalCheckFailed')) {
    return {
      kind: 'condition',
      items: reasons.map(({ Code, Item }) =>
        Code === 'ConditionalCheckFailed' ? (Item ?? {}) : 'not_known',
      ),
    };
  }
  const codes = reasons.map(({ Code }) => Code ?? 'None').filter((code) => code !== 'None');
  // DynamoDB cancelled without a reason: nothing was written, so the same may be sent again.
  if (codes.length === 0) return { kind: 'conflict' };
  if (codes.every((code) => CONFLICTS.has(code) || THROTTLES.has(code))) {
    return { kind: codes.some((code) => THROTTLES.has(code)) ? 'throttled' : 'conflict' };
  }
  throw error;
};

interface Reason {
  readonly Code?: string;
  readonly Item?: FoundItem;
}

interface Fields {
  readonly name: string;
  readonly code: string;
  readonly Item?: FoundItem;
  readonly CancellationReasons?: readonly Reason[];
  readonly $metadata?: { readonly httpStatusCode?: number };
}

const fields = (error: unknown): Fields => ({
  name: '',
  code: '',
  ...(error instanceof Error ? named(error) : {}),
});

// `name` is not an own property of every error, and a spread takes own properties only.
const named = (error: Error) => ({ ...error, name: error.name });

/**
 * Whether a failed read may succeed another time: after an outage, a throttle, a missing right.
 * Otherwise this code cannot read what is stored, and will fail again however often it tries.
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

/**
 * The SDK's errors carry the answer, or the side at fault; the network's and the system's a code.
 */
const isOfTheOutside = (error: unknown): boolean =>
  error instanceof Error &&
  (/^(CredentialsProvider|TokenProvider)Error$/.test(error.name) ||
    ['$metadata', '$fault', 'code'].some((field) => field in error));
