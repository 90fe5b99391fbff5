import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import * as z from 'zod/mini';
import { inParallel } from '../runtime/in-parallel.ts';
import type { Telemetry } from '../runtime/telemetry.ts';
import type { Store } from '../store/store.ts';
import { streamImage } from '../store/stream/stream-image.ts';
import { PendingCommand } from '../store/writing/command-record.ts';

/** How many accounts of a batch are worked on at once. */
const ACCOUNTS_AT_ONCE = 8;

/**
 * Decides the commands that are pending on hot accounts, from batches of the queue table's stream:
 * those of one account together, in the order in which they were sent.
 *
 * A stream record that comes again finds its command decided. Where an account's commands could not
 * be decided, the account is reported from its first stream record on, and Lambda delivers again
 * from there; the other accounts are done. A stream record that this code cannot read, such as one
 * of a newer schema, will not be readable the next time either: it is counted and passed over, and
 * so is a command that fails whenever it is decided. Such a command stays pending until a client
 * asks after it or repeats it and other code decides it.
 */
export const createHandler =
  ({ store, telemetry, clock, budget }: DecidePendingDependencies) =>
  async ({ Records }: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> => {
    const { logger, count } = telemetry;
    const deadline = clock() + budget;
    const read = Records.map(readPending);
    const pending = read.filter((record) => 'command' in record);
    const unreadable = read.filter((record) => 'problem' in record);
    for (const fields of unreadable)
      logger.error('a stream record of the queue cannot be read, and is passed over', fields);
    count('UnreadableRecords', unreadable.length);

    // Lambda takes an empty number for the whole batch: right for a stream record without its
    // place.
    const failed = read.filter(({ sequenceNumber }) => sequenceNumber === '').map(() => '');
    const accounts = Map.groupBy(pending, ({ command }) => command.accountId);
    await inParallel(accounts, ACCOUNTS_AT_ONCE, async ([accountId, records]) => {
      try {
        if (clock() >= deadline) throw new Error('the time for this batch is up');
        const commands = records.map(({ command }) => command);
        const { decided, passedOver } = await store.decidePending(accountId, commands);
        for (const { keys, cause } of passedOver) {
          logger.error('a pending command cannot be decided, and is passed over', {
            accountId,
            keys,
            error: cause,
          });
        }
        count('UnreadableRecords', passedOver.length);
        count('CommandsDecidedTogether', decided);
      } catch (error) {
        logger.error('the pending commands of an account were not decided', { accountId, error });
        for (const { sequenceNumber } of records.slice(0, 1)) failed.push(sequenceNumber);
      }
    });
    count('DecidePendingFailures', failed.length);
    return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
  };

/** What deciding takes. */
export interface DecidePendingDependencies {
  readonly store: Pick<Store, 'decidePending'>;
  readonly telemetry: Telemetry;
  /** The time, in milliseconds since 1970. */
  readonly clock: () => number;
  /**
   * How long a batch goes on to its next account, in milliseconds; the accounts left are reported.
   */
  readonly budget: number;
}

/** A stream record's pending command, or what is wrong with it. */
type ReadRecord = { readonly sequenceNumber: string } & (
  | { readonly command: PendingCommand }
  | { readonly problem: string }
);

const readPending = ({ dynamodb }: DynamoDBRecord): ReadRecord => {
  const sequenceNumber = dynamodb?.SequenceNumber ?? '';
  try {
    const { success, data, error } = PendingCommand.safeParse(streamImage(dynamodb?.NewImage));
    return success
      ? { sequenceNumber, command: data }
      : { sequenceNumber, problem: z.prettifyError(error) };
  } catch (error) {
    return { sequenceNumber, problem: String(error) };
  }
};
