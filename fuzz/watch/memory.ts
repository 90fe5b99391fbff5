import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { LocalCloud } from '../../local-cloud/cloud.ts';

/** What a process uses. Memory in bytes. */
export interface MemoryUse {
  /** Of this thread: what is still referred to. */
  readonly heap: number;
  /** Of the process with all its threads. */
  readonly resident: number;
  /** How many environments of functions it has, each with a heap of its own. */
  readonly environments: number;
}

/** Measures this process, after it has thrown away what nobody refers to. */
export const measureMemory = async (environments: number): Promise<MemoryUse> => {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') throw new Error('this Node.js cannot collect garbage');
  // Twice: what has a finalizer goes in the second round.
  for (let round = 0; round < 2; round += 1) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return {
    heap: process.memoryUsage().heapUsed,
    resident: process.memoryUsage.rss(),
    environments,
  };
};

/** How many environments a local cloud has now. */
export const environmentsOf = ({ functions }: Pick<LocalCloud, 'functions'>): number =>
  [...functions.values()].reduce((sum, one) => sum + one.workers(), 0);
