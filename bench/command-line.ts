import { parseArgs } from 'node:util';

/** The options of a run. */
export interface CommandLine {
  readonly help: boolean;
  readonly list: boolean;
  /** Makes the report again from the results of the last run, and measures nothing. */
  readonly report: boolean;
  /** Names of scenarios; empty: all of them. */
  readonly only: readonly string[];
  readonly runs: number;
}

/**
 * The fewest runs that make a median worth the name, and how many there are unless asked otherwise.
 */
const DEFAULT_RUNS = 3;

export const usage = `Usage: npm run bench -- [--only NAME] [--runs N] [--list] [--report]

Measures Holdfast beside other designs, on fresh engines, and writes bench/results/latest.json and latest.md, and
docs/bench.svg. Takes about two hours on two cores; it wants the machine for itself. Prints how fast the
machine was before and after each scenario, and what it used of processors and memory.

  --only NAME  that scenario alone; may be given several times. The other results stay as they were
  --runs N     how often everything is measured; what is reported are medians. ${DEFAULT_RUNS} unless said otherwise
  --list       the scenarios
  --report     measures nothing: makes latest.md and the chart again from latest.json
  --help       this text

castore, equinox-js and event-store-adapter-js take part in the scenario blog where they are installed:
npm ci --prefix bench/peers`;

/**
 * Reads the command line.
 * @param argv without node and the script.
 * @param names of the scenarios there are.
 * @throws {Error} that says what the user mistyped.
 */
export const parseCommandLine = (argv: string[], names: readonly string[]): CommandLine => {
  const { values } = parseArgs({
    args: argv,
    options: {
      help: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      report: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      runs: { type: 'string', default: String(DEFAULT_RUNS) },
    },
  });
  const unknown = values.only.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new Error(`There is no scenario "${unknown}". The scenarios are: ${names.join(', ')}.`);
  }
  if (!/^[1-9]\d?$/.test(values.runs))
    throw new Error(`--runs is "${values.runs}"; it is a number, 1 to 99.`);
  return { ...values, runs: Number(values.runs) };
};
