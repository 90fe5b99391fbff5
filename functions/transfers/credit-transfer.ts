import type { RejectionCode } from '../ledger/rejection.ts';
import { readInput } from '../runtime/read-input.ts';
import type { Telemetry } from '../runtime/telemetry.ts';
import type { CommandRecord } from '../store/deciding/command-record.ts';
import type { CommandKey } from '../store/deciding/command-result.ts';
import type { Store } from '../store/store.ts';
import { creditKey, creditRequest } from './step-requests.ts';
import { UndecidedStep } from './undecided-step.ts';
import { logContext, TransferInput } from './workflow.ts';

/** What became of a credit, as the workflow's choice reads it. */
export type CreditOutcome =
  | { readonly outcome: 'credited' }
  | { readonly outcome: 'rejected'; readonly reason: RejectionCode | 'transfer_id_reused' };

/**
 * The workflow's first step: pays the transfer in at its destination. The outcome is recorded there under the
 * transfer's id, so however often the step runs, the money arrives once, and a rejection stays one.
 * @throws {UndecidedStep} where it is not known what became of the credit.
 * @throws {Error} where the input is no transfer's.
 */
export const createHandler =
  ({ store, find, telemetry }: CreditDependencies) =>
  async (input: unknown): Promise<CreditOutcome> => {
    const transfer = readInput(TransferInput, input);
    const result = await store.execute(creditRequest(transfer));
    const context = logContext(transfer);
    switch (result.outcome) {
      case 'accepted':
        telemetry.logger.info('credited', { ...context, replayed: result.replayed });
        return { outcome: 'credited' };
      case 'rejected':
        return rejected(telemetry, context, result.rejection.code);
      case 'key_reused': {
        const holder = holderOf(await find(creditKey(transfer)), transfer);
        if (holder === 'this transfer') {
          telemetry.logger.error('credited by a request that reads otherwise than this one', context);
          return { outcome: 'credited' };
        }
        if (holder === 'another') return rejected(telemetry, context, 'transfer_id_reused');
        break;
      }
    }
    telemetry.logger.warn('the credit is not decided', { ...context, result });
    throw new UndecidedStep('credit', transfer.transferId, result);
  };

/** What crediting takes. */
export interface CreditDependencies {
  readonly store: Pick<Store, 'execute'>;
  /** Reads what is recorded under a key. */
  readonly find: (key: CommandKey) => Promise<CommandRecord | undefined>;
  readonly telemetry: Telemetry;
}

const rejected = (
  { logger, count }: Telemetry,
  context: Record<string, string>,
  reason: RejectionCode | 'transfer_id_reused',
): CreditOutcome => {
  logger.info('the credit is rejected', { ...context, reason });
  count('CreditsRejected', 1);
  return { outcome: 'rejected', reason };
};

/**
 * Whose request it is that holds a transfer's key where that is not the one that was sent. A decided record stays for
 * ever.
 *
 * Usually it is the credit of another source whose client chose the same id, or its rejection: then this transfer can
 * never be credited, and releasing it is safe. But it could be this very transfer's credit, written by a deployment
 * that put it in other words: then the money has arrived, and a release would make it twice. While a request waits to
 * be decided, or has just been given its key back, nothing can be concluded.
 */
const holderOf = (
  record: CommandRecord | undefined,
  { transferId, from }: TransferInput,
): 'this transfer' | 'another' | 'nobody yet' => {
  if (!record || record.outcome === 'pending') return 'nobody yet';
  if (record.outcome === 'rejected' || !record.answer || !('entryId' in record.answer)) return 'another';
  const { answer } = record;
  return answer.transferId === transferId && answer.counterparty === from ? 'this transfer' : 'another';
};
