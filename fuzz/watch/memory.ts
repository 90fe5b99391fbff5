import type { LocalCloud } from '../../local-cloud/cloud.ts';
import { collectGarbage } from '../../local-cloud/lambda/collect-garbage.ts';

/** What a process uses, once garbage is collected. In bytes. */
export interface MemoryUse {
  /** Of this thread. */
  readonly heap: number;
  /** Of every environment of a function, each a thread with a heap of its own. */
  readonly environments: readonly number[];
  /**
   * Of the process with all its threads: with it what they have taken and do not use, which is more
   * the more they did at once.
   */
  readonly resident: number;
}

/** Measures this process. */
export const measureMemory = async (
  environments: () => Promise<readonly number[]>,
): Promise<MemoryUse> => ({
  environments: await environments(),
  heap: await collectGarbage(),
  resident: process.memoryUsage.rss(),
});

/** What the environments of a local cloud use. */
export const heapsOf = async ({
  functions,
}: Pick<LocalCloud, 'functions'>): Promise<readonly number[]> =>
  (await Promise.all([...functions.values()].map((one) => one.heaps()))).flat();
