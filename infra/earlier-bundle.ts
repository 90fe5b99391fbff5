import { hash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';

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
  if (!existsSync(file)) return undefined;
  const { metafile, digests }: Earlier = JSON.parse(readFileSync(file, 'utf8'));
  const isAsItWas = ([path, digest]: [string, string]) =>
    digestOf(join(repository, path)) === digest;
  return Object.entries(digests).every(isAsItWas) ? metafile : undefined;
};

/**
 * What is to be written for {@link findEarlierBundle}.
 * @param settings files that decide what is made and are in no bundle.
 */
export const earlierBundle = (
  repository: string,
  metafile: Metafile,
  settings: readonly string[],
): string => {
  const { inputs, outputs } = metafile;
  // What a plugin makes has no file of its own: the plugin is one of the settings.
  const sources = Object.keys(inputs).filter((path) => existsSync(join(repository, path)));
  const paths = [...settings, ...sources, ...Object.keys(outputs)];
  const digests = Object.fromEntries(
    paths.map((path) => [path, digestOf(join(repository, path)) ?? '']),
  );
  const earlier: Earlier = { metafile, digests };
  return JSON.stringify(earlier);
};

const digestOf = (path: string): string | undefined =>
  existsSync(path) ? hash('sha256', readFileSync(path)) : undefined;
