import type { DynamoDBBatchResponse } from 'aws-lambda';
import { failureOf } from '../../runtime/failure.ts';
import { inParallel } from '../../runtime/in-parallel.ts';
import { type Patience, pause } from '../../runtime/patience.ts';
import type { Telemetry } from '../../runtime/telemetry.ts';
import { logContext, type TransferInput, type TransferWorkflow } from '../workflow.ts';
import type { DeliveredReservations } from './delivered-reservations.ts';

/** How many executions it starts at once. */
const STARTS_AT_ONCE = 10;

/** What starting executions takes. */
export interface HandOverDependencies extends Patience {
  readonly workflow: Pick<TransferWorkflow, 'start'>;
  readonly telemetry: Telemetry;
}

/**
 * Hands the reserved transfers of a batch over to the workflow, one execution each, which the
 * transfer's id names: a batch that is delivered again starts nothing twice.
 *
 * Step Functions takes a burst of starts and then some hundred a second of an AWS account. What it
 * throttles is started again until the time is up, so that a burst of reservations waits in its
 * stream.
 * @param delivered the batch; what could not be handed over is added to its failures.
 * @param isDone tells the transfers that need no execution.
 * @param deadline in milliseconds since 1970. No start is sent after it.
 * @returns the stream records that Lambda is to deliver again.
 */
export const handOver = async (
  { workflow, telemetry: { logger, count }, ...patience }: HandOverDependencies,
  { reserved, failed }: DeliveredReservations,
  isDone: (transfer: TransferInput) => boolean,
  deadline: number,
): Promise<DynamoDBBatchResponse> => {
  let started = 0;
  await inParallel(
    [...reserved].filter(([transfer]) => !isDone(transfer)),
    STARTS_AT_ONCE,
    async ([transfer, { sequenceNumber }]) => {
      try {
        if (patience.clock() >= deadline) throw new Error('the time for this batch is up');
        const outcome = await untilNotThrottled(patience, deadline, () =>
          workflow.start(transfer.transferId, transfer),
        );
        if (outcome === 'started') started += 1;
        logger.info('left to the transfer workflow', { ...logContext(transfer), outcome });
      } catch (error) {
        logger.error('the transfer workflow could not be started', {
          ...logContext(transfer),
          error,
        });
        failed.add(sequenceNumber);
      }
    },
  );
  count('TransfersLeftToWorkflow', started);
  count('TransferStartFailures', failed.size);
  return { batchItemFailures: [...failed].map((itemIdentifier) => ({ itemIdentifier })) };
};

const untilNotThrottled = async <T>(
  patience: Patience,
  deadline: number,
  start: () => Promise<T>,
): Promise<T> => {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await start();
    } catch (error) {
      if (!isThrottled(error) || !(await pause(patience, deadline, attempt))) throw error;
    }
  }
};

const isThrottled = (error: unknown): boolean => {
  try {
    return failureOf(error).kind === 'throttled';
  } catch {
    return false;
  }
};
