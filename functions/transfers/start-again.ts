import type { Timestamp } from '../../events/values.ts';
import type { LogFields } from '../runtime/log/log-fields.ts';
import type { Telemetry } from '../runtime/telemetry.ts';
import { attemptFor, isLate } from './attempts.ts';
import { logContext, type TransferInput, type TransferWorkflow } from './workflow.ts';

/** The most transfers that one call starts again: they write to accounts that are late already. */
const MOST_STARTED = 1_000;

/** What starting transfers again takes. */
export interface StarterDependencies {
  readonly workflow: TransferWorkflow;
  readonly telemetry: Telemetry;
  /** The time, in milliseconds since 1970. */
  readonly clock: () => number;
  /**
   * How long a call begins work, in milliseconds: some seconds less than the function's timeout.
   */
  readonly budget: number;
}

/** Starts the transfers of one call, and keeps count. */
export interface Starter {
  /** Whether a reservation that is still open should have ended, or was dated by a clock ahead. */
  isDue(reservedAt: Timestamp): boolean;
  /**
   * Starts an open transfer again, unless it is too young, in hand, or one too many. Never throws:
   * a failure is counted.
   */
  startAgain(transfer: TransferInput, reservedAt: Timestamp): Promise<void>;
  /** Notes that something failed; the rest goes on. */
  fail(message: string, error: unknown, context?: LogFields): void;
  /**
   * Does some work. Where that throws, it notes the failure, and the search counts as incomplete.
   */
  trying(message: string, work: () => Promise<void>, context?: LogFields): Promise<void>;
  /** Yields what a source has, until the time is up. */
  inTime<T>(source: AsyncIterable<T>): AsyncGenerator<T>;
  /** Whether the time is up, or the most transfers were started. */
  hasStopped(): boolean;
  /**
   * Emits what was done, and how old the oldest open transfer is, for the alarms. To be called
   * once.
   */
  finish(): {
    readonly found: number;
    readonly started: number;
    readonly failed: number;
    readonly left: number;
  };
}

/** Begins a call: its time runs from now on. */
export const createStarter = ({
  workflow,
  telemetry,
  clock,
  budget,
}: StarterDependencies): Starter => {
  const { logger, count, measure } = telemetry;
  const now = clock();
  /**
   * Age of the oldest transfer that was found open, in milliseconds. A transfer dated ahead of now
   * has no age.
   */
  let oldest = 0;
  let sawEverything = true;
  let [found, started, starting, failed, left, ahead] = [0, 0, 0, 0, 0, 0];
  const timeIsUp = () => clock() >= now + budget;
  const isFull = () => started + starting >= MOST_STARTED;

  const fail: Starter['fail'] = (message, error, context) => {
    failed += 1;
    logger.error(message, { ...context, error });
  };

  const isInHand = async (names: readonly string[]): Promise<boolean> => {
    for (const name of names) if (await workflow.isRunning(name)) return true;
    return false;
  };

  return {
    isDue: (reservedAt) => isLate(reservedAt, now),
    startAgain: async (transfer, reservedAt) => {
      const attempt = attemptFor(transfer, reservedAt, now);
      if (!attempt) return;
      found += 1;
      if (attempt.isAhead) ahead += 1;
      oldest = Math.max(oldest, now - Date.parse(reservedAt));
      if (isFull()) {
        left += 1;
        return;
      }
      const { name, earlier } = attempt;
      starting += 1;
      try {
        if (await isInHand(earlier)) return;
        if ((await workflow.start(name, transfer)) === 'already_exists') return;
        started += 1;
        logger.warn('an open transfer is started again', {
          ...logContext(transfer),
          name,
          reservedAt,
        });
      } catch (error) {
        fail('an open transfer could not be started again', error, {
          ...logContext(transfer),
          name,
        });
      } finally {
        starting -= 1;
      }
    },
    fail,
    trying: async (message, work, context) => {
      try {
        await work();
      } catch (error) {
        sawEverything = false;
        fail(message, error, context);
      }
    },
    inTime: async function* (source) {
      for await (const item of source) {
        if (timeIsUp()) {
          sawEverything = false;
          return;
        }
        yield item;
      }
    },
    hasStopped: () => isFull() || timeIsUp(),
    finish: () => {
      if (left > 0 || timeIsUp()) {
        logger.warn('not all open transfers were seen to: the next call goes on', {
          found,
          started,
          left,
        });
      }
      // It reports 0 too: where there is no value, no search has looked.
      if (sawEverything || oldest > 0) measure('OldestOpenTransferAge', oldest);
      count('TransfersRecovered', started);
      count('TransferRecoveryFailures', failed);
      count('TransfersLeftForLater', left);
      count('CommitsAheadOfTime', ahead);
      return { found, started, failed, left };
    },
  };
};
