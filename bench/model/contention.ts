import type { DynamoDbAnswer } from '../../local-cloud/dynamodb/answer.ts';
import type { ModelledRequest, TouchedItem } from './request.ts';

/** The assumptions about DynamoDB on AWS. */
export interface ModelSettings {
  /** How long a request takes, from the client's side, in milliseconds. */
  readonly requestMs: number;
  /** The same of a transaction. */
  readonly transactionMs: number;
  /** What one partition key takes a second, in write and in read units. */
  readonly writeUnitsPerSecond: number;
  readonly readUnitsPerSecond: number;
  /** How long an idle partition key saves up what it did not use, in milliseconds. */
  readonly burstMs: number;
}

/**
 * The published limits of a partition
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html)
 * and times as they are usual within one Region. Nobody promises those.
 */
export const onAws: ModelSettings = {
  requestMs: 4,
  transactionMs: 10,
  writeUnitsPerSecond: 1_000,
  readUnitsPerSecond: 3_000,
  burstMs: 100,
};

/** The time to go by: the machine's, or a test's. */
export interface Time {
  /** In milliseconds. */
  readonly clock: () => number;
  readonly sleep: (milliseconds: number) => Promise<unknown>;
}

/** Stands before DynamoDB Local and behaves as AWS does where callers meet. */
export interface ContentionModel {
  /**
   * Answers a request.
   * @param forward has DynamoDB Local answer; called at most once.
   */
  answer(request: ModelledRequest, forward: () => Promise<DynamoDbAnswer>): Promise<DynamoDbAnswer>;
}

/**
 * A model of what DynamoDB Local leaves out: time, transactions that meet, and the limits of a
 * partition.
 *
 * A transaction holds its items from when it arrives until it is answered. Another transaction, or
 * a single write, that touches one of them meanwhile is refused, after its own time and at its own
 * cost; reads pass, and single writes hold nothing
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html, *Transaction
 * conflict handling*). A request is refused as a whole where one of its partition keys has used up
 * what it may; that costs nothing. Of a batch of reads AWS would answer the rest.
 */
export const createContentionModel = (
  settings: ModelSettings,
  { clock, sleep }: Time,
): ContentionModel => {
  const held = new Set<string>();
  const writes = createBudgets(settings.writeUnitsPerSecond, settings.burstMs, clock);
  const reads = createBudgets(settings.readUnitsPerSecond, settings.burstMs, clock);

  /** Finds the reason against each of the items that one request writes, and uses their units. */
  const reasonsAgainst = (items: readonly TouchedItem[]): readonly Reason[] => {
    if (!items.every(({ partition }) => writes.has(partition)))
      return items.map(({ partition }) => (writes.has(partition) ? 'None' : 'ThrottlingError'));
    for (const { partition, units } of items) writes.use(partition, units);
    return items.map(({ key }) => (held.has(key) ? 'TransactionConflict' : 'None'));
  };

  /** Half of the time passes on the way there, the rest on the way back. */
  const inTime = async <Answer>(
    milliseconds: number,
    then: () => Promise<Answer>,
  ): Promise<Answer> => {
    const arrivedAt = clock();
    await sleep(milliseconds / 2);
    const answer = await then();
    const left = arrivedAt + milliseconds - clock();
    if (left > 0) await sleep(left);
    return answer;
  };

  return {
    answer: async (request, forward) => {
      switch (request.kind) {
        case 'transaction': {
          const reasons = reasonsAgainst(request.items);
          if (reasons.some((reason) => reason !== 'None'))
            return inTime(settings.transactionMs, async () => cancelled(reasons));
          for (const { key } of request.items) held.add(key);
          try {
            return await inTime(settings.transactionMs, forward);
          } finally {
            for (const { key } of request.items) held.delete(key);
          }
        }
        case 'write': {
          const [reason = 'None'] = reasonsAgainst([request.item]);
          return inTime(
            settings.requestMs,
            reason === 'None' ? forward : async () => refused[reason],
          );
        }
        case 'read': {
          const { partitions, least } = request;
          if (!partitions.every(reads.has))
            return inTime(settings.requestMs, async () => refused.ThrottlingError);
          const answer = await inTime(settings.requestMs, forward);
          const each = Math.max(least, consumed(answer) / partitions.length);
          for (const partition of partitions) reads.use(partition, each);
          return answer;
        }
        case 'other':
          return inTime(settings.requestMs, forward);
      }
    },
  };
};

/**
 * Keeps what each partition key may still use. A larger request passes too, as long as anything is
 * left, and is paid off afterwards.
 */
const createBudgets = (perSecond: number, burstMs: number, clock: () => number) => {
  const most = (perSecond * burstMs) / 1_000;
  const budgets = new Map<string, { readonly left: number; readonly at: number }>();
  const left = (partition: string): number => {
    const budget = budgets.get(partition);
    if (!budget) return most;
    return Math.min(most, budget.left + ((clock() - budget.at) * perSecond) / 1_000);
  };
  return {
    has: (partition: string) => left(partition) > 0,
    use: (partition: string, units: number) => {
      budgets.set(partition, { left: left(partition) - units, at: clock() });
    },
  };
};

/** Read units, where the answer has them: a client that counts them asks for them. */
const consumed = ({ body }: DynamoDbAnswer): number =>
  Number(/"CapacityUnits":([\d.]+)/.exec(body.toString('latin1'))?.[1] ?? 0);

type Reason = 'None' | 'TransactionConflict' | 'ThrottlingError';

const refusal = (type: string, message: string, more: object = {}): DynamoDbAnswer => ({
  status: 400,
  headers: { 'content-type': 'application/x-amz-json-1.0' },
  body: Buffer.from(
    JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${type}`, message, ...more }),
  ),
});

/**
 * The answers to a single write that meets a transaction, and to a single request of a partition
 * that has used up what it may, as a table on demand gives them: there a transaction's reason is
 * `ThrottlingError` too, and not `ProvisionedThroughputExceeded`
 * (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html).
 */
const refused = {
  TransactionConflict: refusal(
    'TransactionConflictException',
    'Transaction is ongoing for the item',
  ),
  ThrottlingError: refusal('ThrottlingException', 'The partition key has used up its throughput'),
};

const cancelled = (reasons: readonly Reason[]): DynamoDbAnswer =>
  refusal(
    'TransactionCanceledException',
    `Transaction cancelled, please refer cancellation reasons for specific reasons [${reasons.join(', ')}]`,
    { CancellationReasons: reasons.map((Code) => ({ Code })) },
  );
