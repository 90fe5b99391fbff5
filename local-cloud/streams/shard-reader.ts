import { describeStream } from './describe-stream.ts';
import { type StreamRecord, toStreamRecord } from './stream-record.ts';
import type { StreamsApi } from './streams-api.ts';

/** Reads one shard from front to back, each record once. */
export interface ShardReader {
  /** Sequence number of the last record that was read, or that reading began after. */
  readonly position: string | undefined;
  /**
   * Reads the next records, at most 1,000.
   * @returns `ended`: the shard is closed and all of it was read.
   * @throws the client's error, when the stream cannot be read now; the next call goes on where
   *   this one began.
   */
  read(): Promise<{ readonly records: readonly StreamRecord[]; readonly ended: boolean }>;
}

/** Where a shard is. */
export interface ShardPlace {
  readonly streams: StreamsApi;
  readonly streamArn: string;
  readonly shardId: string;
  /** Told when records may have been missed. */
  readonly report: (line: string) => void;
}

/**
 * A reader that keeps its own position. An iterator is only a way to get there, and may be lost at
 * any time: after 15 minutes on AWS, and for reasons of its own in DynamoDB Local, which then says
 * that the shard id is invalid, or gives no next one.
 * @param after the sequence number to begin after; absent: it begins at the oldest record that is
 *   left.
 */
export const createShardReader = (place: ShardPlace, after: string | undefined): ShardReader => {
  const { streams, streamArn, shardId } = place;
  let position = after;
  let iterator: string | undefined;

  const open = async (): Promise<string> => {
    const shard = { StreamArn: streamArn, ShardId: shardId };
    if (position !== undefined) {
      try {
        const behind = {
          ShardIteratorType: 'AFTER_SEQUENCE_NUMBER',
          SequenceNumber: position,
        } as const;
        return (await streams.getShardIterator({ ...shard, ...behind })).ShardIterator;
      } catch (error) {
        if (!isPositionLost(error)) throw error;
        place.report(
          `${shardId} has no record ${position} any more: what was written before its oldest one is missed`,
        );
        position = undefined;
      }
    }
    return (await streams.getShardIterator({ ...shard, ShardIteratorType: 'TRIM_HORIZON' }))
      .ShardIterator;
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
        const { Records, NextShardIterator } = await streams.getRecords({
          ShardIterator: iterator,
        });
        const context = { streamArn, readAt: Date.now() };
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

/**
 * Whether the iterator, or the record it was asked for, is gone; another place in the shard may
 * still be there.
 */
const isPositionLost = (error: unknown): boolean =>
  error instanceof Error &&
  [
    'ExpiredIteratorException',
    'TrimmedDataAccessException',
    'ResourceNotFoundException',
    'ValidationException',
  ].includes(error.name);
