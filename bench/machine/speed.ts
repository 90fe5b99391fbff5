import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';

/** How fast the machine was at one moment. */
export interface MachineSpeed {
  /** What was measured next. */
  readonly before: string;
  /** Rounds of the fixed work that as many threads as there are processors did in a second. */
  readonly roundsPerSecond: number;
}

/** The machine's speeds during a scenario. */
export interface SpeedLog {
  /** Measures it now, for about a second in which nothing else should run. */
  take(before: string): Promise<void>;
  /** What was measured so far, in order of time. */
  readonly taken: readonly MachineSpeed[];
}

export const createSpeedLog = (): SpeedLog => {
  const taken: MachineSpeed[] = [];
  return {
    take: async (before) => {
      taken.push({ before, roundsPerSecond: await roundsPerSecond() });
    },
    taken,
  };
};

/**
 * Has as many threads as there are processors do the same small work for a second: make an object,
 * write and read it as JSON, hash it. A shared machine is faster in one minute than in another;
 * this makes figures of different minutes comparable.
 */
const roundsPerSecond = async (): Promise<number> => {
  const counts = await Promise.all(
    Array.from({ length: availableParallelism() }, async () => {
      const worker = new Worker(new URL('./speed-worker.ts', import.meta.url), {
        workerData: { warmUpMs: WARM_UP_MS, countedMs: COUNTED_MS },
      });
      const [rounds] = await once(worker, 'message');
      return Number(rounds);
    }),
  );
  return counts.reduce((sum, rounds) => sum + rounds, 0);
};

/** How long the code needs to be compiled. */
const WARM_UP_MS = 200;
const COUNTED_MS = 800;
