import type { Invocation } from '../lambda/invocation.ts';
import type { RetryRules } from './settings.ts';

/**
 * What becomes of a batch that was delivered. Positions count from 0; records before `from` are
 * done.
 */
export type Verdict =
  | { readonly next: 'done' }
  /** Deliver the records from `from` on again, as one batch. */
  | { readonly next: 'again'; readonly from: number; readonly usesRetry: boolean }
  /**
   * Deliver the records before `at`, and when those are done the others, as batches of their own.
   */
  | { readonly next: 'halve'; readonly at: number }
  /** Deliver the records from `from` on no more. */
  | { readonly next: 'give up'; readonly from: number };

/** The batch as it was delivered. */
export interface DeliveredBatch {
  readonly sequenceNumbers: readonly string[];
  /** How many retries it has used up so far. */
  readonly retries: number;
}

/**
 * Decides what Lambda does with a batch of a stream after an invocation.
 *
 * From its developer guide, "Configuring partial batch response with DynamoDB and Lambda" and
 * "Retain discarded records": the lowest sequence number that is reported is where the next attempt
 * begins; a failed invocation halves the batch when bisecting is on; and splitting a batch uses up
 * none of its retries. The guide does not say what happens when the first record is the one
 * reported: nothing succeeded then, so it counts as a failed invocation here.
 */
export const judge = (
  rules: RetryRules,
  batch: DeliveredBatch,
  invocation: Invocation,
): Verdict => {
  const failedFrom = firstFailure(rules, batch, invocation);
  if (failedFrom === undefined) return { next: 'done' };
  if (rules.bisectBatch) {
    if (failedFrom > 0) return { next: 'again', from: failedFrom, usesRetry: false };
    const size = batch.sequenceNumbers.length;
    if (size > 1) return { next: 'halve', at: Math.ceil(size / 2) };
  }
  if (batch.retries >= rules.maximumRetryAttempts) return { next: 'give up', from: failedFrom };
  return { next: 'again', from: failedFrom, usesRetry: true };
};

/**
 * Position of the first record that has to be delivered again; undefined when the whole batch is
 * done.
 */
const firstFailure = (
  { reportsItemFailures }: RetryRules,
  { sequenceNumbers }: DeliveredBatch,
  invocation: Invocation,
): number | undefined => {
  if (!invocation.ok) return 0;
  const { payload } = invocation;
  if (!reportsItemFailures || payload === null || payload === undefined) return undefined;
  if (typeof payload !== 'object' || Array.isArray(payload)) return 0;
  const failures = 'batchItemFailures' in payload ? (payload.batchItemFailures ?? []) : [];
  if (!Array.isArray(failures)) return 0;
  if (failures.length === 0) return undefined;
  const positions = failures.map((failure) => sequenceNumbers.indexOf(identifierIn(failure)));
  // An identifier is missing, empty or unknown, so nothing can be concluded from the others.
  return positions.includes(-1) ? 0 : Math.min(...positions);
};

const identifierIn = (failure: unknown): string =>
  typeof failure === 'object' &&
  failure !== null &&
  'itemIdentifier' in failure &&
  typeof failure.itemIdentifier === 'string'
    ? failure.itemIdentifier
    : '';
