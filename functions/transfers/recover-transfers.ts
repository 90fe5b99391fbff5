import * as z from 'zod/mini';
import { type AccountId, Timestamp } from '../../events/values.ts';
import { inParallel } from '../runtime/in-parallel.ts';
import { readInput } from '../runtime/read-input.ts';
import type { Telemetry } from '../runtime/telemetry.ts';
import type { Views } from '../views/views.ts';
import { openReservations, type Streams } from './reservations.ts';
import { logContext, TransferInput, type TransferWorkflow } from './workflow.ts';

/** A reservation older than this should long have ended. In milliseconds. */
const MINUTE = 60_000;

/** How many transfers, or accounts, are seen to at once. */
const AT_ONCE = 10;

/**
 * The schedule's event, whose fields do not matter, or an operator's: `{"from":"streams"}` finds open reservations in
 * the streams themselves, should the views be in doubt.
 */
const Input = z.object({ from: z.optional(z.enum(['views', 'streams'])) });

/** What one search found. */
export interface Recovery {
  /** Transfers that were reserved more than a minute ago and have not ended. */
  readonly found: number;
  /** Those started again; the others were so already, in the same minute. */
  readonly started: number;
}

/** What searching and starting take. */
export interface RecoveryDependencies {
  readonly views: Pick<Views, 'openTransfers'>;
  readonly store: Streams;
  /** The accounts whose streams may hold open reservations. */
  readonly accounts: () => AsyncIterable<AccountId>;
  readonly workflow: TransferWorkflow;
  readonly telemetry: Telemetry;
  /** The time, in milliseconds since 1970. */
  readonly clock: () => number;
}

/**
 * Starts again every transfer that was reserved more than a minute ago and has not ended: its execution failed for
 * good, or was never started. Every step is repeatable, so it does no harm where the first execution is still at work.
 * The execution is named by the transfer and the minute, because Step Functions does not take the first one's name
 * again; so searches of the same minute start it once.
 * @returns how many there were.
 * @throws {Error} where something failed, once all else was done: the invocation fails, and the next minute's goes on.
 */
export const createHandler =
  ({ views, store, accounts, workflow, telemetry, clock }: RecoveryDependencies) =>
  async (event: unknown): Promise<Recovery> => {
    const { from = 'views' } = readInput(Input, event);
    const now = clock();
    const olderThan = Timestamp.parse(new Date(now - MINUTE).toISOString());
    const minute = Math.floor(now / MINUTE).toString(36);
    let [found, started, failed] = [0, 0, 0];

    const startAgain = async (input: TransferInput): Promise<void> => {
      found += 1;
      try {
        const outcome = await workflow.start(`${input.transferId}.r${minute}`, input);
        if (outcome === 'started') started += 1;
        telemetry.logger.warn('an open transfer is started again', { ...logContext(input), outcome });
      } catch (error) {
        failed += 1;
        telemetry.logger.error('an open transfer could not be started again', { ...logContext(input), error });
      }
    };

    if (from === 'views') {
      // Only what the first execution was started with: the rest of the view is not the workflow's.
      await inParallel(views.openTransfers(olderThan), AT_ONCE, (transfer) =>
        startAgain(TransferInput.parse(transfer)),
      );
    } else {
      await inParallel(accounts(), AT_ONCE, async (accountId) => {
        try {
          for await (const input of openReservations(store, accountId, olderThan)) await startAgain(input);
        } catch (error) {
          failed += 1;
          telemetry.logger.error('the reservations of an account could not be read', { accountId, error });
        }
      });
    }

    telemetry.count('TransfersRecovered', started);
    telemetry.count('TransferRecoveryFailures', failed);
    if (failed > 0)
      throw new Error(`${failed} failures on the way to ${found} open transfers; ${started} are started again`);
    return { found, started };
  };
