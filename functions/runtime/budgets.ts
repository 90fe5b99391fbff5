/**
 * How long the functions may try things, in milliseconds, in one place: each function's budgets
 * have to fit its timeout (infra/constructs/catalogue.ts). test/unit/store/deadlines.test.ts runs
 * every path against that. A budget ends the *beginning* of requests; the last one may take {@link
 * LONGEST_REQUEST_MS} more.
 */
export const budgets = {
  /** One command; one read of an account. */
  command: 8_000,
  /**
   * How long a request of many commands begins accounts, and how long each of an account's two
   * steps takes: whose it is, and the decisions.
   */
  bulk: { accounts: 10_000, step: 5_000 },
  /** Each of the three steps of `get-command`: read, decide what is overdue, read again. */
  getCommand: 4_000,
  /** The views, and then the record. */
  getTransfer: 5_000,
  /** How a hold ended, once a command has been decided: the views and the record, then the stream. */
  endOfHold: 1_000,
  /** The views, and then the store. */
  list: 3_000,
  /** The views of a request that waits for the end of its transfer. */
  views: 3_000,
  /** Each of four steps: the source, the record, the credit, and the record that has its key. */
  creditTransfer: 3_000,
  /** How long a batch of the queue begins accounts. Each takes up to `command`. */
  decidePending: 40_000,
  /**
   * A step of a batch: one account that cannot be written to must not hold up the transfers of the
   * others.
   */
  carryOutStep: 5_000,
  /** How long a batch begins accounts' steps, and executions, whose start takes up to 13 s. */
  carryOut: { steps: 25_000, starts: 40_000 },
  /** How long a batch begins to start executions. */
  startTransfers: 40_000,
  /** How long a batch of the views sends requests. */
  projectViews: 50_000,
  /** How long a call that makes views again begins pages, and how long the last one may take. */
  rebuild: { pages: 20_000, lastPage: 25_000 },
  /** How long a search begins things. The last of them takes less than 50 s. */
  recover: 240_000,
  /** How long a call begins to give holds back; a page and a step follow. */
  expireHolds: 40_000,
  /** One page of a search. */
  recoverPage: 8_000,
} as const;

/**
 * A request to DynamoDB has failed after a second without a connection, or three more without an
 * answer.
 */
export const LONGEST_REQUEST_MS = 4_000;
