import type { DynamoDBRecord } from 'aws-lambda';
import type { Telemetry } from '../../runtime/telemetry.ts';
import type { Commit } from '../../store/stream/commit.ts';
import { isReadable, readCommitRecord } from '../../store/stream/delivered-commit.ts';
import { reservedIn } from '../reservations.ts';
import type { TransferInput } from '../workflow.ts';

/** A batch of the events table's stream, as far as it reserves money. */
export interface DeliveredReservations {
  /** The transfers that are reserved, each with where its reservation came from. */
  readonly reserved: ReadonlyMap<TransferInput, Reservation>;
  /** The commits that the batch brings, in its order. */
  readonly commits: readonly Commit[];
  /** The places of the stream records that have to be delivered again. */
  readonly failed: Set<string>;
}

/** Where a reservation came from, and when it was made, in milliseconds since 1970. */
export interface Reservation {
  readonly sequenceNumber: string;
  readonly at: number;
}

/**
 * Reads a batch of the events table's stream.
 *
 * A stream record that is no commit, or one that this code cannot read, would fail in every
 * delivery and hold up its shard: it is logged, counted as `UnreadableRecords` and passed over.
 * Nobody finds the transfers that it may reserve until code that can read it is there: then
 * recover-transfers does, from the streams.
 */
export const readReservations = (
  records: readonly DynamoDBRecord[],
  { logger, count }: Telemetry,
): DeliveredReservations => {
  const failed = new Set<string>();
  const reserved = new Map<TransferInput, Reservation>();
  const commits: Commit[] = [];
  let unreadable = 0;
  for (const record of records.map(readCommitRecord)) {
    const { sequenceNumber, streamId, version } = record;
    // A stream record without its place cannot be passed over: Lambda takes an empty identifier for
    // the whole batch.
    if (sequenceNumber === '') failed.add(sequenceNumber);
    if (isReadable(record)) {
      const at = Date.parse(record.commit.at);
      for (const transfer of reservedIn(record.commit))
        reserved.set(transfer, { sequenceNumber, at });
      commits.push(record.commit);
    } else {
      unreadable += 1;
      logger.error('a stream record is passed over', {
        accountId: streamId,
        version,
        error: record.problem,
      });
    }
  }
  count('UnreadableRecords', unreadable);
  return { reserved, commits, failed };
};
