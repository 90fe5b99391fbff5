import * as z from 'zod/mini';
import { readInput } from '../runtime/read-input.ts';
import type { Telemetry } from '../runtime/telemetry.ts';
import type { Store } from '../store/store.ts';
import { outcomeOf, UndecidedStep } from './steps/undecided-step.ts';
import { logContext, TransferInput } from './workflow.ts';

/**
 * The workflow's state once the credit was rejected. Releasing in any other state could make money.
 */
const RejectedTransfer = z.extend(TransferInput, {
  credit: z.object({
    outcome: z.literal('rejected'),
    reason: z.string().check(z.minLength(1), z.maxLength(64)),
  }),
});

/**
 * The workflow's last step after a rejected credit: gives the reservation back to the source, with
 * the rejection's code as the reason. It needs no key: once the reservation is gone there is
 * nothing left to do, so it is repeatable.
 * @throws {UndecidedStep} where it is not known whether the transfer is released.
 * @throws {Error} where the input is not a transfer whose credit was rejected.
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
    const transfer = readInput(RejectedTransfer, input);
    const { transferId, from, correlationId, actor } = transfer;
    const { reason } = transfer.credit;
    const result = await store.execute({
      command: { type: 'release', accountId: from, transferId, reason },
      actor,
      correlationId,
    });
    const context = { ...logContext(transfer), reason };
    if (result.outcome !== 'accepted') {
      telemetry.logger.warn('the release is not decided', { ...context, ...outcomeOf(result) });
      throw new UndecidedStep('release', transferId, result);
    }
    telemetry.logger.info('released', { ...context, version: result.version });
  };
