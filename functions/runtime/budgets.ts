/**
 * How long things may be tried, in milliseconds, in one place: each function's have to fit its
 * timeout (infra/constructs/catalogue.ts), which test/unit/store/deadlines.test.ts runs every path
 * against. A budget ends the *beginning* of requests; the last one may take {@link
 * LONGEST_REQUEST_MS} more.
 */
export const budgets = {
  /** One command; one read of an account. */
  command: 8_000,
  /** Each of the three steps of `get-command`: read, decide what is overdue, read again. */
  getCommand: 4_000,
  /** The views, and then the record. */
  getTransfer: 5_000,
  /** The views, and then the store. */
  list: 3_000,
  /** The views of a request that waits for the end of its transfer. */
  views: 3_000,
  /** The source, the record, the credit, and the record of whoever has its key: each. */
  creditTransfer: 3_000,
  /** A batch of the queue goes on with its next account. One takes `command` from there. */
  decidePending: 40_000,
  /**
   * A step of a batch: one account that cannot be written to must not hold up the transfers of the
   * others.
   */
  carryOutStep: 5_000,
  /**
   * A batch goes on with its next account's step, and with its next execution, which takes 13 s.
   */
  carryOut: { steps: 25_000, starts: 40_000 },
  /**
   * A batch of the views goes on sending requests. Two reads of a stream may begin just before, and
   * take `command` each.
   */
  projectViews: 34_000,
  /** A search goes on beginning things. What is begun last takes less than 50 s. */
  recover: 240_000,
  /** One page of a search. */
  recoverPage: 8_000,
} as const;

/**
 * A request to DynamoDB that has no answer after a second to connect, and three to be answered, has
 * failed.
 */
export const LONGEST_REQUEST_MS = 4_000;
