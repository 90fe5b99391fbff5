import { execFile } from 'node:child_process';

/** What a run of npm left. */
export interface NpmRun {
  readonly stdout: string;
  readonly stderr: string;
}

/** The most that npm may print: a report on some hundred packages is a tenth of it. */
const MOST_BYTES = 64 * 1024 * 1024;

/** npm gives up asking a registry that does not answer after this long. */
const PATIENCE_MS = 120_000;

/**
 * Runs npm in the repository. Its exit status says nothing here that its output does not say
 * better.
 */
export const npm = (args: readonly string[]): Promise<NpmRun> =>
  new Promise((resolve) => {
    const options = {
      cwd: new URL('..', import.meta.url),
      maxBuffer: MOST_BYTES,
      timeout: PATIENCE_MS,
    };
    execFile('npm', args, options, (_, stdout, stderr) => resolve({ stdout, stderr }));
  });
