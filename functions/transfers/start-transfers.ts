import type { DynamoDBBatchResponse, DynamoDBStreamEvent } from 'aws-lambda';
import { readCommitRecord } from '../background/commit-record.ts';
import { inParallel } from '../background/in-parallel.ts';
import { type Telemetry, telemetryFromEnvironment } from '../background/telemetry.ts';
import { reservedIn } from './reservations.ts';
import { logContext, type TransferInput, type TransferWorkflow, transferWorkflowFromEnvironment } from './workflow.ts';

/** How many executions are being started at once. */
const STARTS_AT_ONCE = 10;

/**
 * Starts the workflow of every reservation in a batch of the events table's stream, each execution named by its
 * transfer's id. So a record that is delivered again starts nothing twice. What could not be started is reported for
 * delivery again.
 *
 * Where two sources chose the same transfer id, the name is taken for the second one: recover-transfers starts that
 * under a name of its own once its reservation is a minute old.
 */
export const createHandler =
  ({ workflow, telemetry }: { readonly workflow: TransferWorkflow; readonly telemetry: Telemetry }) =>
  async ({ Records }: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> => {
    const { logger, count } = telemetry;
    const failed = new Set<string>();
    const reservations: { sequenceNumber: string; input: TransferInput }[] = [];
    for (const record of Records.map(readCommitRecord)) {
      const { sequenceNumber, streamId, version } = record;
      if ('commit' in record) {
        reservations.push(...reservedIn(record.commit).map((input) => ({ sequenceNumber, input })));
      } else {
        logger.error('a record of the stream is no commit', { accountId: streamId, version, error: record.problem });
        failed.add(sequenceNumber);
      }
    }

    let started = 0;
    await inParallel(reservations, STARTS_AT_ONCE, async ({ sequenceNumber, input }) => {
      try {
        const outcome = await workflow.start(input.transferId, input);
        if (outcome === 'started') started += 1;
        logger.info('transfer workflow', { ...logContext(input), outcome });
      } catch (error) {
        logger.error('the transfer workflow could not be started', { ...logContext(input), error });
        failed.add(sequenceNumber);
      }
    });
    count('TransfersStarted', started);
    count('TransferStartFailures', failed.size);
    return { batchItemFailures: [...failed].map((itemIdentifier) => ({ itemIdentifier })) };
  };

/** What Lambda calls, for those records of the events table's stream that hold a reservation. */
export const handler = createHandler({
  workflow: transferWorkflowFromEnvironment(),
  telemetry: telemetryFromEnvironment(),
});
