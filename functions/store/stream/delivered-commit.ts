import type { DynamoDBRecord } from 'aws-lambda';
import { type Commit, readCommit } from './commit.ts';
import { streamImage } from './stream-image.ts';

/** A stream record of the events table: the commit it brings, or why it cannot be read. */
export type CommitRecord = ReadableRecord | (Place & { readonly problem: Error });

/** A stream record that brings a commit. */
export type ReadableRecord = Place & { readonly commit: Commit };

interface Place {
  /**
   * Its place in the stream's shard, by which the function reports it to the event source mapping;
   * empty where the stream record does not say it.
   */
  readonly sequenceNumber: string;
  /** The key of the commit's item; empty and 0 where the stream record does not say it. */
  readonly streamId: string;
  readonly version: number;
}

/** Whether a stream record brings a commit. */
export const isReadable = (record: CommitRecord): record is ReadableRecord => 'commit' in record;

/**
 * Reads a stream record of the events table (view type `NEW_IMAGE`).
 *
 * Only an insertion brings a commit. Commits never change and are never removed: anything else in
 * the stream means that somebody wrote to the table past the store. The caller has to log, count
 * and alarm that, like a commit that cannot be read, and to pass over it in its first delivery: it
 * will read the same the next time, and would hold up all accounts of its shard.
 * @returns the commit or the problem, with where they stand; never throws.
 */
export const readCommitRecord = ({ eventName, dynamodb }: DynamoDBRecord): CommitRecord => {
  const place = {
    // Lambda takes an empty number for the whole batch: right for a stream record without its
    // place.
    sequenceNumber: dynamodb?.SequenceNumber ?? '',
    streamId: dynamodb?.Keys?.['streamId']?.S ?? '',
    version: Number(dynamodb?.Keys?.['version']?.N ?? 0),
  };
  try {
    if (eventName !== 'INSERT')
      throw new Error(`commits never change, but the stream holds a ${eventName}`);
    return { ...place, commit: readCommit(streamImage(dynamodb?.NewImage)) };
  } catch (error) {
    return {
      ...place,
      problem: new Error(`${place.streamId}/${place.version} is no commit`, { cause: error }),
    };
  }
};
