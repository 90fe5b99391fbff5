import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import * as z from 'zod/mini';

/** Remembers how far the readers of streams are. */
export interface Checkpoints {
  load(key: string): string | undefined;
  save(key: string, value: string): void;
  /** Writes the values that are not on disk yet. */
  flush(): void;
}

/**
 * How long a checkpoint may wait to be written: after a crash the records since then come once
 * more, as on AWS.
 */
const WRITE_EVERY_MS = 100;

/**
 * Checkpoints in a file, or in memory.
 *
 * @param file absent: they are gone when the process ends.
 * @throws if the file is there and is not one of ours.
 */
export const openCheckpoints = (file: string | undefined): Checkpoints => {
  const values = new Map(file === undefined ? [] : Object.entries(read(file)));
  let timer: NodeJS.Timeout | undefined;

  const flush = (): void => {
    if (file === undefined || timer === undefined) return;
    clearTimeout(timer);
    timer = undefined;
    mkdirSync(dirname(file), { recursive: true });
    // The new file is renamed into place: a crash in between leaves the old one whole.
    writeFileSync(`${file}.new`, JSON.stringify(Object.fromEntries(values)));
    renameSync(`${file}.new`, file);
  };

  return {
    load: (key) => values.get(key),
    save: (key, value) => {
      values.set(key, value);
      timer ??= setTimeout(flush, WRITE_EVERY_MS).unref();
    },
    flush,
  };
};

const read = (file: string): Record<string, string> => {
  try {
    return z.record(z.string(), z.string()).parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
    throw new Error(`${file} does not hold stream positions`, { cause: error });
  }
};
