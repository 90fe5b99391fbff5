import { setTimeout } from 'node:timers/promises';
import type { CommandLine } from './command-line.ts';
import type { Invoke, Rebuilt } from './invoke.ts';
import type { State, StateFile } from './state.ts';

/** What a run found, over all of its calls. */
export interface Outcome {
  readonly tally: Readonly<Record<string, number>>;
  readonly examples: readonly string[];
}

/** How far a run is. */
export interface Watch {
  /**
   * @param parts all there are.
   * @param ended those that had ended before.
   * @param begunAt when the run began that this one goes on with, if it does.
   */
  begin(parts: number, ended: number, begunAt: string | undefined): void;
  partEnded(): void;
  counted(tally: Readonly<Record<string, number>>): void;
}

/** How often a call that failed is made in all, and how long the run waits between, in milliseconds. */
const ATTEMPTS = 5;
const BETWEEN_ATTEMPTS_MS = 2_000;

/**
 * How old the state of a run may be for another to go on with it, in milliseconds. What was looked
 * at longer ago may have changed since: rows were lost, code was deployed, and on one machine there
 * may be another ledger.
 */
const STATE_OF_USE_MS = 60 * 60_000;

/** How many examples a run shows. */
const MOST_EXAMPLES = 50;

const COUNTED = [
  'commits',
  'rows',
  'missing',
  'different',
  'extra',
  'unreadable',
  'unknown',
] as const;

/**
 * Makes views again, or compares them: calls the function for every part, goes on where a call
 * stopped, and keeps how far it is after each call.
 * @throws the error of a call that failed again and again. The same run goes on from there.
 */
export const run = async (
  { target, accounts, diff, segments, anew }: CommandLine,
  invoke: Invoke,
  file: StateFile,
  watch: Watch,
  {
    sleep = setTimeout,
    clock = Date.now,
  }: {
    readonly sleep?: (milliseconds: number) => Promise<unknown>;
    readonly clock?: () => number;
  } = {},
): Promise<Outcome> => {
  const command = JSON.stringify({ target, accounts, diff, segments });
  const fresh = phasesOf(accounts, diff, segments);
  const kept = anew ? undefined : await file.read(command);
  const isOfUse = kept && clock() - Date.parse(kept.keptAt) < STATE_OF_USE_MS;
  const left = isOfUse ? kept : undefined;
  const now = () => new Date(clock()).toISOString();
  const begunAt = left?.begunAt ?? now();
  const phases = left?.phases.map((calls) => [...calls]) ?? fresh;
  const tally: Record<string, number> = { ...left?.tally };
  const examples: string[] = [];
  const total = fresh.flat().length;
  watch.begin(total, total - phases.flat().length, left?.begunAt);

  const note = async (rebuilt: Rebuilt): Promise<void> => {
    for (const name of COUNTED) tally[name] = (tally[name] ?? 0) + rebuilt[name];
    examples.push(...rebuilt.examples.slice(0, MOST_EXAMPLES - examples.length));
    watch.counted(tally);
  };
  // One write after the other: each is of the whole state.
  let written: Promise<void> = Promise.resolve();
  const keep = (): Promise<void> => {
    const state: State = {
      command,
      phases: phases.map((calls) => [...calls]),
      tally: { ...tally },
      begunAt,
      keptAt: now(),
    };
    written = written.then(() => file.write(state));
    return written;
  };

  for (const calls of phases) {
    const work = [...calls].map(async (first) => {
      let input: Record<string, unknown> | undefined = first;
      while (input) {
        const rebuilt: Rebuilt = await patiently(invoke, input, sleep);
        const place: number = calls.indexOf(input);
        input = rebuilt.next;
        calls.splice(place, 1, ...(input ? [input] : []));
        await note(rebuilt);
        await keep();
      }
      watch.partEnded();
    });
    const failed = (await Promise.allSettled(work)).find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  }
  await file.remove(command);
  return { tally, examples };
};

/** The first call of each part. The streams are read when no row has to be removed any more. */
const phasesOf = (
  accounts: readonly string[] | undefined,
  diff: boolean,
  segments: number,
): Record<string, unknown>[][] => {
  const common = diff ? { diff } : {};
  if (accounts) return [[{ accounts, ...common }]];
  return ['rows', 'streams'].map((phase) =>
    Array.from({ length: segments }, (_, segment) => ({ phase, segment, segments, ...common })),
  );
};

/** A call does no harm when it is made again. */
const patiently = async (
  invoke: Invoke,
  input: object,
  sleep: (milliseconds: number) => Promise<unknown>,
): Promise<Rebuilt> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await invoke(input);
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
      await sleep(BETWEEN_ATTEMPTS_MS);
    }
  }
};
