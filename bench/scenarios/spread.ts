import { measure } from '../contestants/compare.ts';
import { holdfastStore, retryingStore } from '../contestants/holdfast-store.ts';
import { oneAggregate } from '../contestants/others/one-aggregate.ts';
import {
  auditLine,
  type Summary,
  summarize,
  summaryColumns,
  summaryRow,
  workflowNote,
} from '../contestants/summary.ts';
import type { Engine } from '../engine.ts';
import { inTurns, stepsInTurns } from '../in-turns.ts';
import {
  hotDestination,
  hotSource,
  type SpreadOptions,
  uniform,
  zipfian,
} from '../load/workload.ts';
import { machineTable } from '../report/machine-table.ts';
import { amount, time } from '../report/numbers.ts';
import type { Findings, Scenario, Target } from '../scenario.ts';

/**
 * A thousand accounts: everybody pays anybody, some accounts take part more often, all pay one, one
 * pays all.
 */
export const spread: Scenario = {
  name: 'spread',
  summary:
    '1,000 accounts, uniform and zipfian; hot destination (1,000 sources to one); hot source (one to 1,000)',
  run: async (context): Promise<Findings> => {
    const cases = [
      { workload: uniform(OPTIONS), contestant: oneAggregate() },
      ...WORKLOADS.flatMap((workload) =>
        CONTESTANTS.map((contestant) => ({ workload, contestant })),
      ),
    ];
    context.progress.start('spread', stepsInTurns(context.runs, cases));
    const results = await inTurns(
      context,
      cases.map(({ workload, contestant }) => ({
        name: `${workload.name}, ${contestant.name}`,
        measure: (engine: Engine) => measure(contestant, engine, [workload], { limit: LIMIT_MS }),
      })),
    );
    const summaries = cases.map(({ workload, contestant }, n) => {
      const measured = (results[n] ?? []).flatMap((result) => result.measured);
      return summarize(contestant.name, workload, measured, context.ceiling);
    });
    return {
      tables: [
        {
          title: '1,000 transfers over 1,000 accounts, 100 callers',
          columns: ['load, design', ...summaryColumns],
          rows: summaries.map((summary) => [
            `${summary.workload}, ${summary.contestant}`,
            ...summaryRow(summary),
          ]),
          note:
            'What had not settled after 15 s does not count. The one aggregate is hot whoever pays whom, and every commit of it ' +
            `carries 1,000 balances.${workflowNote(summaries)}`,
        },
        machineTable('1,000 accounts, 100 callers', summaries),
      ],
      targets: [
        ...['hot destination', 'hot source'].map((workload) => targetOf(summaries, workload)),
        ...WORKLOADS.map(({ name }) => besideLongWay(summaries, name)),
      ],
      figures: summaries,
      audit: auditLine(results.flat().map(({ audited }) => audited)),
    };
  },
};

const OPTIONS: SpreadOptions = { accounts: 1_000, transfers: 1_000, concurrency: 100 };

const WORKLOADS = [uniform(OPTIONS), zipfian(OPTIONS), hotDestination(OPTIONS), hotSource(OPTIONS)];

const LONG_WAY = "Holdfast's store, the long way";

const CONTESTANTS = [
  holdfastStore(),
  holdfastStore({ name: LONG_WAY, atOnce: false }),
  retryingStore(),
];

/** In milliseconds. */
const LIMIT_MS = 15_000;

const found = (summaries: readonly Summary[], workload: string, contestant: string): Summary => {
  const summary = summaries.find((of) => of.workload === workload && of.contestant === contestant);
  if (!summary) throw new Error(`${workload} was not measured`);
  return summary;
};

/** What runs against each other on one machine is as fast where it is within a twentieth. */
const NOISE = 0.95;

/** Whether the choice of way is right, whoever pays whom. */
const besideLongWay = (summaries: readonly Summary[], workload: string): Target => {
  const [chosen, long] = [holdfastStore().name, LONG_WAY].map((name) =>
    found(summaries, workload, name),
  );
  if (!chosen || !long) throw new Error(`${workload} was not measured`);
  return {
    promised: `12.3 ${workload}: no slower than the long way alone`,
    measured: `${amount(chosen.perSecond)} a second beside ${amount(long.perSecond)}`,
    reached: chosen.perSecond >= NOISE * long.perSecond,
  };
};

const targetOf = (summaries: readonly Summary[], workload: string): Target => {
  const store = found(summaries, workload, holdfastStore().name);
  return {
    promised: `4. ${workload}: at least 300 settled a second on one account, p99 under 2 s`,
    measured: `${amount(store.perSecond)} a second, p99 ${time(store.p99)}`,
    reached: store.perSecond >= 300 && store.p99 < 2_000,
  };
};
