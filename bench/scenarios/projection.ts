import type { Audited } from '../audit/ledger.ts';
import { rowAt } from '../ceiling.ts';
import { startCloud } from '../contestants/local-cloud.ts';
import { auditLine } from '../contestants/summary.ts';
import { type LagWatch, watchLag } from '../contestants/watch-lag.ts';
import type { Engine } from '../engine.ts';
import { inTurns, stepsInTurns } from '../in-turns.ts';
import { drive } from '../load/drive.ts';
import { plantAccounts, plantInOrder } from '../load/plant.ts';
import { bothWays, OPENING_BALANCE, warmUpFor } from '../load/workload.ts';
import { amount, share, time } from '../report/numbers.ts';
import type { Findings, Scenario, ScenarioContext } from '../scenario.ts';
import { median, percentile } from '../statistics.ts';

/**
 * How soon the views follow, and how many events they bear: the real function behind the real
 * stream of the local cloud.
 */
export const projection: Scenario = {
  name: 'projection',
  summary:
    'events a second applied to the views; lag from append to visible, one at a time and 800 at 100',
  run: async (context): Promise<Findings> => {
    const turns = [{ name: 'projection', measure: measureOnce }];
    context.progress.start('projection', stepsInTurns(context.runs, turns));
    const runs = (await inTurns(context, turns)).flat();
    const middle = (of: (run: Measured) => number) => median(runs.map(of));
    const rates = BURSTS.map(({ name }, n) => ({
      name,
      perSecond: middle((run) => run.perSecond[n] ?? Number.NaN),
    }));
    const lags = (['rest', 'load'] as const).map((when) => ({
      when,
      p50: middle((run) => percentile(run[when], 0.5)),
      p99: middle((run) => percentile(run[when], 0.99)),
    }));
    return {
      tables: [
        {
          title: 'How many events the views bear',
          columns: ['burst', 'events a second', 'of the ceiling'],
          rows: rates.map(({ name, perSecond }) => [
            name,
            amount(perSecond),
            share(perSecond / putsOf(context)),
          ]),
          note: 'From the first append until the last event is visible. The ceiling: conditional puts, one at a time.',
        },
        {
          title: 'How soon the views follow: from append to visible',
          columns: ['when', 'p50', 'p99'],
          rows: lags.map(({ when, p50, p99 }) => [LOADS[when], time(p50), time(p99)]),
        },
      ],
      targets: [],
      figures: { rates, lags },
      audit: auditLine(runs.map(({ audited }) => audited)),
    };
  },
};

interface Measured {
  /** Events, of each burst. */
  readonly perSecond: readonly number[];
  /** Lags in milliseconds. */
  readonly rest: readonly number[];
  readonly load: readonly number[];
  readonly audited: Audited;
}

const LOADS = { rest: 'one transfer at a time', load: 'under 800 transfers at 100 over HTTP' };

/** Transfers that are written all at once, past the functions; so the audit leaves them out. */
const BURSTS = [
  { name: '4,000 events of 100 accounts', accounts: 100, each: 40 },
  { name: '2,000 events of one account', accounts: 1, each: 2_000 },
];

const TRANSFERS_AT_REST = 30;
const LOAD_LIMIT_MS = 40_000;

const putsOf = ({ ceiling }: ScenarioContext): number =>
  ceiling ? rowAt(ceiling, 1).put : Number.NaN;

const measureOnce = async (engine: Engine): Promise<Measured> => {
  const running = await startCloud(engine, 'on-demand');
  try {
    const { cloud, direct, tables, bank } = running;
    const watch = watchLag(cloud, tables);
    const workload = bothWays(800, 100);
    const warmUp = warmUpFor([workload]);
    const atRest = bothWays(TRANSFERS_AT_REST, 1);
    const accounts = [...warmUp.accounts, ...atRest.accounts, ...workload.accounts];
    await plantAccounts(direct, tables.events, accounts, OPENING_BALANCE);
    const warm = await drive(bank, warmUp, { limit: LOAD_LIMIT_MS });
    watch.take();

    const alone = await drive(bank, atRest, { limit: LOAD_LIMIT_MS });
    await watch.untilCaughtUp();
    const rest = watch.take();
    const loaded = await drive(bank, workload, { limit: LOAD_LIMIT_MS });
    await watch.untilCaughtUp();
    const load = watch.take();

    const perSecond: number[] = [];
    for (const { name, accounts: count, each } of BURSTS) {
      const ids = Array.from(
        { length: count },
        (_, n) => `burst-${BURSTS.findIndex((of) => of.name === name)}-${n}`,
      );
      perSecond.push(
        (count * each) /
          (await secondsUntilVisible(watch, ids, each, () =>
            plantInOrder(direct, tables.events, ids, each),
          )),
      );
    }
    const audited = await running.audit(
      accounts,
      new Map([...warm.heard, ...alone.heard, ...loaded.heard]),
    );
    return { perSecond, rest, load, audited };
  } finally {
    await running.close();
  }
};

const secondsUntilVisible = async (
  watch: LagWatch,
  accounts: readonly string[],
  version: number,
  write: () => Promise<void>,
): Promise<number> => {
  const begunAt = performance.now();
  await write();
  await Promise.all(accounts.map((id) => watch.untilVisible(id, version)));
  return (performance.now() - begunAt) / 1_000;
};
