import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as z from 'zod/mini';

/** What is left of a run: the inputs of the calls that have to be made yet, and what was counted. */
const State = z.object({
  /** What was asked for: a run of something else does not go on from here. */
  command: z.string(),
  /** Each phase's calls begin when those of the phase before have ended. */
  phases: z.array(z.array(z.record(z.string(), z.unknown()))),
  tally: z.record(z.string(), z.int()),
});
export type State = z.infer<typeof State>;

/** Where the state of a run is kept. */
export interface StateFile {
  /** @returns `undefined` where no run has left any, or one of another command. */
  read(command: string): Promise<State | undefined>;
  write(state: State): Promise<void>;
  remove(): Promise<void>;
}

/** Keeps the state in a file, which another run finds whole or not at all. */
export const stateFile = (path: string): StateFile => ({
  read: async (command) => {
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text === undefined) return undefined;
    const { data } = State.safeParse(parseJson(text));
    return data?.command === command ? data : undefined;
  },
  write: async (state) => {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(`${path}.new`, JSON.stringify(state));
    await rename(`${path}.new`, path);
  },
  remove: () => rm(path, { force: true }),
});

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
