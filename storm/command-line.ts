import { parseArgs } from 'node:util';

/** The options of a run. */
export interface CommandLine {
  readonly help: boolean;
  /** How many seeds to run; in a proof, the most for each fault. */
  readonly seeds: number | undefined;
  readonly seconds: number;
  /** The first seed; the others follow it. */
  readonly first: number;
  readonly parallel: number;
  /** The fault to put back, or `list`. */
  readonly fault: string | undefined;
  /** Shows that every fault is caught. */
  readonly prove: boolean;
  /** Ends with the first seed that finds something. */
  readonly stop: boolean;
}

const DEFAULT_SECONDS = 20;
const DEFAULT_PARALLEL = 2;

export const usage = `Usage: npm run storm -- --seeds N [--seconds S] [--seed FIRST] [--parallel P] [--with-fault NAME] [--stop]
       npm run storm -- --prove [--seconds S]
       npm run storm -- --with-fault list

Sends commands and reads through the ledger's own code while everything around it goes wrong: answers are lost, writes land late,
clocks are wrong, deployments differ, streams deliver late and twice. Then it lets everything end and checks, from the tables and
from all that was answered, what must always hold. Ends with 1 where something did not.

  --seeds N          how many storms; 1 unless said otherwise
  --seconds S        how long each of them blows; ${DEFAULT_SECONDS} unless said otherwise
  --seed FIRST       the first one's seed; 1 unless said otherwise. Choices follow from it; what meets what does not
  --parallel P       how many at once; ${DEFAULT_PARALLEL} unless said otherwise
  --with-fault NAME  puts a fault back that the code once had, or could have. list: shows them
  --stop             ends with the first storm that finds something
  --prove            puts back each fault, one after the other, until it is caught
  --help             this text

HOLDFAST_DYNAMODB_ENDPOINT names a DynamoDB Local that runs already. Without, one is started.`;

/**
 * Reads the command line.
 * @param argv without node and the script.
 * @param faults the names of the faults there are.
 * @throws {Error} that says what the user mistyped.
 */
export const parseCommandLine = (argv: string[], faults: readonly string[]): CommandLine => {
  const { values } = parseArgs({
    args: argv,
    options: {
      help: { type: 'boolean', default: false },
      prove: { type: 'boolean', default: false },
      stop: { type: 'boolean', default: false },
      seeds: { type: 'string' },
      seconds: { type: 'string', default: String(DEFAULT_SECONDS) },
      seed: { type: 'string', default: '1' },
      parallel: { type: 'string', default: String(DEFAULT_PARALLEL) },
      'with-fault': { type: 'string' },
    },
  });
  const { 'with-fault': fault, help, prove, stop } = values;
  if (fault !== undefined && fault !== 'list' && !faults.includes(fault)) {
    throw new Error(`There is no fault "${fault}". The faults are: ${faults.join(', ')}.`);
  }
  if (prove && fault !== undefined)
    throw new Error('--prove puts every fault back: it takes no --with-fault.');
  return {
    help,
    prove,
    stop,
    fault,
    seeds: values.seeds === undefined ? undefined : wholeNumber('--seeds', values.seeds, 100_000),
    seconds: wholeNumber('--seconds', values.seconds, 3_600),
    first: wholeNumber('--seed', values.seed, 2 ** 31),
    parallel: wholeNumber('--parallel', values.parallel, 16),
  };
};

const wholeNumber = (option: string, text: string, most: number): number => {
  const value = /^[1-9]\d*$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= most))
    throw new Error(`${option} is "${text}"; it is a whole number, 1 to ${most}.`);
  return value;
};
