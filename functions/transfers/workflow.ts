import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  type SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import * as z from 'zod/mini';
import { AccountId, Amount, Caller, Currency, Reference, TransferId } from '../../events/values.ts';

/**
 * The input of the transfer workflow's executions: the reservation, and in whose name the transfer
 * is carried out.
 */
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

/** Takes the workflow's input from a transfer that may have further fields. */
export const inputOf = (transfer: TransferInput): TransferInput => {
  const { transferId, from, to, amount, currency, reference, correlationId, actor } = transfer;
  const terms = {
    transferId,
    from,
    to,
    amount,
    currency,
    ...(reference === undefined ? {} : { reference }),
  };
  return { ...terms, correlationId, actor };
};

/**
 * The fields of every log line about a transfer; the correlation id has the name that Powertools
 * gives it elsewhere.
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
   * @param name unique per execution: Step Functions refuses a name it has seen, which makes a
   *   start repeatable.
   * @returns `already_exists` where there is, or was, an execution of that name: a success, the
   *   transfer is in hand.
   * @throws whatever the client throws: whether the execution has started is unknown, and the same
   *   start may be sent again.
   */
  start(name: string, input: TransferInput): Promise<'started' | 'already_exists'>;
  /**
   * Whether an execution of a name has not ended. It knows none of an Express machine, whose names
   * are not unique.
   * @throws whatever the client throws: nothing is known then.
   */
  isRunning(name: string): Promise<boolean>;
}

/**
 * Step Functions answers a start with the name and the input of a running execution as if that had
 * just begun, apart from its time. An execution that began this many milliseconds ago was not
 * started by this request, however the clocks differ.
 */
const STARTED_BEFORE_MS = 10_000;

/**
 * The workflow behind a state machine's ARN.
 * @param clock the time, in milliseconds since 1970.
 */
export const createTransferWorkflow = (
  client: SFNClient,
  stateMachineArn: string,
  clock: () => number,
): TransferWorkflow => ({
  start: async (name, input) => {
    const askedAt = clock();
    try {
      const { startDate } = await client.send(
        new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }),
      );
      if (!startDate)
        throw new Error(
          `whether the execution ${name} was started is not known: the answer says nothing`,
        );
      return startDate.getTime() < askedAt - STARTED_BEFORE_MS ? 'already_exists' : 'started';
    } catch (error) {
      if (error instanceof ExecutionAlreadyExists) return 'already_exists';
      throw error;
    }
  },
  isRunning: async (name) => {
    const executionArn = `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`;
    try {
      const { status } = await client.send(new DescribeExecutionCommand({ executionArn }));
      if (!status)
        throw new Error(
          `whether the execution ${name} is running is not known: the answer says nothing`,
        );
      return status === 'RUNNING' || status === 'PENDING_REDRIVE';
    } catch (error) {
      if (error instanceof ExecutionDoesNotExist) return false;
      throw error;
    }
  },
});
