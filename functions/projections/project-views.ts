import type { DynamoDBBatchResponse, DynamoDBStreamEvent } from 'aws-lambda';
import type { Telemetry } from '../runtime/telemetry.ts';
import {
  type CommitRecord,
  isReadable,
  readCommitRecord,
} from '../store/stream/delivered-commit.ts';
import { type Projection, projectAccounts } from './project-accounts.ts';
import { type Rebuilt, readRebuild, rebuildAccounts } from './rebuild-accounts.ts';

/** The function's two inputs and their answers: batches of the stream, and an operator's call. */
interface ProjectViews {
  (event: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse>;
  (event: unknown): Promise<DynamoDBBatchResponse | { readonly accounts: readonly Rebuilt[] }>;
}

/**
 * Projects batches of the events table's stream into the views, all accounts of a batch together.
 *
 * After a failure that may pass (DynamoDB is slow, or throttles, or refuses) the function reports
 * the account's first stream record; Lambda delivers again from there, and commits that were
 * projected already are passed over. What can never succeed would hold up every account of its
 * shard, so it is logged, counted as `UnreadableRecords` and passed over in its first delivery: a
 * stream record that is no commit, a commit or a stream that cannot be read, an event that this
 * code does not know, a summary of other code. Its account's views stand still before it.
 *
 * The remedy, once the cause is gone: an operator invokes the function with
 * `{"accounts":["a","b"]}`. It then makes the views of these accounts anew from their streams, and
 * says how far each is.
 */
export const createHandler = ({
  telemetry,
  budget,
  ...projection
}: ProjectViewsDependencies): ProjectViews => {
  async function handle(event: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse>;
  async function handle(
    event: unknown,
  ): Promise<DynamoDBBatchResponse | { readonly accounts: readonly Rebuilt[] }>;
  async function handle(event: unknown) {
    const deadline = projection.clock() + budget;
    if (isStreamEvent(event)) return projectBatch(projection, telemetry, event, deadline);
    return { accounts: await rebuildAccounts(projection, telemetry, readRebuild(event), deadline) };
  }
  return handle;
};

/** What projecting takes; `budget` is how long it goes on sending requests, in milliseconds. */
export interface ProjectViewsDependencies extends Projection {
  readonly telemetry: Telemetry;
  readonly budget: number;
}

const isStreamEvent = (event: unknown): event is DynamoDBStreamEvent =>
  typeof event === 'object' && event !== null && 'Records' in event;

const projectBatch = async (
  projection: Projection,
  { logger, count }: Telemetry,
  { Records }: DynamoDBStreamEvent,
  deadline: number,
): Promise<DynamoDBBatchResponse> => {
  const records = Records.map(readCommitRecord);
  const delivered = Map.groupBy(records.filter(isReadable), ({ commit }) => commit.streamId);
  const commits = [...delivered].map(
    ([accountId, found]) => [accountId, found.map(({ commit }) => commit)] as const,
  );
  const failed = await projectAccounts(projection, new Map(commits), deadline);

  const passOver = ({ streamId, version }: CommitRecord, error: unknown) => {
    const remedy = `once the cause is gone, invoke project-views with {"accounts":["${streamId}"]}`;
    logger.error('a record of the stream is passed over', {
      accountId: streamId,
      version,
      error,
      remedy,
    });
    count('UnreadableRecords', 1);
  };
  for (const record of records) if ('problem' in record) passOver(record, record.problem);

  const batchItemFailures: { itemIdentifier: string }[] = [];
  for (const [accountId, found] of delivered) {
    const standstill = failed.get(accountId);
    const [first] = found;
    if (!standstill || !first) continue;
    const { error, maySucceedLater } = standstill;
    if (!maySucceedLater) {
      for (const record of found) passOver(record, error);
      continue;
    }
    logger.error('the views of an account stand still', {
      accountId,
      version: first.version,
      error,
    });
    batchItemFailures.push({ itemIdentifier: first.sequenceNumber });
  }
  // A stream record without its place cannot be passed over: Lambda takes an empty identifier for
  // the whole batch.
  if (records.some(({ sequenceNumber }) => sequenceNumber === ''))
    batchItemFailures.push({ itemIdentifier: '' });
  count('ProjectionFailures', batchItemFailures.length);
  return { batchItemFailures };
};
