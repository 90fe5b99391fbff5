import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import * as z from 'zod/mini';
import { inParallel } from '../runtime/in-parallel.ts';
import { streamImage } from '../runtime/stream-image.ts';
import type { Telemetry } from '../runtime/telemetry.ts';
import { PendingCommand } from '../store/deciding/command-record.ts';
import type { Store } from '../store/store.ts';

/** How many accounts of a batch are worked on at once. */
const ACCOUNTS_AT_ONCE = 8;

/**
 * Decides the commands that queue for hot accounts, from batches of the commands table's stream: those of one account
 * together, in the order in which they were sent. The mapping delivers one batch of an account at a time, so the commands of
 * one account seldom meet another writer here.
 *
 * A record that comes again finds its command decided. An account whose commands could not be decided is reported from its
 * first record on, and delivered again; the others are done.
 */
export const createHandler =
  ({ store, telemetry }: { readonly store: Pick<Store, 'decidePending'>; readonly telemetry: Telemetry }) =>
  async ({ Records }: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> => {
    const { logger, count } = telemetry;
    const failed: string[] = [];
    const accounts = Map.groupBy(Records.map(readPending), ({ command }) => command?.command.accountId);
    await inParallel(accounts, ACCOUNTS_AT_ONCE, async ([accountId, records]) => {
      const [first] = records;
      if (accountId === undefined) {
        for (const { sequenceNumber, problem } of records) {
          logger.error('a record of the stream is no waiting command', { sequenceNumber, problem });
          failed.push(sequenceNumber);
        }
        return;
      }
      try {
        const commands = records.flatMap(({ command }) => (command ? [command] : []));
        await store.decidePending(accountId, commands);
        count('CommandsDecidedTogether', commands.length);
      } catch (error) {
        logger.error('the waiting commands of an account were not decided', { accountId, error });
        if (first) failed.push(first.sequenceNumber);
      }
    });
    count('DecidePendingFailures', failed.length);
    return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
  };

const readPending = ({ dynamodb }: DynamoDBRecord) => {
  const { success, data, error } = PendingCommand.safeParse(streamImage(dynamodb?.NewImage));
  return {
    // An empty number fails the whole batch, which is right for a record that does not say where it stands.
    sequenceNumber: dynamodb?.SequenceNumber ?? '',
    command: data,
    problem: success ? undefined : z.prettifyError(error),
  };
};
