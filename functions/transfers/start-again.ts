import type { Timestamp } from '../../events/values.ts';
import type { Telemetry } from '../runtime/telemetry.ts';
import { attemptFor, isLate } from './attempts.ts';
import { logContext, type TransferInput, type TransferWorkflow } from './workflow.ts';

/**
 * How many transfers one call starts again at the most: they write to accounts that are late
 * already.
 */
const MOST_STARTED = 1_000;

/** What starting transfers again takes. */
export interface StarterDependencies {
  readonly workflow: TransferWorkflow;
  readonly telemetry: Telemetry;
  /** The time, in milliseconds since 1970. */
  readonly clock: () => number;
  /**
   * How long a call goes on beginning things, in milliseconds: some seconds less than the
   * function's timeout.
   */
  readonly budget: number;
}

/** Starts the transfers of one call, and keeps count. */
export interface Starter {
  /**
   * Whether a reservation that is still open should have ended, or is of a clock that was ahead.
   */
  isDue(reservedAt: Timestamp): boolean;
  /**
   * Starts an open transfer again, unless it is too young, in hand, or one too many. Never throws:
   * a failure is counted.
   */
  startAgain(transfer: TransferInput, reservedAt: Timestamp): Promise<void>;
  /** Notes that something failed, which keeps nothing else from being done. */
  fail(message: string, error: unknown, context?: object): void;
  /**
   * Does some work; where it throws, that is noted, and the search counts as one that has not seen
   * everything.
   */
  trying(message: string, work: () => Promise<void>, context?: object): Promise<void>;
  /** What a source has, until the time is up. */
  inTime<T>(source: AsyncIterable<T>): AsyncGenerator<T>;
  /** Whether the time is up, or as many were started as may be. */
  hasStopped(): boolean;
  /** Tells the alarms what was done, and how old the oldest open transfer is. To be called once. */
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
   * Age of the oldest transfer that was found open, in milliseconds. One of a clock that was ahead
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
      // That there is none is said too: where nothing is said, nobody has looked.
      if (sawEverything || oldest > 0) measure('OldestOpenTransferAge', oldest);
      count('TransfersRecovered', started);
      count('TransferRecoveryFailures', failed);
      count('TransfersLeftForLater', left);
      count('CommitsAheadOfTime', ahead);
      return { found, started, failed, left };
    },
  };
};
