import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { synthesize } from '../infra/synth.ts';
import { type LocalCloud, startLocalCloud } from '../local-cloud/cloud.ts';
import { showProgress } from '../testing/progress.ts';
import { type CommandLine, parseCommandLine, usage } from './command-line.ts';
import { figures, findingsOf } from './report.ts';
import { fuzz } from './run.ts';
import { auditTables } from './watch/audit.ts';
import { heapsOf } from './watch/memory.ts';

/** By convention: the command line was wrong. */
const WRONG_USAGE = 2;
const STEPS = 20;

const repository = dirname(dirname(fileURLToPath(import.meta.url)));

const main = async (): Promise<number> => {
  const commandLine = readCommandLine();
  if (commandLine.help) {
    console.log(usage);
    return 0;
  }
  if (commandLine.url !== undefined) return fuzzAt(commandLine.url, commandLine);
  const cloud = await startLocalCloud({
    assembly: synthesize({ stage: 'dev', outdir: join(repository, 'build', 'fuzz') }),
    port: 0,
    report: { step: () => {}, log: () => {}, warn: (line) => console.error(line) },
  });
  try {
    const token = await cloud.token({
      sub: 'fuzz',
      scope: 'ledger:operate',
      expiresIn: 86_400,
    });
    return await fuzzAt(cloud.url, { ...commandLine, token }, cloud);
  } finally {
    await cloud.stop();
  }
};

const readCommandLine = (): CommandLine => {
  try {
    return parseCommandLine(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\nSee npm run fuzz -- --help`);
    process.exit(WRONG_USAGE);
  }
};

/** @param cloud that serves the API, where it runs in this process. */
const fuzzAt = async (
  url: string,
  { requests, seed, connections, token }: CommandLine,
  cloud?: LocalCloud,
): Promise<number> => {
  const progress = showProgress(process.stderr);
  const every = Math.ceil(requests / STEPS);
  progress.start('fuzz', Math.ceil(requests / every));
  const onAnswer = (done: number): void => {
    if (done % every === 0 || done === requests) progress.step(`${done} answers`);
  };
  const began = performance.now();
  const environments = cloud && (() => heapsOf(cloud));
  const options = { url, requests, seed, connections, token, environments, onAnswer };
  const result = await fuzz(options).finally(() => progress.end());
  const troubles = [...result.troubles];
  if (result.findings.length > 0) console.error(findingsOf(result.findings, { url, seed }));
  console.log(figures(result));
  if (cloud) {
    const audited = await auditTables(cloud, result.heard).catch((error: unknown) => {
      troubles.push(`the audit: ${error instanceof Error ? error.message : error}`);
    });
    if (audited)
      console.log(`audited: ${audited.streams} streams, ${audited.events} events, all sound`);
  }
  for (const trouble of troubles) console.error(`  !  ${trouble}`);
  console.log(`seed ${seed}, ${Math.round((performance.now() - began) / 1_000)} s`);
  return result.findings.length > 0 || troubles.length > 0 ? 1 : 0;
};

process.exitCode = await main();
