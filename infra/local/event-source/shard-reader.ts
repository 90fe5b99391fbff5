import {
  type DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
} from '@aws-sdk/client-dynamodb-streams';
import { describeStream } from './describe-stream.ts';
import { type StreamRecord, toStreamRecord } from './stream-record.ts';

/** Reads one shard from front to back, each record once. */
export interface ShardReader {
  /** Sequence number of the last record that was read, or that reading began after. */
  readonly position: string | undefined;
  /**
   * Reads what comes next, at most 1,000 records.
   * @returns `ended`: the shard is closed and all of it was read.
   * @throws what the client throws, when the stream cannot be read now; the next call goes on where this one began.
   */
  read(): Promise<{ readonly records: readonly StreamRecord[]; readonly ended: boolean }>;
}

/** Which shard, and from where. */
export interface ShardReaderOptions {
  readonly streams: DynamoDBStreamsClient;
  readonly streamArn: string;
  readonly shardId: string;
  /** Name of the table's partition key. */
  readonly partitionKey: string;
  /** Reads what follows this sequence number; absent: from the oldest record that is left. */
  readonly after?: string | undefined;
  /** Told when records may have been missed. */
  readonly report: (line: string) => void;
  /** In milliseconds since 1970. */
  readonly clock: () => number;
}

/**
 * A reader that keeps its own position. An iterator is only a way to get there, and may be lost at any time: after 15 minutes
 * on AWS, and for reasons of its own in DynamoDB Local, which then says that the shard id is invalid, or gives no next one.
 */
export const createShardReader = (options: ShardReaderOptions): ShardReader => {
  const { streams, streamArn, shardId, clock } = options;
  let position = options.after;
  let iterator: string | undefined;

  const open = async (): Promise<string> => {
    const shard = { StreamArn: streamArn, ShardId: shardId };
    if (position !== undefined) {
      try {
        return await iteratorOf({ ...shard, ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: position });
      } catch (error) {
        if (!isPositionLost(error)) throw error;
        options.report(
          `${shardId} has no record ${position} any more: what was written before its oldest one is missed`,
        );
        position = undefined;
      }
    }
    return iteratorOf({ ...shard, ShardIteratorType: 'TRIM_HORIZON' });
  };

  const iteratorOf = async (input: ConstructorParameters<typeof GetShardIteratorCommand>[0]): Promise<string> => {
    const { ShardIterator } = await streams.send(new GetShardIteratorCommand(input));
    if (ShardIterator === undefined) throw new Error(`DynamoDB gave no iterator for ${shardId}`);
    return ShardIterator;
  };

  const isClosed = async (): Promise<boolean> => {
    const { shards } = await describeStream(streams, streamArn);
    return shards.find(({ id }) => id === shardId)?.closed ?? true;
  };

  return {
    get position() {
      return position;
    },
    read: async () => {
      iterator ??= await open();
      try {
        // The client leaves out an empty list.
        const { Records = [], NextShardIterator } = await streams.send(
          new GetRecordsCommand({ ShardIterator: iterator }),
        );
        const context = { streamArn, partitionKey: options.partitionKey, readAt: clock() };
        const records = Records.map((record) => toStreamRecord(record, context));
        iterator = NextShardIterator;
        position = records.at(-1)?.sequenceNumber ?? position;
        const ended = NextShardIterator === undefined && records.length === 0 && (await isClosed());
        return { records, ended };
      } catch (error) {
        iterator = undefined;
        if (!isPositionLost(error)) throw error;
        return { records: [], ended: false };
      }
    },
  };
};

/** The iterator, or the record it was asked for, is not there any more; another place in the shard may be. */
const isPositionLost = (error: unknown): boolean =>
  error instanceof Error &&
  [
    'ExpiredIteratorException',
    'TrimmedDataAccessException',
    'ResourceNotFoundException',
    'ValidationException',
  ].includes(error.name);
