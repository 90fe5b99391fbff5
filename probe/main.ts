import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { synthesize } from '../infra/synth.ts';
import { startLocalCloud } from '../local-cloud/cloud.ts';
import { showProgress } from '../testing/progress.ts';
import { type CommandLine, parseCommandLine, usage } from './command-line.ts';
import { figures, findingsOf } from './report.ts';
import { type ProbeOptions, probe } from './run.ts';

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
  const { url, token } = commandLine;
  if (url !== undefined) return probeAt({ url, token }, commandLine);
  const cloud = await startLocalCloud({
    assembly: synthesize({ stage: 'dev', outdir: join(repository, 'build', 'probe') }),
    port: 0,
    report: { step: () => {}, log: () => {}, warn: (line) => console.error(line) },
  });
  try {
    const operator = await cloud.token({
      sub: 'probe',
      scope: 'ledger:operate',
      expiresIn: 86_400,
    });
    return await probeAt({ url: cloud.url, token: operator }, commandLine);
  } finally {
    await cloud.stop();
  }
};

const readCommandLine = (): CommandLine => {
  try {
    return parseCommandLine(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\nSee npm run probe -- --help`);
    process.exit(WRONG_USAGE);
  }
};

const probeAt = async (
  api: Pick<ProbeOptions, 'url' | 'token'>,
  { requests, seed }: CommandLine,
): Promise<number> => {
  const progress = showProgress(process.stderr);
  const every = Math.ceil(requests / STEPS);
  progress.start('probe', Math.ceil(requests / every));
  const onAnswer = (done: number): void => {
    if (done % every === 0 || done === requests) progress.step(`${done} answers`);
  };
  const result = await probe({ ...api, requests, seed, onAnswer }).finally(() => progress.end());
  if (result.findings.length > 0)
    console.error(findingsOf(result.findings, { url: api.url, seed }));
  console.log(figures(result));
  return result.findings.length > 0 ? 1 : 0;
};

process.exitCode = await main();
