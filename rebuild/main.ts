import { SingleBar } from 'cli-progress';
import { type CommandLine, parseCommandLine, usage } from './command-line.ts';
import { invokeAt } from './invoke.ts';
import { type Outcome, run, type Watch } from './run.ts';
import { stateFile } from './state.ts';

/** Exit statuses, by convention. */
const FAILED = 1;
const WRONG_USAGE = 2;

const main = async (): Promise<void> => {
  const command = readCommand();
  if (command === 'help') return console.log(usage);
  const progress = progressOn(process.stderr);
  try {
    const outcome = await run(
      command,
      invokeAt(command.target),
      stateFile(command.state),
      progress.watch,
    );
    progress.end();
    report(command, outcome);
  } catch (error) {
    progress.end();
    console.error(`${explain(error)}\nThe same command goes on from where this one got to.`);
    process.exitCode = FAILED;
  }
};

const report = ({ diff }: CommandLine, { tally, examples }: Outcome): void => {
  for (const example of examples) console.log(example);
  const count = (name: string) => (tally[name] ?? 0).toLocaleString('en');
  const found = `${count('missing')} missing, ${count('different')} different, ${count('extra')} extra`;
  console.log(
    `${diff ? 'Compared' : 'Made again'}: ${found}; of ${count('rows')} rows and ${count('commits')} commits.`,
  );
  const unreadable = tally['unreadable'] ?? 0;
  if (unreadable > 0)
    console.log(
      `Commits cannot be read, met ${unreadable} times: the log of rebuild-views says which.`,
    );
  const unknown = tally['unknown'] ?? 0;
  if (unknown > 0) console.log(`${unknown} of the accounts are none: there is no such stream.`);
  const differences = ['missing', 'different', 'extra'].some((name) => (tally[name] ?? 0) > 0);
  if (unreadable > 0 || unknown > 0 || (diff && differences)) process.exitCode = FAILED;
};

/** A bar on a terminal, a line for each part elsewhere. */
const progressOn = (stream: NodeJS.WriteStream): { watch: Watch; end: () => void } => {
  const format =
    '{bar} {value}/{total} parts  {duration_formatted}  {rows} rows, {commits} commits';
  const bar = new SingleBar({ format, stream, barsize: 24, clearOnComplete: true });
  let shown = { rows: 0, commits: 0 };
  let [parts, ended] = [0, 0];
  return {
    watch: {
      begin: (total, before, begunAt) => {
        if (begunAt) stream.write(`Goes on with the run of ${begunAt}; --anew begins again.\n`);
        [parts, ended] = [total, before];
        if (stream.isTTY) bar.start(total, before, shown);
      },
      partEnded: () => {
        ended += 1;
        if (stream.isTTY) bar.update(ended, shown);
        else
          stream.write(`${ended}/${parts} parts: ${shown.rows} rows, ${shown.commits} commits\n`);
      },
      counted: ({ rows = 0, commits = 0 }) => {
        shown = { rows, commits };
        if (stream.isTTY) bar.update(ended, shown);
      },
    },
    end: () => bar.stop(),
  };
};

const readCommand = (): CommandLine | 'help' => {
  try {
    return parseCommandLine(process.argv.slice(2));
  } catch (error) {
    console.error(`${explain(error)}. See npm run rebuild -- --help`);
    process.exit(WRONG_USAGE);
  }
};

/** What `fetch` says of an address that does not answer is in the cause. */
const explain = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
};

await main();
