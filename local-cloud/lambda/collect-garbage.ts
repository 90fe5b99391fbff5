import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Has this thread throw away what nobody refers to.
 * @returns what it still refers to, in bytes.
 * @throws {Error} where this Node.js cannot collect garbage when it is told to.
 */
export const collectGarbage = async (): Promise<number> => {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') throw new Error('this Node.js cannot collect garbage');
  // Twice: what has a finalizer goes in the second round.
  for (let round = 0; round < 2; round += 1) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.memoryUsage().heapUsed;
};
