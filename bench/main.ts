import { showProgress } from '../testing/progress.ts';
import { Ceiling } from './ceiling.ts';
import { type CommandLine, parseCommandLine, usage } from './command-line.ts';
import { createSpeedLog } from './machine/speed.ts';
import { describeUse, watchUse } from './machine/use.ts';
import { writeChart } from './report/chart.ts';
import { targetTable, writeMarkdown } from './report/markdown.ts';
import {
  describeMachine,
  describeSpeeds,
  type Result,
  type Results,
  readResults,
  writeResults,
} from './report/results.ts';
import { toText } from './report/table.ts';
import type { Scenario } from './scenario.ts';
import { blog } from './scenarios/blog.ts';
import { ceiling } from './scenarios/ceiling.ts';
import { coldStart } from './scenarios/cold-start.ts';
import { cost } from './scenarios/cost.ts';
import { modelled } from './scenarios/modelled.ts';
import { oneAccount } from './scenarios/one-account.ts';
import { postingsBeside } from './scenarios/postings.ts';
import { projection } from './scenarios/projection.ts';
import { rebuild } from './scenarios/rebuild.ts';
import { spread } from './scenarios/spread.ts';
import { ways } from './scenarios/ways.ts';

/** The ceiling comes first: the others are a share of it. */
const scenarios: readonly Scenario[] = [
  ceiling,
  blog,
  postingsBeside,
  oneAccount,
  modelled,
  spread,
  ways,
  cost,
  coldStart,
  projection,
  rebuild,
];

/** By convention: the command line was wrong. */
const WRONG_USAGE = 2;

const main = async (): Promise<void> => {
  const commandLine = readCommandLine();
  if (commandLine.help) return console.log(`${usage}\n\nScenarios:\n${list()}`);
  if (commandLine.list) return console.log(list());

  const earlier = await readResults();
  const results = commandLine.report ? earlier : { ...earlier, ...(await measureAll(commandLine)) };
  const order = scenarios.map(({ name }) => name);
  const measured = order.flatMap((name) => results[name]?.targets ?? []);
  const targets = targetTable(measured);
  if (targets) console.log(`\n${toText(targets)}`);
  const written = [
    await writeResults(results),
    await writeMarkdown(results, order),
    await writeChart(results),
  ];
  console.log(`\nWritten: ${written.filter((file) => file !== undefined).join(', ')}`);
};

const readCommandLine = (): CommandLine => {
  try {
    return parseCommandLine(
      process.argv.slice(2),
      scenarios.map(({ name }) => name),
    );
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\nSee npm run bench -- --help`);
    process.exit(WRONG_USAGE);
  }
};

const list = (): string => {
  const widest = Math.max(...scenarios.map(({ name }) => name.length));
  return scenarios.map(({ name, summary }) => `  ${name.padEnd(widest)}  ${summary}`).join('\n');
};

const measureAll = async ({ only, runs }: CommandLine): Promise<Results> => {
  const progress = showProgress(process.stderr);
  const results: Record<string, Result> = {};
  let bare: Ceiling | undefined;
  for (const scenario of scenarios.filter(({ name }) => only.length === 0 || only.includes(name))) {
    const startedAt = performance.now();
    const speeds = createSpeedLog();
    const endOfUse = watchUse();
    try {
      await speeds.take('the scenario');
      const findings = await scenario.run({ runs, progress, ceiling: bare, speeds });
      const use = endOfUse();
      await speeds.take('nothing: it was over');
      if (scenario === ceiling) bare = Ceiling.parse(findings.figures);
      results[scenario.name] = {
        ...findings,
        at: new Date().toISOString(),
        runs,
        seconds: (performance.now() - startedAt) / 1_000,
        machine: describeMachine(),
        machineSpeeds: speeds.taken,
        ...(use ? { use } : {}),
      };
      progress.end();
      for (const table of findings.tables) console.log(`\n${toText(table)}`);
      console.log(`\n${describeSpeeds(speeds.taken)}`);
      if (use) console.log(describeUse(use));
      if (findings.audit) console.log(`\nChecked from the tables: ${findings.audit}.`);
    } finally {
      progress.end();
    }
  }
  return results;
};

await main();
