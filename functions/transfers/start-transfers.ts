import type { DynamoDBBatchResponse, DynamoDBStreamEvent } from 'aws-lambda';
import { readReservations } from './delivered/delivered-reservations.ts';
import { type HandOverDependencies, handOver } from './delivered/hand-over.ts';

/**
 * Starts an execution of the transfer workflow for every reservation that comes in a batch of the
 * events table's stream. It takes the place of carry-out-transfers where every transfer is to have
 * its history in Step Functions, and writes to no table.
 *
 * Whatever it cannot start it reports for delivery again. Stream records that nobody can read are
 * passed over.
 */
export const createHandler =
  ({ budget, ...dependencies }: StartDependencies) =>
  async ({ Records }: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> => {
    const deadline = dependencies.clock() + budget;
    const delivered = readReservations(Records, dependencies.telemetry);
    return handOver(dependencies, delivered, () => false, deadline);
  };

/** What starting transfers takes. */
export interface StartDependencies extends HandOverDependencies {
  /** How long a batch starts executions, in milliseconds: it reports the rest. */
  readonly budget: number;
}
