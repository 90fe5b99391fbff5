import { isHeld, type RejectionCode, reservationOf } from '../ledger/account.ts';
import { readInput } from '../runtime/read-input.ts';
import type { Telemetry } from '../runtime/telemetry.ts';
import type { Store } from '../store/store.ts';
import type { FoundRecord } from '../store/writing/write.ts';
import { creditKey, creditRequest } from './steps/step-requests.ts';
import { outcomeOf, UndecidedStep } from './steps/undecided-step.ts';
import { logContext, TransferInput } from './workflow.ts';

/** What became of a credit, as the workflow's choice reads it. */
export type CreditOutcome =
  | { readonly outcome: 'credited' }
  | { readonly outcome: 'rejected'; readonly reason: RejectionCode | 'transfer_id_reused' };

/**
 * The workflow's first step: pays the transfer in at its destination. The outcome is recorded there
 * under the transfer's id, so however often the step runs, the money arrives once, and a rejection
 * stays one.
 *
 * It does not trust its input that there is money: the source's stream must hold the reservation,
 * still open, to the same account and of the same amount. Where it does not, the transfer may have
 * ended, and then the record of its credit tells how.
 * @throws {UndecidedStep} where it is not known what became of the credit.
 * @throws {ReservationMissing} where there is neither a reservation nor a record of the credit.
 * @throws {Error} where the input is no transfer's.
 */
export const createHandler =
  ({ store, telemetry }: CreditDependencies) =>
  async (input: unknown): Promise<CreditOutcome> => {
    const transfer = readInput(TransferInput, input);
    const context = logContext(transfer);
    const { account } = await store.load(transfer.from);
    const reservation = reservationOf(account, transfer.transferId);
    const isReserved =
      reservation?.to === transfer.to &&
      reservation.amount === transfer.amount &&
      !isHeld(reservation);
    if (!isReserved) {
      const record = await store.recordOf(creditKey(transfer));
      if (record?.outcome === 'pending') {
        telemetry.logger.warn('the credit is pending and its reservation is gone', context);
        throw new UndecidedStep('credit', transfer.transferId, { outcome: 'in_progress' });
      }
      // Only a decided record keeps the command below from being decided anew.
      if (record?.outcome !== 'accepted' && record?.outcome !== 'rejected') {
        telemetry.logger.error('there is no reservation for a credit, which is not made', context);
        telemetry.count('CreditsWithoutReservation', 1);
        throw new ReservationMissing(transfer.transferId, transfer.from);
      }
    }
    const result = await store.execute(creditRequest(transfer));
    switch (result.outcome) {
      case 'accepted':
        telemetry.logger.info('credited', { ...context, replayed: result.replayed });
        return { outcome: 'credited' };
      case 'rejected':
        return rejected(telemetry, context, result.rejection.code);
      case 'key_reused': {
        const holder = holderOf(await store.recordOf(creditKey(transfer)), transfer);
        if (holder === 'this transfer') {
          telemetry.logger.error(
            'credited by a request that reads otherwise than this one',
            context,
          );
          return { outcome: 'credited' };
        }
        if (holder === 'another') return rejected(telemetry, context, 'transfer_id_reused');
        break;
      }
    }
    telemetry.logger.warn('the credit is not decided', { ...context, ...outcomeOf(result) });
    throw new UndecidedStep('credit', transfer.transferId, result);
  };

/**
 * A transfer to credit has no reservation, and no record of its credit either: crediting would make
 * money. Only a mistake can lead here, and every further try will find the same.
 */
class ReservationMissing extends Error {
  override readonly name = 'ReservationMissing';
  readonly code = 'reservation_missing';

  constructor(transferId: string, from: string) {
    super(
      `transfer ${transferId} is not credited: ${from} has no such reservation, and no credit of it is recorded`,
    );
  }
}

/** What crediting takes. */
export interface CreditDependencies {
  readonly store: Pick<Store, 'load' | 'execute' | 'recordOf'>;
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
 * Says whose request holds a transfer's key, where it is not the one that was sent. A decided
 * record stays for ever.
 *
 * Usually it is the credit of another source whose client chose the same id, or its rejection: then
 * this transfer can never be credited, and releasing it is safe. But it could be this very
 * transfer's credit, written by a deployment that put it in other words: then the money has
 * arrived, and a release would make it twice. While a command is pending, or was given up and may
 * be sent again, nothing can be concluded.
 */
const holderOf = (
  record: FoundRecord | undefined,
  { transferId, from }: TransferInput,
): 'this transfer' | 'another' | 'nobody yet' => {
  if (record?.outcome === 'rejected') return 'another';
  if (record?.outcome !== 'accepted') return 'nobody yet';
  const { answer } = record;
  // An accepted credit without an answer does not say whose it is: a release could then make money.
  if (!answer) return 'nobody yet';
  return answer['transferId'] === transferId && answer['counterparty'] === from
    ? 'this transfer'
    : 'another';
};
