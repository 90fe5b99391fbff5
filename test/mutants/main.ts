import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { PART, parts } from './parts.ts';

const names = Object.keys(parts);

const HELP = `Usage: npm run mutants [-- PART...]

Changes the code in small ways, one at a time, and runs the tests: a change that none of them notices is a survivor.

  PART      ${names.join(', ')}: a folder of functions/. Without one: all of them, in this order.
  --help    Shows this.

Fails where tests kill a smaller share of a part's mutants than its goal:
${names.map((name) => `  ${name.padEnd(12)} ${parts[name]?.goal} %`).join('\n')}

What survived is shown at the end, and in reports/mutants/PART.html; docs/mutation-testing.md says why.
`;

/** @returns the exit code of the run. */
const mutate = async (part: string): Promise<number> => {
  const stryker = ['node_modules/@stryker-mutator/core/bin/stryker.js', 'run'];
  const child = spawn(process.execPath, stryker, {
    stdio: 'inherit',
    env: { ...process.env, [PART]: part },
  });
  const [code] = await once(child, 'exit');
  return typeof code === 'number' ? code : 1;
};

const main = async (): Promise<number> => {
  const { values, positionals } = parseArgs({
    options: { help: { type: 'boolean', short: 'h', default: false } },
    allowPositionals: true,
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const unknown = positionals.filter((name) => !names.includes(name));
  if (unknown.length > 0)
    throw new Error(`"${unknown.join('", "')}" is no part: there are ${names.join(', ')}.`);
  const failed: string[] = [];
  for (const part of positionals.length > 0 ? positionals : names) {
    if ((await mutate(part)) !== 0) failed.push(part);
  }
  if (failed.length > 0) process.stderr.write(`Failed, or below the goal: ${failed.join(', ')}.\n`);
  return failed.length > 0 ? 1 : 0;
};

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
