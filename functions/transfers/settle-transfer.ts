import * as z from 'zod/mini';
import { readInput } from '../runtime/read-input.ts';
import type { Telemetry } from '../runtime/telemetry.ts';
import type { Store } from '../store/store.ts';
import { settleRequest } from './steps/step-requests.ts';
import { outcomeOf, UndecidedStep } from './steps/undecided-step.ts';
import { logContext, TransferInput } from './workflow.ts';

/**
 * The workflow's state once the destination was credited. A state that says anything else must not
 * be settled.
 */
const CreditedTransfer = z.extend(TransferInput, {
  credit: z.object({ outcome: z.literal('credited') }),
});

/**
 * The workflow's last step after a credit: turns the reservation on the source into a withdrawal.
 * It needs no key: once the reservation is gone there is nothing left to do, so it is repeatable.
 * @throws {UndecidedStep} where it is not known whether the transfer is settled.
 * @throws {Error} where the input is not a credited transfer's.
 */
export const createHandler =
  ({
    store,
    telemetry,
  }: {
    readonly store: Pick<Store, 'execute'>;
    readonly telemetry: Telemetry;
  }) =>
  async (input: unknown): Promise<void> => {
    const transfer = readInput(CreditedTransfer, input);
    const result = await store.execute(settleRequest(transfer));
    const context = logContext(transfer);
    if (result.outcome !== 'accepted') {
      telemetry.logger.warn('the settlement is not decided', { ...context, ...outcomeOf(result) });
      throw new UndecidedStep('settle', transfer.transferId, result);
    }
    telemetry.logger.info('settled', { ...context, version: result.version });
  };
