import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { settingsOf } from '../infra/stages.ts';
import { type LocalCloud, startLocalCloud } from './cloud.ts';
import { type CommandLine, parseCommandLine, usage } from './command-line.ts';
import { describeOverview } from './describe-overview.ts';
import type { Report } from './report.ts';

const repository = dirname(dirname(fileURLToPath(import.meta.url)));

/** Exit statuses, by convention. */
const WRONG_USAGE = 2;
const INTERRUPTED = 130;

const main = async (): Promise<void> => {
  const commandLine = readCommandLine();
  if (commandLine.help) return console.log(usage);

  const interruption = onInterrupt();
  const cloud = await start(commandLine, toTerminal(commandLine.verbose), interruption);
  if (!interruption.aborted)
    console.log(
      describeOverview(cloud.overview(), settingsInForce(commandLine), await firstToken(cloud)),
    );
  await untilAborted(interruption);
  await cloud.stop();
};

/** The token of the request that the terminal shows. */
const firstToken = (cloud: LocalCloud): Promise<string | undefined> =>
  cloud.token({ sub: 'alice', scope: 'ledger:read ledger:write' });

/** What was chosen of the stage's settings, or is set. */
const settingsInForce = ({ stage, compute, transfers, open }: CommandLine) => {
  const settings = settingsOf(stage);
  return {
    stage,
    compute: compute ?? settings.compute,
    transfers: transfers ?? settings.transfers,
    callers: open ? 'not told apart (--open)' : 'by token',
  };
};

const readCommandLine = (): CommandLine => {
  try {
    return parseCommandLine(process.argv.slice(2));
  } catch (error) {
    return fail(messageOf(error).replace(/\.? *$/, '. See npm start -- --help'), WRONG_USAGE);
  }
};

const start = async (
  commandLine: CommandLine,
  report: Report,
  interruption: AbortSignal,
): Promise<LocalCloud> => {
  const synthesis = new AbortController();
  try {
    return await startLocalCloud({
      assembly: synthesize(commandLine, report, synthesis.signal),
      port: commandLine.port,
      dataDirectory: commandLine.dataDirectory,
      workersPerFunction: commandLine.workers,
      report,
    });
  } catch (error) {
    synthesis.abort();
    // The Ctrl-C reached the synthesis too, so its failure is no news.
    return interruption.aborted ? process.exit(INTERRUPTED) : fail(explain(error, commandLine), 1);
  }
};

/**
 * Synthesizes in a process of its own: CDK keeps a processor busy for seconds, while DynamoDB Local
 * starts on the other.
 */
const synthesize = async (
  { stage, compute, transfers, open }: CommandLine,
  report: Report,
  signal: AbortSignal,
): Promise<string> => {
  const directory = join(repository, 'build', 'local', stage);
  try {
    const args = [join(repository, 'infra', 'app.ts'), '--stage', stage];
    if (open) args.push('-c', 'open=yes');
    if (compute !== undefined) args.push('-c', `compute=${compute}`);
    if (transfers !== undefined) args.push('-c', `transfers=${transfers}`);
    await promisify(execFile)(process.execPath, args, {
      cwd: repository,
      env: { ...process.env, CDK_OUTDIR: directory },
      signal,
    });
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? error.stderr : error;
    throw new Error(`The stack cannot be synthesized.\n${said}`, { cause: error });
  }
  report.step('template synthesized');
  return directory;
};

const explain = (error: unknown, { port, verbose }: CommandLine): string => {
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
    return `Port ${port} is in use. Choose another: npm start -- --port ${port + 1}`;
  }
  return verbose && error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
};

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

const fail = (message: string, status: number): never => {
  console.error(message);
  process.exit(status);
};

/**
 * Prints each step of the start with the second it was done, the functions' logs if the user asks
 * for them, and every failure.
 */
const toTerminal = (verbose: boolean): Report => ({
  step: (line) => console.log(`${(performance.now() / 1000).toFixed(1).padStart(5)} s  ${line}`),
  warn: (line) => console.error(`  !  ${line}`),
  log: (functionName, line) => verbose && console.log(`${functionName}  ${line}`),
});

/** Ctrl-C, or a kill, asks for an orderly end; a second one does not wait for it. */
const onInterrupt = (): AbortSignal => {
  const controller = new AbortController();
  const interrupt = (): void => {
    if (controller.signal.aborted) process.exit(INTERRUPTED);
    console.log('\nStopping …');
    controller.abort();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  return controller.signal;
};

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

await main();
