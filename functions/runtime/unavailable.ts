/**
 * DynamoDB did not answer in the time allowed. The thrower has written nothing that is not
 * recorded under a key.
 */
export class StoreUnavailable extends Error {
  readonly code = 'store_unavailable';
  /**
   * `throttled`: too fast for the table. `unavailable`: timeouts, lost connections, errors inside
   * DynamoDB.
   */
  readonly reason: 'throttled' | 'unavailable';

  constructor(reason: 'throttled' | 'unavailable', cause: unknown) {
    super(`the event store is ${reason}`, { cause });
    this.reason = reason;
  }
}

/** Whether an error is a {@link StoreUnavailable}. */
export const isStoreUnavailable = (error: unknown): error is StoreUnavailable =>
  error instanceof StoreUnavailable;
