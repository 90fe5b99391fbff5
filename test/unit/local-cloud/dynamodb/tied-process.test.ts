import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { expect, it, vi } from 'vitest';
import { startTied } from '../../../../local-cloud/dynamodb/tied-process.ts';
import { eventually } from '../../../setup/eventually.ts';

/** A program that says its process id on its error stream and goes on for ever. */
const lasting = 'console.error("pid", process.pid); setInterval(() => {}, 1_000);';

const pidIn = (text: string): number => Number(/pid (\d+)/.exec(text)?.[1]);

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

it('runs until it is stopped, and its end is not unexpected then', async () => {
  const program = startTied(process.execPath, ['-e', lasting], tmpdir());
  const unexpected = vi.fn();
  program.onUnexpectedEnd(unexpected);
  await eventually(() => expect(pidIn(program.errors())).toBeGreaterThan(0));
  const pid = pidIn(program.errors());
  expect(program.ended).toBe(false);

  await program.stop();

  expect(program.ended).toBe(true);
  expect(isAlive(pid)).toBe(false);
  expect(unexpected).not.toHaveBeenCalled();
  await program.stop();
});

it('that ends by itself is told, with the last it said', async () => {
  const program = startTied(
    process.execPath,
    ['-e', 'console.error("out of luck"); process.exit(3)'],
    tmpdir(),
  );
  const unexpected = vi.fn();
  program.onUnexpectedEnd(unexpected);
  await eventually(() => expect(unexpected).toHaveBeenCalledTimes(1));
  expect(program.ended).toBe(true);
  expect(program.errors()).toBe('out of luck');
  await program.stop();
});

it('that is not there has ended, and says so', async () => {
  const program = startTied('no-such-program', [], tmpdir());
  await eventually(() => expect(program.ended).toBe(true));
  expect(program.errors()).toContain('no-such-program');
  await program.stop();
});

it('ends when its parent is killed', async () => {
  const module = fileURLToPath(
    new URL('../../../../local-cloud/dynamodb/tied-process.ts', import.meta.url),
  );
  const parent = spawn(process.execPath, [
    '--input-type=module',
    '-e',
    `const { startTied } = await import(${JSON.stringify(module)});
     const program = startTied(process.execPath, ['-e', ${JSON.stringify(lasting)}], process.cwd());
     setInterval(() => process.stdout.write(program.errors()), 20);`,
  ]);
  let said = '';
  parent.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await eventually(() => expect(pidIn(said)).toBeGreaterThan(0));
  const pid = pidIn(said);
  expect(isAlive(pid)).toBe(true);

  parent.kill('SIGKILL');

  await eventually(() => expect(isAlive(pid)).toBe(false));
});
