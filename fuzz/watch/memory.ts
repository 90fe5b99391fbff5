import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What a process uses, in bytes. */
export interface MemoryUse {
  /** Of this thread: what is still referred to. */
  readonly heap: number;
  /** Of the process with all its threads. */
  readonly resident: number;
}

/** Measures this process, after it has thrown away what nobody refers to. */
export const measureMemory = async (): Promise<MemoryUse> => {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') throw new Error('this Node.js cannot collect garbage');
  // Twice: what has a finalizer goes in the second round.
  for (let round = 0; round < 2; round += 1) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { heap: process.memoryUsage().heapUsed, resident: process.memoryUsage.rss() };
};
