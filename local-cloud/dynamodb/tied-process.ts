import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/** A program that ends when this process ends, however that happens. */
export interface TiedProcess {
  /** Whether the program has ended, or could not be started. */
  readonly ended: boolean;
  /** The end of its error stream, and the reason if it could not be started. */
  errors(): string;
  /** Calls back once when it ends without `stop`. */
  onUnexpectedEnd(callback: () => void): void;
  /**
   * Asks it to end, kills it after a few seconds, and returns when it has ended. A second call does
   * nothing more.
   */
  stop(): Promise<void>;
}

/**
 * Starts a program tied to this process. It is in a process group of its own, so the Ctrl-C that
 * asks this process to finish does not cut off what it still needs; and it holds one end of a pipe,
 * which closes when this process dies, even when it is killed.
 */
export const startTied = (
  command: string,
  args: readonly string[],
  workingDirectory: string,
): TiedProcess => {
  const spawnTied = process.platform === 'win32' ? spawnWithExitHook : spawnOnPipe;
  const child = spawnTied(command, args, workingDirectory);
  let ended = false;
  let stopping = false;
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-4_000);
  });
  child.once('error', (error) => {
    errors += error.message;
    ended = true;
  });
  child.once('exit', () => {
    ended = true;
    child.stdio[3]?.destroy();
  });
  return {
    get ended() {
      return ended;
    },
    errors: () => errors.trim(),
    onUnexpectedEnd: (callback) => child.once('exit', () => stopping || callback()),
    stop: async () => {
      stopping = true;
      if (ended) return;
      const exited = once(child, 'exit');
      askToEnd(child);
      const graceful = await Promise.race([exited, sleep(GRACE_MS, 'late', { ref: false })]);
      if (graceful !== 'late') return;
      forceToEnd(child);
      await exited;
    },
  };
};

/** How long a program may take to end by itself, in milliseconds. */
const GRACE_MS = 5_000;

/** Runs the program, and ends it when file descriptor 3 closes. `wait` hands its exit code on. */
const script = `
"$@" 3<&- & program=$!
{ cat <&3 >/dev/null; kill "$program" 2>/dev/null; } & watch=$!
wait "$program"; code=$?
kill "$watch" 2>/dev/null
exit "$code"`;

const spawnOnPipe = (command: string, args: readonly string[], cwd: string): ChildProcess =>
  spawn('/bin/sh', ['-c', script, 'sh', command, ...args], {
    cwd,
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });

const spawnWithExitHook = (command: string, args: readonly string[], cwd: string): ChildProcess => {
  const child = spawn(command, args, {
    cwd,
    stdio: ['ignore', 'ignore', 'pipe'],
    windowsHide: true,
  });
  const kill = () => child.kill();
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
  return child;
};

const askToEnd = (child: ChildProcess): void => {
  const pipe = child.stdio[3];
  if (isWritable(pipe)) pipe.end();
  else child.kill();
};

const forceToEnd = (child: ChildProcess): void => {
  if (child.pid !== undefined && process.platform !== 'win32') process.kill(-child.pid, 'SIGKILL');
  else child.kill('SIGKILL');
};

const isWritable = (pipe: unknown): pipe is Writable =>
  typeof pipe === 'object' && pipe !== null && 'end' in pipe;
