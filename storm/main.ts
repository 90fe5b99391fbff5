import { startDynamoDbLocal } from '../local-cloud/dynamodb/dynamodb-local.ts';
import { showProgress } from '../testing/progress.ts';
import { type CommandLine, parseCommandLine, usage } from './command-line.ts';
import { faults } from './faults.ts';
import { prove } from './prove.ts';
import { putBack } from './put-back.ts';
import { figures, violationsOf } from './report.ts';

/** By convention: the command line was wrong. */
const WRONG_USAGE = 2;

const main = async (): Promise<number> => {
  const commandLine = readCommandLine();
  if (commandLine.help) return say(usage);
  if (commandLine.fault === 'list') {
    return say(faults.map(({ name, summary }) => `${name.padEnd(24)}${summary}`).join('\n'));
  }
  const fault = faults.find(({ name }) => name === commandLine.fault);
  if (fault) putBack(fault);
  const engine = await startDynamoDbLocal({
    longRunning: true,
    report: (line) => console.error(line),
  });
  try {
    return commandLine.prove
      ? await prove(engine.endpoint, commandLine)
      : await storm(engine.endpoint, commandLine);
  } finally {
    await engine.stop();
  }
};

const say = (text: string): number => {
  console.log(text);
  return 0;
};

const readCommandLine = (): CommandLine => {
  try {
    return parseCommandLine(
      process.argv.slice(2),
      faults.map(({ name }) => name),
    );
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\nSee npm run storm -- --help`);
    process.exit(WRONG_USAGE);
  }
};

const storm = async (endpoint: string, commandLine: CommandLine): Promise<number> => {
  // Loaded only now, so that a fault is put back into everything that it loads.
  const { runSeeds } = await import('./many-seeds.ts');
  const { first, seconds, parallel, stop, seeds = 1 } = commandLine;
  const progress = showProgress(process.stderr);
  progress.start('storm', seeds);
  const result = await runSeeds({
    ...{ endpoint, first, seeds, seconds, parallel, stop },
    onEnd: (ended) => {
      progress.step(
        `seed ${ended.seed}, ${ended.commands} commands, ${ended.violations.length} violations`,
      );
      if (ended.violations.length > 0) console.error(violationsOf(ended, commandLine));
    },
  });
  progress.end();
  console.log(figures(result));
  return result.found.length > 0 ? 1 : 0;
};

process.exitCode = await main();
