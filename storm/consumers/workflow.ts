import { setTimeout as sleep } from 'node:timers/promises';
import { isStoreUnavailable } from '../../functions/runtime/unavailable.ts';
import { createHandler as createCredit } from '../../functions/transfers/credit-transfer.ts';
import { createHandler as createRelease } from '../../functions/transfers/release-transfer.ts';
import { createHandler as createSettle } from '../../functions/transfers/settle-transfer.ts';
import type { TransferInput, TransferWorkflow } from '../../functions/transfers/workflow.ts';
import type { Random } from '../../testing/random.ts';
import type { Environment } from '../environments.ts';
import { quietTelemetry } from '../quiet-telemetry.ts';
import type { Report } from '../violation.ts';

/** The workflow's executions, in this process. */
export interface Executions extends TransferWorkflow {
  /** From now on no execution is lost. */
  spare(): void;
  /** Waits until none is running. */
  rest(): Promise<void>;
}

/**
 * How likely it is that an execution fails for good before it is done, or a start does not come
 * through.
 */
const LOST = 0.15;
const NOT_STARTED = 0.1;
const ATTEMPTS = 40;

/**
 * Runs the steps of transfers as the state machine does: each in any environment, again while it is
 * undecided.
 * @param environments where a step may run.
 */
export const createExecutions = (
  environments: readonly Environment[],
  random: Random,
  report: Report,
): Executions => {
  const running = new Map<string, Promise<void>>();
  const names = new Set<string>();
  let losesSome = true;
  const telemetry = quietTelemetry(report);

  const again = async <T>(step: () => Promise<T>): Promise<T> => {
    for (let attempt = 0; ; attempt += 1) {
      if (losesSome && random.chance(LOST / 2)) throw new Lost();
      try {
        return await step();
      } catch (error) {
        if (attempt >= ATTEMPTS) throw new Lost();
        if (!isUndecided(error)) throw error;
        await sleep(random.between(20, 200));
      }
    }
  };

  const run = async (input: TransferInput): Promise<void> => {
    const dependencies = () => ({ store: random.oneOf(environments).store, telemetry });
    try {
      const credit = await again(() => createCredit(dependencies())(input));
      await again(() =>
        credit.outcome === 'credited'
          ? createSettle(dependencies())({ ...input, credit })
          : createRelease(dependencies())({ ...input, credit }),
      );
    } catch (error) {
      if (error instanceof Lost) return;
      report('a transfer’s steps end, or are undecided', { transfer: input, error: String(error) });
    }
  };

  return {
    start: async (name, input) => {
      if (losesSome && random.chance(NOT_STARTED)) throw new Error('Step Functions is not there');
      if (names.has(name)) return 'already_exists';
      names.add(name);
      running.set(
        name,
        run(input).then(() => {
          running.delete(name);
        }),
      );
      return 'started';
    },
    isRunning: async (name) => running.has(name),
    spare: () => {
      losesSome = false;
    },
    rest: async () => {
      while (running.size > 0) await Promise.all(running.values());
    },
  };
};

class Lost extends Error {}

const isUndecided = (error: unknown): boolean =>
  isStoreUnavailable(error) || (error instanceof Error && error.name === 'UndecidedStep');
