import type { AttributeValue } from '@aws-sdk/client-dynamodb';

/** What a failed request to DynamoDB means for whoever sent it. */
export type Failure =
  /**
   * A condition did not hold; per item of the write, in order: what stands there instead (empty where nothing does), or
   * `undefined` where its condition held.
   */
  | { readonly kind: 'condition'; readonly found: readonly (FoundItem | undefined)[] }
  /** Another transaction is at work on an item: nothing was written, and nothing is decided. The same write may be sent again. */
  | { readonly kind: 'conflict' }
  /** Too fast for the table: nothing was written. */
  | { readonly kind: 'throttled' }
  /** A timeout, a lost connection, an error inside DynamoDB: it may have been written or not. */
  | { readonly kind: 'unknown' };

/** An item in DynamoDB's own form, as a failed condition returns it. */
export type FoundItem = Record<string, AttributeValue>;

const CONFLICTS = new Set(['TransactionConflictException', 'TransactionInProgressException', 'TransactionConflict']);

const THROTTLES = new Set([
  'ProvisionedThroughputExceededException',
  'ProvisionedThroughputExceeded',
  'RequestLimitExceeded',
  'ThrottlingException',
  'ThrottlingError',
]);

const UNKNOWNS = new Set([
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
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html and, for the reasons of a cancelled
 * transaction, https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html).
 * @param error whatever the client threw.
 * @returns what it means.
 * @throws `error` itself where it is none of these: a mistake in the request, a right that is missing, a bug.
 */
export const failureOf = (error: unknown): Failure => {
  const { name, code, Item, CancellationReasons, $metadata } = fields(error);
  if (name === 'ConditionalCheckFailedException') return { kind: 'condition', found: [Item ?? {}] };
  if (name === 'TransactionCanceledException' && CancellationReasons) return cancellation(CancellationReasons, error);
  if (CONFLICTS.has(name)) return { kind: 'conflict' };
  if (THROTTLES.has(name)) return { kind: 'throttled' };
  const status = $metadata?.httpStatusCode ?? 0;
  if (UNKNOWNS.has(name) || UNKNOWNS.has(code) || status >= 500) return { kind: 'unknown' };
  throw error;
};

const cancellation = (reasons: readonly Reason[], error: unknown): Failure => {
  // A condition that failed is final, whatever else befell the transaction: the other items would fail with it next time.
  if (reasons.some(({ Code }) => Code === 'ConditionalCheckFailed')) {
    return {
      kind: 'condition',
      found: reasons.map(({ Code, Item }) => (Code === 'ConditionalCheckFailed' ? (Item ?? {}) : undefined)),
    };
  }
  const codes = reasons.map(({ Code }) => Code ?? 'None').filter((code) => code !== 'None');
  if (codes.length > 0 && codes.every((code) => CONFLICTS.has(code) || THROTTLES.has(code))) {
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

const fields = (error: unknown): Fields => ({ name: '', code: '', ...(error instanceof Error ? named(error) : {}) });

// `name` is not an own property of every error, and a spread takes own properties only.
const named = (error: Error) => ({ ...error, name: error.name });
