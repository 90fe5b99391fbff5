import type { Engine } from './engine.ts';
import type { ScenarioContext } from './scenario.ts';
import { withEngine } from './warm-engine.ts';

/** One of several things that are measured in turns. */
export interface Turn<Measurement> {
  readonly name: string;
  /** @param run from 0. */
  measure(engine: Engine, run: number): Promise<Measurement>;
}

/**
 * Measures each of several things as often as there are runs, on one fresh engine, each time in
 * another order (A B C, B C A, C A B), so that the machine's other work, and an engine's getting
 * faster or slower, meet all of them alike. It takes the machine's speed before each.
 * @returns the measurements of each, in the order of the turns.
 */
export const inTurns = async <Measurement>(
  { runs, progress, speeds }: Pick<ScenarioContext, 'runs' | 'progress' | 'speeds'>,
  turns: readonly Turn<Measurement>[],
): Promise<Measurement[][]> => {
  const measured: Measurement[][] = turns.map(() => []);
  progress.step('warming the engine up');
  await withEngine(async (engine) => {
    for (let run = 0; run < runs; run += 1) {
      for (let position = 0; position < turns.length; position += 1) {
        const index = (position + run) % turns.length;
        const turn = turns[index];
        if (!turn) continue;
        const what = `${turn.name}, run ${run + 1} of ${runs}`;
        progress.step(what);
        await speeds.take(what);
        measured[index]?.push(await turn.measure(engine, run));
      }
    }
  });
  return measured;
};

/** How many steps {@link inTurns} takes. */
export const stepsInTurns = (runs: number, turns: readonly unknown[]): number =>
  1 + runs * turns.length;
