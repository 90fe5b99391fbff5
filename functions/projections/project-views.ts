import type { DynamoDBBatchResponse, DynamoDBStreamEvent } from 'aws-lambda';
import type { Telemetry } from '../runtime/telemetry.ts';
import { type CommitRecord, readCommitRecord } from '../store/stream/delivered-commit.ts';
import { type Projection, projectAccounts } from './project-accounts.ts';

/**
 * Projects batches of the events table's stream into the views, all accounts of a batch together. One whose records or stream
 * cannot be read stops at its first failed record, which is reported, and the others go on. Lambda then delivers from the lowest
 * reported record on again, and what was projected already is passed over.
 */
export const createHandler =
  ({ telemetry, ...projection }: Projection & { readonly telemetry: Telemetry }) =>
  async ({ Records }: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> => {
    const { logger, count } = telemetry;
    const accounts = [...Map.groupBy(Records.map(readCommitRecord), ({ streamId }) => streamId).values()].map(readable);
    for (const { streamId, version, problem } of accounts.flatMap(({ problems }) => problems)) {
      logger.error('a record of the stream is no commit', { accountId: streamId, version, error: problem });
    }
    const delivered = accounts.flatMap(({ commits }) => (commits[0] ? [[commits[0].streamId, commits] as const] : []));
    const failed = await projectAccounts(projection, new Map(delivered));

    const batchItemFailures = accounts.flatMap(({ records, end, commits: [commit] }) => {
      const error = commit && failed.get(commit.streamId);
      const [first] = records;
      if (error && first) {
        const { streamId, version } = first;
        logger.error('the views of an account stand still', { accountId: streamId, version, error });
      }
      const stopped = error ? first : records.find(({ version }) => version >= end);
      return stopped ? [{ itemIdentifier: stopped.sequenceNumber }] : [];
    });
    count('ProjectionFailures', batchItemFailures.length);
    return { batchItemFailures };
  };

/** The records of one account, and as many of the commits among them as can be followed: nothing can follow one that is unreadable. */
const readable = (records: readonly CommitRecord[]) => {
  const problems = records.filter((record) => 'problem' in record);
  const end = Math.min(...problems.map(({ version }) => version));
  const commits = records.flatMap((record) => ('commit' in record && record.version < end ? [record.commit] : []));
  return { records, problems, end, commits };
};
