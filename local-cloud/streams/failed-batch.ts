import { randomUUID } from 'node:crypto';
import type { StreamRecord } from './stream-record.ts';

/**
 * Lambda's message to an `OnFailure` destination: the positions of the records that it gave up, not
 * the records.
 */
export interface FailedBatch {
  readonly requestContext: {
    readonly requestId: string;
    readonly functionArn: string;
    readonly condition: 'RetryAttemptsExhausted' | 'RecordAgeExceeded';
    readonly approximateInvokeCount: number;
  };
  /** Absent when the function never saw the batch. */
  readonly responseContext?: {
    readonly statusCode: 200;
    readonly executedVersion: '$LATEST';
    /** Absent when the function answered, and reported failures. */
    readonly functionError?: 'Unhandled';
  };
  readonly version: '1.0';
  readonly timestamp: string;
  readonly DDBStreamBatchInfo: {
    readonly shardId: string;
    readonly startSequenceNumber: string;
    readonly endSequenceNumber: string;
    readonly approximateArrivalOfFirstRecord: string;
    readonly approximateArrivalOfLastRecord: string;
    readonly batchSize: number;
    readonly streamArn: string;
  };
}

/**
 * Describes records that are given up.
 * @param givenUp.records at least one, in order.
 * @param givenUp.invocations how often the function saw them.
 * @param givenUp.lastFailed whether the last invocation ended with an error rather than an answer.
 * @param givenUp.now in milliseconds since 1970.
 */
export const describeFailedBatch = (givenUp: {
  readonly records: readonly StreamRecord[];
  readonly condition: FailedBatch['requestContext']['condition'];
  readonly invocations: number;
  readonly lastFailed: boolean;
  readonly functionArn: string;
  readonly streamArn: string;
  readonly shardId: string;
  readonly now: number;
}): FailedBatch => {
  const { records, condition, invocations, functionArn, streamArn, shardId } = givenUp;
  const [first, last] = [records.at(0), records.at(-1)];
  if (first === undefined || last === undefined)
    throw new Error('A batch without records cannot fail');
  return {
    requestContext: {
      requestId: randomUUID(),
      functionArn,
      condition,
      approximateInvokeCount: invocations,
    },
    ...(invocations > 0 && {
      responseContext: {
        statusCode: 200,
        executedVersion: '$LATEST',
        ...(givenUp.lastFailed && { functionError: 'Unhandled' }),
      },
    }),
    version: '1.0',
    timestamp: new Date(givenUp.now).toISOString(),
    DDBStreamBatchInfo: {
      shardId,
      startSequenceNumber: first.sequenceNumber,
      endSequenceNumber: last.sequenceNumber,
      approximateArrivalOfFirstRecord: arrivalOf(first),
      approximateArrivalOfLastRecord: arrivalOf(last),
      batchSize: records.length,
      streamArn,
    },
  };
};

/** To the second, as in Lambda's own messages. */
const arrivalOf = ({ event }: StreamRecord): string =>
  `${new Date(event.dynamodb.ApproximateCreationDateTime * 1_000).toISOString().slice(0, 19)}Z`;
