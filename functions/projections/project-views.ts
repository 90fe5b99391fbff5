import type { DynamoDBBatchResponse, DynamoDBStreamEvent } from 'aws-lambda';
import type { Telemetry } from '../runtime/telemetry.ts';
import {
  type CommitRecord,
  isReadable,
  type ReadableRecord,
  readCommitRecord,
} from '../store/stream/delivered-commit.ts';
import { accountKey } from '../views/account-rows.ts';
import { transferKey } from '../views/transfer-row.ts';
import { foldCommits } from './fold-commits.ts';
import { rowName, type ViewWriter } from './view-writer.ts';

/**
 * What projecting takes: the writer of the views, telemetry, and the time in milliseconds since
 * 1970; `budget` is how long it goes on sending requests, in milliseconds.
 */
export interface ProjectViewsDependencies {
  readonly writer: ViewWriter;
  readonly telemetry: Telemetry;
  readonly clock: () => number;
  readonly budget: number;
}

/**
 * Projects batches of the events table's stream into the views. Each commit says by itself what it
 * changes, so it does not matter which came before, and what was projected already may come again;
 * those of a batch are written together.
 *
 * After a failure that may pass (DynamoDB is slow, or throttles, or refuses) the function reports
 * the stream records whose rows are not all written, and Lambda delivers again from there. What can
 * never succeed would hold up every account of its shard, so it is logged, counted as
 * `UnreadableRecords` and passed over in its first delivery: a stream record that is no commit, a
 * commit that cannot be read, an event that this code does not know.
 *
 * The remedy, once the cause is gone: `npm run rebuild` makes the views of the accounts from their
 * streams.
 */
export const createHandler =
  ({ writer, telemetry: { logger, count }, clock, budget }: ProjectViewsDependencies) =>
  async ({ Records }: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> => {
    const deadline = clock() + budget;
    const records = Records.map(readCommitRecord);

    const passOver = ({ streamId, version }: CommitRecord, error: unknown) => {
      logger.error('a stream record is passed over', {
        accountId: streamId,
        version,
        error,
        remedy: `once the cause is gone: npm run rebuild -- --accounts ${streamId} --anew`,
      });
      count('UnreadableRecords', 1);
    };
    for (const record of records) if ('problem' in record) passOver(record, record.problem);

    const projected = new Map<ReadableRecord, readonly string[]>();
    for (const record of records.filter(isReadable)) {
      try {
        projected.set(record, rowNamesOf(record));
      } catch (error) {
        passOver(record, error);
      }
    }
    const commits = [...projected.keys()].map(({ commit }) => commit);
    const failed = await writer.write(foldCommits(commits), deadline);

    const batchItemFailures: { itemIdentifier: string }[] = [];
    for (const [{ streamId, version, sequenceNumber }, rows] of projected) {
      const unwritten = rows.find((name) => failed.has(name));
      if (unwritten === undefined) continue;
      const error = failed.get(unwritten);
      logger.error('a commit could not be projected', { accountId: streamId, version, error });
      batchItemFailures.push({ itemIdentifier: sequenceNumber });
    }
    // A stream record without its place cannot be passed over: Lambda takes an empty identifier for
    // the whole batch.
    if (records.some(({ sequenceNumber }) => sequenceNumber === ''))
      batchItemFailures.push({ itemIdentifier: '' });
    count('ProjectionFailures', batchItemFailures.length);
    return { batchItemFailures };
  };

/**
 * The rows that a commit changes.
 * @throws {Error} where the commit cannot be folded.
 */
const rowNamesOf = ({ commit }: ReadableRecord): string[] => {
  const { accounts, transfers } = foldCommits([commit]);
  return [
    ...accounts.map(({ accountId }) => rowName(accountKey(accountId))),
    ...transfers.map(({ transferId, from }) => rowName(transferKey(transferId, from))),
  ];
};
