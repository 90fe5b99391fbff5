import { setTimeout } from 'node:timers/promises';
import type { DynamoDBBatchResponse, DynamoDBStreamEvent } from 'aws-lambda';
import { type CommitRecord, readCommitRecord } from '../background/commit-record.ts';
import { inParallel } from '../background/in-parallel.ts';
import { type Telemetry, telemetryFromEnvironment } from '../background/telemetry.ts';
import { createDocumentClient } from '../store/dynamodb.ts';
import { environmentVariable, storeFromEnvironment } from '../store/runtime.ts';
import { type Projection, projectAccount } from './project-account.ts';
import { createViewWriter } from './view-writer.ts';

/** How many accounts of a batch are worked on at once. */
const ACCOUNTS_AT_ONCE = 8;

/**
 * Projects batches of the events table's stream into the views. Each account is on its own: one that fails stops at its
 * first failed record, which is reported, and the others go on. Lambda then delivers from the lowest reported record on
 * again, and what was projected already is passed over.
 */
export const createHandler =
  ({ telemetry, ...projection }: Projection & { readonly telemetry: Telemetry }) =>
  async ({ Records }: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> => {
    const accounts = Map.groupBy(Records.map(readCommitRecord), ({ streamId }) => streamId);
    const batchItemFailures: { itemIdentifier: string }[] = [];
    await inParallel(accounts.values(), ACCOUNTS_AT_ONCE, async (records) => {
      const failed = await projectRecords(projection, telemetry, records);
      if (failed) batchItemFailures.push({ itemIdentifier: failed.sequenceNumber });
    });
    telemetry.count('ProjectionFailures', batchItemFailures.length);
    return { batchItemFailures };
  };

/** @returns the first of an account's records that is not in the views; `undefined` where all of them are. */
const projectRecords = async (
  projection: Projection,
  { logger }: Telemetry,
  records: readonly CommitRecord[],
): Promise<CommitRecord | undefined> => {
  const problems = records.filter((record) => 'problem' in record);
  for (const { streamId, version, problem } of problems) {
    logger.error('a record of the stream is no commit', { accountId: streamId, version, error: problem });
  }
  // Nothing can follow a commit that cannot be read: the account's views stop just before it.
  const end = Math.min(...problems.map(({ version }) => version));
  const commits = records.flatMap((record) => ('commit' in record && record.version < end ? [record.commit] : []));
  try {
    const [first] = commits;
    if (first) await projectAccount(projection, first.streamId, commits);
    return records.find(({ version }) => version >= end);
  } catch (error) {
    const [first] = records;
    const { streamId = '', version = 0 } = first ?? {};
    logger.error('the views of an account stand still', { accountId: streamId, version, error });
    return first;
  }
};

/** What Lambda calls, for the events table's stream. */
export const handler = createHandler({
  store: storeFromEnvironment(),
  writer: createViewWriter({
    client: createDocumentClient({ attempts: 4 }),
    table: environmentVariable('VIEWS_TABLE'),
    random: Math.random,
    sleep: (milliseconds) => setTimeout(milliseconds),
  }),
  telemetry: telemetryFromEnvironment(),
});
