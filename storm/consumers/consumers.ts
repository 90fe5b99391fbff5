import { setTimeout as sleep } from 'node:timers/promises';
import { createHandler as createDecidePending } from '../../functions/commands/decide-pending.ts';
import { createHandler as createProjectViews } from '../../functions/projections/project-views.ts';
import { createViewWriter } from '../../functions/projections/view-writer.ts';
import { createHandler as createCarryOut } from '../../functions/transfers/carry-out-transfers.ts';
import { createHandler as createRecover } from '../../functions/transfers/recover-transfers.ts';
import { accountsThatReserved } from '../../functions/transfers/reservations.ts';
import { createHandler as createStart } from '../../functions/transfers/start-transfers.ts';
import { createViews } from '../../functions/views/views.ts';
import type { LedgerDatabase } from '../../testing/ledger-database.ts';
import type { Random } from '../../testing/random.ts';
import type { Environment } from '../environments.ts';
import { quietTelemetry } from '../quiet-telemetry.ts';
import type { Report } from '../violation.ts';
import { createDelivery, type Delivery } from './delivery.ts';
import type { Feed } from './feed.ts';
import type { Executions } from './workflow.ts';

/** All that runs behind the ledger's streams. */
export interface Consumers {
  readonly decidePending: Delivery;
  /** carry-out-transfers, or start-transfers in its place. */
  readonly carryOut: Delivery;
  readonly projectViews: Delivery;
  /**
   * Looks for open transfers, in the views or in the streams, by a clock that is this many
   * milliseconds ahead.
   */
  recover(environment: Environment, from: 'views' | 'streams', aheadMs: number): Promise<void>;
}

const BUDGET_MS = 3_000;

/** @param environments at least one; each function runs in all of them. */
export const createConsumers = (
  { tables }: LedgerDatabase,
  environments: readonly Environment[],
  workflow: Executions,
  random: Random,
  report: Report,
): Consumers => {
  const telemetry = quietTelemetry(report);
  // The stage's setting `transfers`: whether each transfer has an execution of the workflow.
  const startsEach = random.chance(0.25);
  const views = (environment: Environment) => ({ ...environment, table: tables.views });
  const behind = (consumers: Parameters<typeof createDelivery>[0], losses: number) =>
    createDelivery(consumers, random.fork(), report, losses);
  return {
    decidePending: behind(
      environments.map(({ store, clock }) =>
        createDecidePending({ store, telemetry, clock, budget: BUDGET_MS }),
      ),
      0.05,
    ),
    carryOut: behind(
      environments.map(({ store, clock, random: dice, sleep: wait }) => {
        const dependencies = { workflow, telemetry, clock, random: dice, sleep: wait };
        return startsEach
          ? createStart({ ...dependencies, budget: 2 * BUDGET_MS })
          : createCarryOut({
              ...dependencies,
              store,
              budget: { steps: BUDGET_MS, starts: 2 * BUDGET_MS },
            });
      }),
      0.1,
    ),
    projectViews: behind(
      environments.map((environment) => {
        const writer = createViewWriter(views(environment));
        return createProjectViews({
          writer,
          telemetry,
          clock: environment.clock,
          budget: BUDGET_MS,
        });
      }),
      0.05,
    ),
    recover: async (environment, from, aheadMs) => {
      const { client, store, random: dice, sleep: wait } = environment;
      const patience = { clock: environment.clock, random: dice, sleep: wait };
      const recover = createRecover({
        workflow,
        telemetry,
        views: createViews({ ...views(environment), budget: BUDGET_MS, passOver: () => {} }),
        store,
        accounts: (after) =>
          accountsThatReserved(
            { client, eventsTable: tables.events, budget: BUDGET_MS, ...patience },
            after,
          ),
        clock: () => Date.now() + aheadMs,
        budget: BUDGET_MS,
      });
      try {
        await recover({ from });
      } catch {
        // It throws where something failed, after doing the rest: the next one goes on.
      }
    },
  };
};

/**
 * Keeps the consumers at work, through bad deliveries, until it is told to stop.
 * @param isOver says when.
 */
export const pump = async (
  feed: Feed,
  consumers: Consumers,
  environments: readonly Environment[],
  random: Random,
  isOver: () => boolean,
): Promise<void> => {
  const { decidePending, carryOut, projectViews, recover } = consumers;
  const recovering = new Set<Promise<void>>();
  while (!isOver()) {
    const { commits, pending } = await feed.next();
    decidePending.take(pending);
    carryOut.take(commits);
    projectViews.take(commits);
    for (const delivery of [decidePending, carryOut, projectViews]) delivery.deliver();
    if (random.chance(0.15) && recovering.size === 0) {
      const from = random.chance(0.5) ? 'views' : 'streams';
      const done = recover(
        random.oneOf(environments),
        from,
        random.between(60_000, 3 * 3_600_000),
      ).then(() => {
        recovering.delete(done);
      });
      recovering.add(done);
    }
    await sleep(random.between(300, 800));
  }
  await Promise.all([
    ...recovering,
    ...[decidePending, carryOut, projectViews].map((delivery) => delivery.rest()),
  ]);
};
