import { setTimeout } from 'node:timers/promises';
import { fullJitter } from '../../../functions/runtime/patience.ts';
import { UNFINISHED } from '../../load/drive.ts';

/**
 * Repeats an attempt with full jitter, until it has a result or the time is up.
 * @param attempt one try. @returns what came of it; `undefined`: it is to be tried again.
 * @returns what came of the last try, or {@link UNFINISHED} where the signal came first.
 */
export const retryWithFullJitter = async (
  signal: AbortSignal,
  attempt: () => Promise<string | undefined>,
): Promise<string> => {
  for (let failed = 0; !signal.aborted; failed += 1) {
    const outcome = await attempt();
    if (outcome !== undefined) return outcome;
    await setTimeout(fullJitter(failed, Math.random, BASE_MS, CAP_MS));
  }
  return UNFINISHED;
};

/** Those of functions/runtime/patience.ts. */
const BASE_MS = 20;
const CAP_MS = 1_000;
