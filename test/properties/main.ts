import { parseArgs } from 'node:util';
import { SingleBar } from 'cli-progress';
import fc from 'fast-check';
import { anyScenario, play } from './history.ts';
import { properties } from './properties.ts';

const DEFAULT_RUNS = 10_000;

const HELP = `Usage: npm run properties [-- --runs N] [--seed S]

Plays random sequences of some 100 commands on a few accounts, and checks after each sequence what must always hold of the ledger:
${Object.keys(properties)
  .map((name) => `  - ${name}`)
  .join('\n')}

  --runs N  how many sequences; ${DEFAULT_RUNS} unless said otherwise
  --seed S  what they are drawn from; by default another one each time, which is printed
  --help    this text

Ends with 1 where something does not hold, and prints the seed and the shortest sequence that was found.
`;

const wholeNumber = (option: string, text: string): number => {
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw new Error(`${option} is "${text}"; it is a whole number, 1 to 999999999.`);
  return Number(text);
};

/** @returns the exit code. */
const main = (): number => {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: String(DEFAULT_RUNS) },
      seed: { type: 'string', default: String(1 + (Date.now() % 999_999_999)) },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const numRuns = wholeNumber('--runs', values.runs);
  const seed = wholeNumber('--seed', values.seed);
  process.stdout.write(`Seed ${seed}\n`);
  const bar = new SingleBar({
    format: '{bar} {value}/{total} sequences, {duration_formatted}',
    noTTYOutput: true,
    notTTYSchedule: 10_000,
  });
  bar.start(numRuns, 0);
  let commands = 0;
  const started = performance.now();
  const details = fc.check(
    fc.property(anyScenario, (scenario) => {
      const moments = play(scenario);
      commands += moments.length;
      for (const holds of Object.values(properties)) holds(moments);
      bar.increment();
    }),
    { numRuns, seed },
  );
  bar.stop();
  if (details.failed) {
    process.stderr.write(`${fc.defaultReportMessage(details)}\n\n${details.errorInstance}\n`);
    return 1;
  }
  const seconds = ((performance.now() - started) / 1_000).toFixed(0);
  process.stdout.write(
    `All ${Object.keys(properties).length} properties hold for ${numRuns} sequences, ${commands} commands, in ${seconds} s.\n`,
  );
  return 0;
};

try {
  process.exitCode = main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
