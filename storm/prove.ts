import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { CommandLine } from './command-line.ts';
import { type Fault, faults } from './faults.ts';

/** The seed and the invariant that caught a fault; `undefined`: none did. */
type Caught = { readonly seed: string; readonly invariant: string } | undefined;

/**
 * Puts each fault back, in a process of its own, and runs seeds until one finds something.
 * @returns the exit code: 1 where a fault was not caught.
 */
export const prove = async (endpoint: string, commandLine: CommandLine): Promise<number> => {
  const rows: (readonly [Fault, Caught])[] = [];
  for (const fault of faults) {
    console.error(`${fault.name}: ${fault.summary}`);
    const caught = await runWith(fault, endpoint, commandLine);
    rows.push([fault, caught]);
    console.error(caught ? `  caught at seed ${caught.seed}: ${caught.invariant}` : '  NOT CAUGHT');
  }
  console.log('| fault | rule | caught at seed | by |\n|---|---|---|---|');
  for (const [{ name, rule }, caught] of rows) {
    console.log(
      `| \`${name}\` | ${rule} | ${caught?.seed ?? '–'} | ${caught?.invariant ?? 'nothing'} |`,
    );
  }
  return rows.every(([, caught]) => caught) ? 0 : 1;
};

const runWith = async (
  fault: Fault,
  endpoint: string,
  { seeds, seconds, first, parallel }: CommandLine,
): Promise<Caught> => {
  const most = Math.min(seeds ?? fault.within, fault.within);
  const options = {
    '--seeds': most,
    '--seconds': seconds,
    '--seed': first,
    '--parallel': parallel,
  };
  const args = Object.entries(options).flatMap(([option, value]) => [option, String(value)]);
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  const child = spawn(process.execPath, [main, ...args, '--stop', '--with-fault', fault.name], {
    env: { ...process.env, HOLDFAST_DYNAMODB_ENDPOINT: endpoint },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code === 0) return undefined;
  const seed = /^seed (\d+):$/m.exec(said)?.[1];
  const invariant = /NOT SO: (.+)$/m.exec(said)?.[1];
  if (code !== 1 || seed === undefined || invariant === undefined) {
    throw new Error(`the storm with ${fault.name} ended with ${code}: ${said.slice(-1_000)}`);
  }
  return { seed, invariant };
};
