import type { CommandRequest } from '../../store/deciding/command-result.ts';
import type { RecordKey } from '../../store/writing/record-key.ts';
import type { TransferInput } from '../workflow.ts';

/**
 * The key under which the destination records what became of a transfer's credit. No client can ask
 * for it.
 */
export const creditKey = ({ transferId }: TransferInput): RecordKey => `credit:${transferId}`;

/**
 * The request that credits a transfer at its destination. Every caller has to build it here: the
 * key's record knows the command by its fingerprint.
 */
export const creditRequest = (transfer: TransferInput): CommandRequest => {
  const { transferId, from, to, amount, currency, reference, correlationId, actor } = transfer;
  return {
    command: {
      type: 'credit',
      accountId: to,
      transferId,
      from,
      amount,
      currency,
      ...(reference === undefined ? {} : { reference }),
    },
    keys: [creditKey(transfer)],
    actor,
    correlationId,
  };
};

/**
 * The request that settles a transfer on its source. It needs no key: once the reservation is gone,
 * it is done.
 */
export const settleRequest = ({
  transferId,
  from,
  reference,
  correlationId,
  actor,
}: TransferInput): CommandRequest => ({
  command: {
    type: 'settle',
    accountId: from,
    transferId,
    ...(reference === undefined ? {} : { reference }),
  },
  actor,
  correlationId,
});
