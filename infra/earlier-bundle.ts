import { hash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { BuildResult, Metafile } from 'esbuild';

/** What was bundled earlier, and the digests of all files that it was made of and has made. */
interface Earlier {
  readonly metafile: Metafile;
  readonly digests: Readonly<Record<string, string>>;
}

/**
 * What was bundled earlier, where to bundle again would make the same: all files that it was made of,
 * and all that it has made, are as they were.
 * @param repository the directory that the files' paths are relative to.
 * @param file where {@link earlierBundle} had it written.
 * @returns which files are in each bundle; absent: there is no such file, or something has changed.
 */
export const findEarlierBundle = (repository: string, file: string): Metafile | undefined => {
  const earlier = readEarlier(file);
  if (!earlier) return undefined;
  const { metafile, digests } = earlier;
  const isAsItWas = ([path, digest]: [string, string]) =>
    digestOf(join(repository, path)) === digest;
  return Object.entries(digests).every(isAsItWas) ? metafile : undefined;
};

/** One that is not there tells nothing, and nor does one that is half written. */
const readEarlier = (file: string): Earlier | undefined => {
  try {
    const { metafile, digests } = JSON.parse(readFileSync(file, 'utf8'));
    return metafile && digests ? { metafile, digests } : undefined;
  } catch {
    return undefined;
  }
};

/**
 * What is to be written for {@link findEarlierBundle}.
 * @param made what esbuild has made, not what is there now: another process may have put its own there.
 * @param settings files that decide what is made and are in no bundle.
 * @param begunAt when esbuild began to read, in milliseconds since 1970.
 * @returns `undefined` where a file was changed since: nobody knows which state of it was read.
 */
export const earlierBundle = (
  repository: string,
  { metafile, outputFiles }: BuildResult<{ metafile: true; write: false }>,
  settings: readonly string[],
  begunAt: number,
): string | undefined => {
  // What a plugin makes has no file of its own: the plugin is one of the settings.
  const sources = [...settings, ...Object.keys(metafile.inputs)].filter((path) =>
    existsSync(join(repository, path)),
  );
  if (sources.some((path) => statSync(join(repository, path)).mtimeMs >= begunAt)) return undefined;
  const digests = Object.fromEntries([
    ...sources.map((path) => [path, digestOf(join(repository, path))]),
    ...outputFiles.map(({ path, contents }) => [
      relative(repository, path),
      hash('sha256', contents),
    ]),
  ]);
  const earlier: Earlier = { metafile, digests };
  return JSON.stringify(earlier);
};

const digestOf = (path: string): string | undefined =>
  existsSync(path) ? hash('sha256', readFileSync(path)) : undefined;
