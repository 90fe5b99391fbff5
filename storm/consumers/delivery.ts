import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import type { Random } from '../../testing/random.ts';
import type { Report } from '../violation.ts';

/** A function behind a stream. */
export type Consumer = (event: DynamoDBStreamEvent) => Promise<DynamoDBBatchResponse>;

/** How stream records reach a consumer. */
export interface Delivery {
  /**
   * Takes stream records that it will deliver late, in another order, twice, or, where that may be,
   * never.
   */
  take(records: readonly DynamoDBRecord[]): void;
  /** Hands over the stream records that are due by now. */
  deliver(): void;
  /**
   * Hands over all that is left and these stream records, until none is reported as failed or the
   * time is up.
   */
  drain(records: readonly DynamoDBRecord[], until: number): Promise<boolean>;
  /** Waits for the deliveries that are under way. */
  rest(): Promise<void>;
}

const LATEST_MS = 1_500;
const LARGEST_BATCH = 25;
const AT_ONCE = 3;

/**
 * Delivers stream records badly. Each item is written once, so any order keeps the order of its
 * changes.
 * @param consumers environments of one function.
 * @param losses how likely it is that a stream record is never delivered.
 */
export const createDelivery = (
  consumers: readonly Consumer[],
  random: Random,
  report: Report,
  losses: number,
): Delivery => {
  let waiting: { readonly record: DynamoDBRecord; readonly dueAt: number }[] = [];
  const underWay = new Set<Promise<void>>();

  const put = (record: DynamoDBRecord, delay: number) => {
    waiting.push({ record, dueAt: performance.now() + delay });
  };

  /** @returns the records that are to be delivered again. */
  const hand = async (batch: readonly DynamoDBRecord[]): Promise<readonly DynamoDBRecord[]> => {
    try {
      const { batchItemFailures } = await random.oneOf(consumers)({ Records: [...batch] });
      const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
      const first = batch.findIndex(({ dynamodb }) => failed.has(dynamodb?.SequenceNumber ?? ''));
      return first < 0 ? [] : batch.slice(first);
    } catch (error) {
      report('a consumer reports what failed, and does not throw', String(error));
      return [];
    }
  };

  return {
    take: (records) => {
      for (const record of records) {
        if (random.chance(losses)) continue;
        put(record, random.between(0, LATEST_MS));
        if (random.chance(0.15)) put(record, random.between(0, 2 * LATEST_MS));
      }
    },
    deliver: () => {
      const now = performance.now();
      const due = random.shuffled(
        waiting.filter(({ dueAt }) => dueAt <= now).map(({ record }) => record),
      );
      waiting = waiting.filter(({ dueAt }) => dueAt > now);
      while (due.length > 0) {
        const batch = due.splice(0, random.between(1, LARGEST_BATCH));
        if (underWay.size >= AT_ONCE) {
          for (const record of batch) put(record, 50);
          continue;
        }
        const done = hand(batch).then((again) => {
          for (const record of again) put(record, random.between(20, 300));
          underWay.delete(done);
        });
        underWay.add(done);
      }
    },
    drain: async (records, until) => {
      let left: readonly DynamoDBRecord[] = [...waiting.map(({ record }) => record), ...records];
      waiting = [];
      while (left.length > 0) {
        if (performance.now() >= until) return false;
        const again: DynamoDBRecord[] = [];
        for (let start = 0; start < left.length; start += 50)
          again.push(...(await hand(left.slice(start, start + 50))));
        left = again;
      }
      return true;
    },
    rest: async () => {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
};
