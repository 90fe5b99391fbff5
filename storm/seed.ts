import { AccountId, Amount, Caller, Limit } from '../events/values.ts';
import type { Command } from '../functions/ledger/account.ts';
import { createLedgerDatabase, type LedgerDatabase } from '../testing/ledger-database.ts';
import { type Random, randomOf } from '../testing/random.ts';
import { checkAnswers, PREPARED } from './checks/answers.ts';
import { checkDecisions, historiesOf } from './checks/decisions.ts';
import { checkReadings } from './checks/readings.ts';
import { repeatAll } from './checks/repeats.ts';
import { checkStreams } from './checks/streams.ts';
import { checkTransfers } from './checks/transfers.ts';
import { checkViews } from './checks/views.ts';
import { createConsumers, pump } from './consumers/consumers.ts';
import { createFeed } from './consumers/feed.ts';
import { createExecutions } from './consumers/workflow.ts';
import { createEnvironments, createObserver, type Environment } from './environments.ts';
import { type Remains, readRemains } from './remains.ts';
import { settleDown } from './settle-down.ts';
import { Tally } from './tally.ts';
import { runClient } from './traffic/clients.ts';
import { EUR, Intents } from './traffic/intents.ts';
import { Journal } from './traffic/journal.ts';
import { collectViolations, type Report, type Violation } from './violation.ts';
import { SnapshotSightings } from './weather/other-deployment.ts';
import { createWeather } from './weather/weather.ts';

/** What one seed came to. */
export interface SeedResult {
  readonly seed: number;
  readonly commands: number;
  readonly commits: number;
  /** How often each outcome was heard. */
  readonly outcomes: Tally;
  /** How often each trouble befell a request. */
  readonly troubles: Tally;
  readonly violations: readonly Violation[];
}

/**
 * Runs one storm in a database of its own, lets everything end, and checks what must always hold.
 * @param endpoint of a DynamoDB Local.
 * @param seed all choices follow from it, but not which requests meet.
 * @param seconds how long the clients go on.
 */
export const runSeed = async (
  endpoint: string,
  seed: number,
  seconds: number,
): Promise<SeedResult> => {
  const random = randomOf(seed);
  const database = await createLedgerDatabase(endpoint, { eventsStream: false });
  const violations: Violation[] = [];
  const report = collectViolations(violations);
  const troubles = new Tally();
  const weather = createWeather(random.fork(), troubles);
  const clocks = random.oneOf(['true', 'true', 'minutes off', 'hours off'] as const);
  const world = { database, weather, sightings: new SnapshotSightings(), clocks, report };
  const environments = createEnvironments(
    world,
    random.fork(),
    random.between(3, 6),
    'behind the API',
  );
  const behindStreams = createEnvironments(world, random.fork(), 2, 'behind the streams');
  const observer = createObserver(database);

  const late = AccountId.parse('late');
  const open = Array.from({ length: random.between(2, 4) }, (_, n) =>
    AccountId.parse(`account-${n}`),
  );
  const accounts = [...open, late];
  await openAccounts(observer, open, random.fork());

  const journal = new Journal();
  const traffic = {
    environments,
    accounts,
    intents: new Intents(random.fork(), open, late),
    journal,
    report,
  };
  const executions = createExecutions(behindStreams, random.fork(), report);
  const consumers = createConsumers(database, behindStreams, executions, random.fork(), report);
  const feed = createFeed(database, accounts);

  const until = performance.now() + seconds * 1_000;
  let isOver = false;
  const clients = Array.from({ length: random.between(8, 16) }, () =>
    runClient(traffic, random.fork(), until),
  );
  const pumping = pump(feed, consumers, behindStreams, random.fork(), () => isOver);
  await Promise.all(clients);
  isOver = true;
  await pumping;
  await weather.clear();

  let commits = 0;
  try {
    await settleDown({
      database,
      accounts,
      environments: behindStreams,
      observer,
      feed,
      consumers,
      executions,
      report,
    });
    await repeatAll(journal, await readRemains(observer, database, accounts), observer, report);
    const remains = await readRemains(observer, database, accounts);
    commits = [...remains.streams.values()].flat().length;
    await checkAll(journal, remains, observer, database, report);
  } catch (error) {
    report(
      'what is left can be read',
      error instanceof Error ? String(error.stack) : String(error),
    );
  }
  for (const { close } of [...environments, ...behindStreams, observer, feed]) close();
  const outcomes = new Tally();
  for (const { result } of journal.calls) outcomes.add(nameOf(result));
  return { seed, commands: journal.calls.length, commits, outcomes, troubles, violations };
};

const checkAll = async (
  journal: Journal,
  remains: Remains,
  observer: Environment,
  database: LedgerDatabase,
  report: Report,
): Promise<void> => {
  await checkStreams(remains, observer, report);
  checkTransfers(remains, report);
  checkAnswers(journal, remains, report);
  const histories = historiesOf(remains);
  checkDecisions(journal, histories, report);
  checkReadings(journal, remains, histories, report);
  await checkViews(remains, histories, observer, database, report);
};

const nameOf = (result: Journal['calls'][number]['result']): string => {
  if (!result) return 'threw';
  if (result.outcome === 'undecided') return `undecided: ${result.reason}`;
  return 'replayed' in result && result.replayed ? `${result.outcome} before` : result.outcome;
};

/** Opens accounts with little money, so that there is often not enough. */
const openAccounts = async (
  { store }: Environment,
  accounts: readonly AccountId[],
  random: Random,
): Promise<void> => {
  const owner = Caller.parse('alice');
  for (const accountId of accounts) {
    const overdraftLimit = Limit.parse(random.oneOf([0, 0, 50]));
    const commands: Command[] = [
      { type: 'open', accountId, owner, currency: EUR, overdraftLimit },
      { type: 'deposit', accountId, amount: Amount.parse(random.between(50, 300)) },
    ];
    for (const command of commands) {
      const result = await store.execute({ command, actor: owner, correlationId: PREPARED });
      if (result.outcome !== 'accepted')
        throw new Error(`an account could not be opened: ${JSON.stringify(result)}`);
    }
  }
};
