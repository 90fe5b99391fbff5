import { setTimeout } from 'node:timers/promises';
import { type DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb';
import {
  type CommandRecord,
  isRecordItem,
  readRecord,
} from '../../functions/store/writing/command-record.ts';
import { commandIdOf } from '../../functions/store/writing/record-key.ts';
import { hold } from './rule.ts';
import type { SoundStream } from './streams.ts';

/** A record of one command. */
export type RecordOfCommand = Exclude<CommandRecord, { outcome: 'claimed' }>;

/** Reads every record of a command. @throws {AuditFailure} naming one that cannot be read. */
export const allRecords = async (
  client: DynamoDBDocumentClient,
  table: string,
): Promise<readonly RecordOfCommand[]> => {
  const records: RecordOfCommand[] = [];
  let cursor: Record<string, unknown> | undefined;
  do {
    const { Items = [], LastEvaluatedKey } = await client.send(
      new ScanCommand({
        TableName: table,
        ConsistentRead: true,
        ...(cursor ? { ExclusiveStartKey: cursor } : {}),
      }),
    );
    for (const record of Items.filter(isRecordItem).map(readRecord)) {
      if (record.outcome === 'unreadable') hold(false, `the record of ${record.key} is unreadable`);
      // A claim for many commands is no command: each of them has its own record.
      else if (record.outcome !== 'claimed') records.push(record);
    }
    cursor = LastEvaluatedKey;
  } while (cursor);
  return records;
};

/**
 * Waits until no command is pending any more.
 * @throws {AuditFailure} where some still are long after the last caller has left.
 */
export const untilNoneWaits = async (
  client: DynamoDBDocumentClient,
  table: string,
): Promise<void> => {
  const deadline = performance.now() + DECIDED_WITHIN_MS;
  while ((await allRecords(client, table)).some(({ outcome }) => outcome === 'pending')) {
    hold(
      performance.now() < deadline,
      `commands are still pending ${DECIDED_WITHIN_MS} ms after the last caller left`,
    );
    await setTimeout(100);
  }
};

const DECIDED_WITHIN_MS = 15_000;

/**
 * One id, one outcome: an accepted command has its events in one commit of its stream, a rejected
 * one has none, and none is pending any more. The table's key ensures that an id has one record. A
 * command with two keys has its events under the first: the record of the second says the same as
 * that of the first.
 * @throws {AuditFailure} naming the first record that says otherwise.
 */
export const holdOneOutcome = (
  records: readonly RecordOfCommand[],
  streams: readonly Pick<SoundStream, 'streamId' | 'commitsOf'>[],
): void => {
  const byId = new Map(streams.map((stream) => [stream.streamId, stream]));
  const commitsOf = ({ key, accountId }: RecordOfCommand): number =>
    byId.get(accountId)?.commitsOf.get(commandIdOf(key))?.length ?? 0;
  const first = new Set(records.filter((record) => commitsOf(record) === 1).map(whatItSays));
  for (const record of records) {
    const { key, accountId, outcome } = record;
    hold(outcome !== 'pending', `${key} of ${accountId} was never decided`);
    const commits = commitsOf(record);
    const found = `${key} of ${accountId} is ${outcome}, and its events are in ${commits} commits`;
    // No answer: a settlement, which has no events where it had been done before; nor has what is
    // asked of an account that is so already, such as freezing it.
    const certain =
      outcome !== 'accepted' || (record.answer !== undefined && !('openedAt' in record.answer));
    const has = commits === 0 && first.has(whatItSays(record)) ? 1 : commits;
    hold(has <= 1 && (!certain || has === (outcome === 'accepted' ? 1 : 0)), found);
  }
};

const whatItSays = (record: RecordOfCommand): string => {
  const { accountId, fingerprint, outcome } = record;
  const said = outcome === 'accepted' ? [record.version, record.answer] : [];
  return JSON.stringify([accountId, fingerprint, outcome, ...said]);
};
