import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, parse } from 'node:path';
import * as z from 'zod/mini';

/** What is left of a run: the inputs of the calls that have to be made yet, and what was counted. */
const State = z.object({
  /** What was asked for: a run of something else does not go on from here. */
  command: z.string(),
  /** Each phase's calls begin when those of the phase before have ended. */
  phases: z.array(z.array(z.record(z.string(), z.unknown()))),
  tally: z.record(z.string(), z.int()),
  /** When the run began, and when this was kept. */
  begunAt: z.iso.datetime(),
  keptAt: z.iso.datetime(),
});
export type State = z.infer<typeof State>;

/** Where the state of a run is kept. */
export interface StateFile {
  /** @returns `undefined` where no run has left any, or one of another command. */
  read(command: string): Promise<State | undefined>;
  write(state: State): Promise<void>;
  remove(command: string): Promise<void>;
}

/**
 * Keeps states in files beside each other, one for each command: runs of several may be under way.
 * Another run finds a file whole or not at all.
 * @param path `NAME.json`: a file is `NAME-<hash of the command>.json`.
 */
export const stateFile = (path: string): StateFile => {
  const fileOf = (command: string): string => {
    const { dir, name, ext } = parse(path);
    const hash = createHash('sha256').update(command).digest('hex').slice(0, 12);
    return join(dir, `${name}-${hash}${ext}`);
  };
  return {
    read: async (command) => {
      const text = await readFile(fileOf(command), 'utf8').catch(() => undefined);
      if (text === undefined) return undefined;
      const { data } = State.safeParse(parseJson(text));
      return data?.command === command ? data : undefined;
    },
    write: async (state) => {
      const file = fileOf(state.command);
      const whole = `${file}.${randomUUID()}.new`;
      await mkdir(dirname(file), { recursive: true });
      await writeFile(whole, JSON.stringify(state));
      await rename(whole, file);
    },
    remove: (command) => rm(fileOf(command), { force: true }),
  };
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
