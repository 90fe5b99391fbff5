import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { bundle } from '../../infra/bundle.ts';
import { entryOf, functionNames } from '../../infra/constructs/catalogue.ts';
import { amount, time } from '../report/numbers.ts';
import type { Findings, Scenario } from '../scenario.ts';
import { median } from '../statistics.ts';

/**
 * The code that Lambda has to load before a function can answer: its size, and how long loading
 * takes here.
 */
export const coldStart: Scenario = {
  name: 'cold-start',
  summary: "each bundle's size and import time against a bare document-client handler",
  run: async ({ runs, progress }): Promise<Findings> => {
    const rounds = ROUNDS_PER_RUN * runs;
    progress.start('cold-start', rounds + 1);
    progress.step('bundling');
    const repository = join(import.meta.dirname, '../..');
    const directory = join(repository, 'build/bench/functions');
    const entries = Object.fromEntries(functionNames.map((name) => [name, entryOf(name)]));
    await bundle({ ...entries, [BARE_AS_OURS]: relative(repository, bareHandler) }, directory);
    await bundlePlainly(bareHandler, join(directory, BARE, 'index.mjs'));
    const bundles = [BARE, BARE_AS_OURS, ...functionNames].map((name) => ({
      name,
      file: join(directory, name, 'index.mjs'),
    }));

    const times = new Map<string, number[]>(bundles.map(({ name }) => [name, []]));
    for (let round = 0; round < rounds; round += 1) {
      progress.step(`round ${round + 1} of ${rounds}`);
      for (let n = 0; n < bundles.length; n += 1) {
        const of = bundles[(n + round) % bundles.length];
        if (of) times.get(of.name)?.push(await importTime(of.file));
      }
    }
    const bare = median(times.get(BARE) ?? []);
    const rows = await Promise.all(
      bundles.map(async ({ name, file }): Promise<Row> => {
        const milliseconds = median(times.get(name) ?? []);
        return { name, bytes: (await stat(file)).size, milliseconds, ratio: milliseconds / bare };
      }),
    );
    return { ...report(rows), figures: rows };
  },
};

/**
 * Every bundle is imported so often per run: a process of its own each time, in turns with all the
 * others.
 */
const ROUNDS_PER_RUN = 4;

const BARE = 'bare document client';
const BARE_AS_OURS = 'bare document client, bundled as ours';
const bareHandler = fileURLToPath(import.meta.resolve('../contestants/bare-handler.ts'));

/**
 * Bundles a handler by the usual advice: an ES module, minified, of the packages' own ES modules,
 * without what infra/bundle.ts does beyond that.
 */
const bundlePlainly = (entry: string, outfile: string) =>
  build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    mainFields: ['module', 'main'],
    minify: true,
    sourcemap: 'linked',
    sourcesContent: false,
    // The remaining CommonJS modules need it.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    logLevel: 'silent',
  });

/**
 * How large a bundle may be, in KB of 1,024 bytes, and how much longer than the bare one it may
 * take to import.
 */
const MOST_KB = 450;
const MOST_RATIO = 1.4;

interface Row {
  readonly name: string;
  readonly bytes: number;
  readonly milliseconds: number;
  /** The share of the bare handler's time. */
  readonly ratio: number;
}

const report = (rows: readonly Row[]): Omit<Findings, 'figures'> => {
  const [bare, bareAsOurs, ...functions] = rows;
  const sorted = functions.toSorted((a, b) => b.ratio - a.ratio);
  const largest = functions.reduce((a, b) => (b.bytes > a.bytes ? b : a));
  const [slowest] = sorted;
  return {
    tables: [
      {
        title: 'Cold start: what has to be loaded',
        columns: ['function', 'bundle', 'import', 'of the bare one'],
        rows: [...(bare ? [bare] : []), ...(bareAsOurs ? [bareAsOurs] : []), ...sorted].map(
          ({ name, bytes, milliseconds, ratio }) => [
            name,
            `${amount(kilobytes(bytes))} KB`,
            time(milliseconds),
            `${amount(ratio)} ×`,
          ],
        ),
        note:
          'Import in a fresh process with the flags that Lambda is given, the median of all rounds. The first line is bundled by ' +
          'esbuild as an ES module, minified; the second and all others as infra/bundle.ts does it, which leaves out what the SDK ' +
          'never loads here.',
      },
    ],
    targets: [
      {
        promised: `6. bundles at most ${MOST_KB} KB`,
        measured: `${largest.name}: ${amount(kilobytes(largest.bytes))} KB`,
        reached: kilobytes(largest.bytes) <= MOST_KB,
      },
      {
        promised: `6. import at most ${MOST_RATIO} × the bare handler`,
        measured: `${slowest?.name}: ${amount(slowest?.ratio ?? Number.NaN)} ×`,
        reached: (slowest?.ratio ?? Number.NaN) <= MOST_RATIO,
      },
    ],
  };
};

const kilobytes = (bytes: number): number => bytes / 1_024;

/** @returns milliseconds. */
const importTime = async (file: string): Promise<number> => {
  const script = `const begun = performance.now();
await import(${JSON.stringify(pathToFileURL(file).href)});
process.stdout.write(String(performance.now() - begun));
process.exit(0);`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--enable-source-maps', '--input-type=module', '--eval', script],
    { env: environment },
  );
  return Number(stdout);
};

/** The template's variables without which no function loads. */
const environment = {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
  EVENTS_TABLE: 'events',
  COMMANDS_TABLE: 'commands',
  QUEUE_TABLE: 'queue',
  VIEWS_TABLE: 'views',
  METHODS_BY_PATH: '{}',
  SHORT_WAY: 'on',
  CALLERS: 'token',
  SCOPES: '{}',
  TRANSFER_WORKFLOW_ARN: 'arn:aws:states:us-east-1:000000000000:stateMachine:transfer',
  POWERTOOLS_SERVICE_NAME: 'bench',
  POWERTOOLS_METRICS_NAMESPACE: 'Holdfast',
  POWERTOOLS_LOG_LEVEL: 'INFO',
};
