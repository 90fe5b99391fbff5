import { ExecutionAlreadyExists, type SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import * as z from 'zod/mini';
import { AccountId, Amount, Caller, Currency, Reference, TransferId } from '../../events/values.ts';

/** What an execution of the transfer workflow is started with: the reservation, and in whose name it is carried out. */
export const TransferInput = z.object({
  transferId: TransferId,
  from: AccountId,
  to: AccountId,
  amount: Amount,
  currency: Currency,
  reference: z.optional(Reference),
  correlationId: z.string(),
  actor: Caller,
});
export type TransferInput = z.infer<typeof TransferInput>;

/**
 * What every log line about a transfer says of it; the correlation id under the name that Powertools gives it
 * elsewhere.
 */
export const logContext = ({ correlationId, transferId, from, to }: TransferInput) => ({
  correlation_id: correlationId,
  transferId,
  from,
  to,
});

/** The state machine that carries a reserved transfer to its end. */
export interface TransferWorkflow {
  /**
   * Starts an execution.
   * @param name unique per execution: Step Functions refuses a name it has seen, which makes a start repeatable.
   * @returns `already_exists` where there is, or was, an execution of that name: a success, the transfer is in hand.
   * @throws whatever the client throws: whether it has started is unknown, and the same start may be sent again.
   */
  start(name: string, input: TransferInput): Promise<'started' | 'already_exists'>;
}

/** The workflow behind a state machine's ARN. */
export const createTransferWorkflow = (client: SFNClient, stateMachineArn: string): TransferWorkflow => ({
  start: async (name, input) => {
    try {
      await client.send(new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }));
      return 'started';
    } catch (error) {
      if (error instanceof ExecutionAlreadyExists) return 'already_exists';
      throw error;
    }
  },
});
