import { inParallel } from '../functions/runtime/in-parallel.ts';
import { runSeed, type SeedResult } from './seed.ts';
import { Tally } from './tally.ts';

/** The seeds to run. */
export interface Run {
  readonly endpoint: string;
  readonly first: number;
  readonly seeds: number;
  readonly seconds: number;
  readonly parallel: number;
  /** Whether to begin no further seed once one has found something. */
  readonly stop: boolean;
  /** Told of each seed as it ends. */
  readonly onEnd: (result: SeedResult) => void;
}

/** What many seeds came to. */
export interface RunResult {
  readonly seeds: number;
  readonly commands: number;
  readonly commits: number;
  readonly outcomes: Tally;
  readonly troubles: Tally;
  /** The seeds that found something. */
  readonly found: readonly SeedResult[];
}

/** Runs seeds, some at once. */
export const runSeeds = async ({
  endpoint,
  first,
  seeds,
  seconds,
  parallel,
  stop,
  onEnd,
}: Run): Promise<RunResult> => {
  const outcomes = new Tally();
  const troubles = new Tally();
  const found: SeedResult[] = [];
  let [ended, commands, commits] = [0, 0, 0];
  function* numbers(): Generator<number> {
    for (let n = 0; n < seeds; n += 1) {
      if (stop && found.length > 0) return;
      yield first + n;
    }
  }
  await inParallel(numbers(), parallel, async (seed) => {
    const result = await runSeed(endpoint, seed, seconds);
    ended += 1;
    commands += result.commands;
    commits += result.commits;
    outcomes.merge(result.outcomes);
    troubles.merge(result.troubles);
    if (result.violations.length > 0) found.push(result);
    onEnd(result);
  });
  return { seeds: ended, commands, commits, outcomes, troubles, found };
};
