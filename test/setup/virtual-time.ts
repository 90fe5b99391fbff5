import { setImmediate } from 'node:timers/promises';

/**
 * Time in which things may happen at once, and which costs none of the real one: it jumps to
 * whatever is due next.
 */
export interface VirtualTime {
  /** In milliseconds since 1970. */
  readonly clock: () => number;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** Does work that waits for nothing but this time. @returns how long it took, in milliseconds. */
  readonly duration: (work: () => Promise<unknown>) => Promise<number>;
}

/** @param begin in milliseconds since 1970. */
export const createVirtualTime = (begin: number): VirtualTime => {
  let now = begin;
  const waiting: { readonly at: number; readonly resolve: () => void }[] = [];
  const sleep = (milliseconds: number) =>
    new Promise<void>((resolve) => void waiting.push({ at: now + milliseconds, resolve }));
  const jump = () => {
    waiting.sort((one, other) => one.at - other.at);
    const next = waiting.shift();
    now = Math.max(now, next?.at ?? now);
    next?.resolve();
  };
  return {
    clock: () => now,
    sleep,
    duration: async (work) => {
      const begun = now;
      let ended = false;
      const settled = work().finally(() => {
        ended = true;
      });
      settled.catch(() => {});
      while (!ended) {
        await setImmediate();
        if (!ended) jump();
      }
      await settled;
      return now - begun;
    },
  };
};
