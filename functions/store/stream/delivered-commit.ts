import type { DynamoDBRecord } from 'aws-lambda';
import { streamImage } from '../../runtime/stream-image.ts';
import { type Commit, readCommit } from './commit.ts';

/** A record of the events table's stream: the commit it brings, or why it cannot be read. */
export type CommitRecord = {
  /** Its place in the stream's shard, by which a failed record is reported to the event source mapping. */
  readonly sequenceNumber: string;
  /** The key of the commit's item; empty and 0 where the record does not even say that. */
  readonly streamId: string;
  readonly version: number;
} & ({ readonly commit: Commit } | { readonly problem: Error });

/**
 * Reads a record of the events table's stream (view type `NEW_IMAGE`).
 *
 * Only an insertion brings a commit. Commits never change and are never removed: anything else in the stream means that
 * somebody wrote to the table past the store, and is a problem to be reported, not one to be passed over.
 * @returns the commit or the problem, with where they stand; never throws.
 */
export const readCommitRecord = ({ eventName, dynamodb }: DynamoDBRecord): CommitRecord => {
  const place = {
    // An empty number fails the whole batch, which is right for a record that does not say where it stands.
    sequenceNumber: dynamodb?.SequenceNumber ?? '',
    streamId: dynamodb?.Keys?.['streamId']?.S ?? '',
    version: Number(dynamodb?.Keys?.['version']?.N ?? 0),
  };
  try {
    if (eventName !== 'INSERT') throw new Error(`commits never change, but the stream holds a ${eventName}`);
    return { ...place, commit: readCommit(streamImage(dynamodb?.NewImage)) };
  } catch (error) {
    return { ...place, problem: new Error(`${place.streamId}/${place.version} is no commit`, { cause: error }) };
  }
};
