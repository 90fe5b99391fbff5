import { hash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Metafile, type Plugin, version } from 'esbuild';
import { docsPage } from './docs-page.ts';
import { earlierBundle, findEarlierBundle } from './earlier-bundle.ts';

const repository = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * Where the bundles go: `<directory>/<function's name>/index.mjs`, with its source map beside it,
 * and beside that of `docs` its page.
 */
export const bundleDirectory = join(repository, 'build', 'functions');

/**
 * Modules that the SDK imports only when it needs them, which in a function it never does. Without
 * them a bundle is a third smaller, and takes a third less time to load.
 */
const neverLoaded = [
  '@aws-sdk/credential-provider-sso',
  // Neither DynamoDB nor Step Functions has an operation that answers with a stream of events.
  '@smithy/core/event-streams',
];

/**
 * The places where the SDK looks for credentials after the environment, in its order. On demand it
 * never does: Lambda puts the role's credentials in the environment. On managed instances an
 * environment lives for days, longer than a role's credentials, and AWS does not document where it
 * finds the next ones. It may be the endpoint of a container, which the last two ask: the SDK comes
 * to that only past all the others, and a missing one ends the search.
 */
const otherCredentials = [
  '@aws-sdk/credential-provider-ini',
  '@aws-sdk/credential-provider-process',
  '@aws-sdk/credential-provider-web-identity',
  '@aws-sdk/credential-provider-http',
  '@smithy/credential-provider-imds',
];

/**
 * Takes Node.js's own modules as `require` does. An import reads every export they have, for its
 * bindings, and some exports load a whole subsystem when they are read: `WebSocket` of `node:http`
 * alone takes as long as half of a bundle.
 */
const builtinModules: Plugin = {
  name: 'builtin-modules',
  setup: ({ onResolve, onLoad }) => {
    const namespace = 'builtin-module';
    onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace }));
    onLoad({ filter: /^node:/, namespace }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
    }));
  },
};

/** What decides how a bundle is made, and is in none. */
const settings = [
  'infra/bundle.ts',
  'infra/earlier-bundle.ts',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
];

/**
 * Bundles every function in one go: one call of esbuild takes a tenth of the time of one call per
 * function. What was bundled into the same place before, and would come out the same, is left as it is.
 *
 * The AWS SDK is bundled too: the version that was tested runs, and a bundle starts faster than the
 * runtime's copy.
 * @param entries each function's name and its entry file, relative to the repository.
 * @param outdir where the bundles go.
 * @param livesLong whether the functions' environments outlive the credentials that they start
 *   with.
 * @returns which files are in each bundle, with how many bytes.
 * @throws when an entry file does not exist, naming it, or does not compile.
 */
export const bundle = async (
  entries: Readonly<Record<string, string>>,
  outdir = bundleDirectory,
  livesLong = false,
): Promise<Metafile> => {
  const missing = Object.entries(entries).filter(([, file]) => !existsSync(join(repository, file)));
  if (missing.length > 0) {
    const list = missing.map(([name, file]) => `  ${name}: ${file}`).join('\n');
    throw new Error(`These functions have no entry file:\n${list}`);
  }
  // The only one that is deployed with more than its code.
  if ('docs' in entries)
    writeWhole(join(outdir, 'docs', 'page.json'), Buffer.from(JSON.stringify(docsPage())));
  const asked = JSON.stringify([entries, livesLong, version]);
  const earlier = join(outdir, `${hash('sha256', asked).slice(0, 16)}.json`);
  const there = findEarlierBundle(repository, earlier);
  if (there) return there;
  const begunAt = Date.now();
  const made = await build({
    absWorkingDir: repository,
    entryPoints: Object.fromEntries(
      Object.entries(entries).map(([name, file]) => [`${name}/index`, file]),
    ),
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    // The packages' ES modules come before their CommonJS: only they can be tree-shaken, to a third
    // less.
    mainFields: ['module', 'main'],
    external: livesLong ? neverLoaded : [...neverLoaded, ...otherCredentials],
    plugins: [builtinModules],
    minify: true,
    // With --enable-source-maps a stack trace needs the positions alone; the sources are in the
    // repository.
    sourcemap: 'linked',
    sourcesContent: false,
    // esbuild throws an error with the file and the line; it need not print it too.
    logLevel: 'silent',
    metafile: true,
    write: false,
  });
  for (const { path, contents } of made.outputFiles) writeWhole(path, contents);
  const told = earlierBundle(repository, made, settings, begunAt);
  if (told !== undefined) writeWhole(earlier, Buffer.from(told));
  return made.metafile;
};

/**
 * Writes a file unless it says that already, and then at once: another process may be reading it,
 * which bundles the same or runs it.
 */
const writeWhole = (path: string, contents: Uint8Array): void => {
  if (existsSync(path) && readFileSync(path).equals(contents)) return;
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, contents);
  renameSync(draft, path);
};
