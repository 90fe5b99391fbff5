import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Waits, until the time is up or it is interrupted.
 * @param milliseconds 0 or less: not at all.
 */
export const pause = async (milliseconds: number, interruption: AbortSignal): Promise<void> => {
  if (milliseconds <= 0 || interruption.aborted) return;
  try {
    await sleep(milliseconds, undefined, { signal: interruption });
  } catch (error) {
    if (!interruption.aborted) throw error;
  }
};
