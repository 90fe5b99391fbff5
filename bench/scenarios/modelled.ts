import { measure } from '../contestants/compare.ts';
import type { Contestant } from '../contestants/contestant.ts';
import { holdfastStore } from '../contestants/holdfast-store.ts';
import { balancesInPlace } from '../contestants/others/balances-in-place.ts';
import { twoStreams } from '../contestants/others/two-streams.ts';
import { auditLine, type Summary, summarize, workflowNote } from '../contestants/summary.ts';
import type { Engine } from '../engine.ts';
import { inTurns, stepsInTurns } from '../in-turns.ts';
import { bothWays } from '../load/workload.ts';
import { onAws } from '../model/contention.ts';
import { modelledEngine } from '../model/proxy.ts';
import { machineTable } from '../report/machine-table.ts';
import { amount, time } from '../report/numbers.ts';
import type { Table } from '../report/table.ts';
import type { Findings, Scenario, Target } from '../scenario.ts';

/**
 * One pair of accounts as it might be on AWS: DynamoDB Local behind a model of what it leaves out.
 * These are figures of a model, and no measurement of AWS.
 */
export const modelled: Scenario = {
  name: 'modelled',
  summary: 'one pair of accounts, 100 and 1,000 callers, contention as on AWS: a model of it',
  run: async (context): Promise<Findings> => {
    context.progress.start('modelled', stepsInTurns(context.runs, CASES));
    const results = await inTurns(
      context,
      CASES.map(({ contestant, workload, recordsByAccount }) => ({
        name: `${contestant.name}, ${workload.name}`,
        measure: async (engine: Engine) => {
          const model = modelledEngine(engine, onAws, { recordsByAccount });
          try {
            return await measure(contestant, model, [workload], { limit: LIMIT_MS });
          } finally {
            await model.close();
          }
        },
      })),
    );
    const summaries = CASES.map(({ contestant, workload }, n) => {
      const measured = (results[n] ?? []).flatMap((result) => result.measured);
      return summarize(contestant.name, workload, measured, undefined);
    });
    return {
      tables: [
        ...WORKLOADS.map(({ name }) => tableOf(name, summaries)),
        machineTable('one pair of accounts, modelled', summaries),
      ],
      targets: WORKLOADS.map((workload) => targetOf(workload, summaries)),
      figures: { settings: onAws, streamPauseMs: STREAM_PAUSE_MS, summaries },
      audit: auditLine(results.flat().map(({ audited }) => audited)),
    };
  },
};

/** Each with how many times balances in place lanes should be. */
const WORKLOADS = [
  { ...bothWays(2_000, 100), times: 1 },
  { ...bothWays(2_000, 1_000), times: 2.5 },
];

/** Lambda polls a stream about four times a second. */
const STREAM_PAUSE_MS = 250;

/** Holdfast with lanes in so many environments. */
const lanesIn = (environments: number, atOnce = true, more = ''): Contestant =>
  holdfastStore({
    name: `lanes in ${environments} environments${atOnce ? '' : ', the long way'}${more}`,
    environments,
    atOnce,
    streamPauseMs: STREAM_PAUSE_MS,
  });

const ENVIRONMENTS = [2, 8, 64];
const LANES = ENVIRONMENTS.map((environments) => lanesIn(environments));
const IN_PLACE = balancesInPlace();

const CONTESTANTS = [
  ...[
    IN_PLACE,
    twoStreams(),
    ...LANES,
    ...ENVIRONMENTS.map((environments) => lanesIn(environments, false)),
  ].map((contestant) => ({ contestant, recordsByAccount: false })),
  { contestant: lanesIn(8, true, ', records by account'), recordsByAccount: true },
];

const CASES = WORKLOADS.flatMap((workload) =>
  CONTESTANTS.map((contestant) => ({ ...contestant, workload })),
);

/** In milliseconds. */
const LIMIT_MS = 30_000;

/** The promise is held in each number of environments. */
const targetOf = (
  { name, times }: (typeof WORKLOADS)[number],
  summaries: readonly Summary[],
): Target => {
  const of = (contestant: Contestant): number =>
    summaries.find((each) => each.workload === name && each.contestant === contestant.name)
      ?.perSecond ?? Number.NaN;
  const ratios = LANES.map((lanes) => of(lanes) / of(IN_PLACE));
  return {
    promised: `4. modelled, ${name}: lanes at least ${times} times balances in place`,
    measured: LANES.map(
      ({ name: lanes }, n) => `${lanes}: ${amount(ratios[n] ?? Number.NaN)}`,
    ).join(', '),
    reached: ratios.every((ratio) => ratio >= times),
  };
};

const tableOf = (workload: string, summaries: readonly Summary[]): Table => ({
  title: `A model of AWS, not a measurement of it: one pair of accounts, ${workload} concurrent`,
  columns: [
    'design',
    'settled',
    'per second',
    'p50',
    'p99',
    'requests',
    'conflicts',
    'throttles',
    'read units',
    'write units',
  ],
  rows: summaries
    .filter((summary) => summary.workload === workload)
    .map((of) => [
      of.contestant,
      `${amount(of.settled)} of ${amount(of.total)}`,
      amount(of.perSecond),
      time(of.p50),
      time(of.p99),
      amount(of.requests),
      amount(of.conflicts),
      amount(of.throttles),
      amount(of.readUnits),
      amount(of.writeUnits),
    ]),
  note: NOTE + workflowNote(summaries),
});

const NOTE =
  'Per settled transfer. Assumed, by a proxy before DynamoDB Local: a request takes ' +
  `${onAws.requestMs} ms and a transaction ${onAws.transactionMs} ms at the least; a transaction holds its items for ` +
  'all of that time, and whatever else writes one of them meanwhile is answered TransactionConflict, takes its time and costs its units; ' +
  `a partition key takes ${amount(onAws.writeUnitsPerSecond)} write and ${amount(onAws.readUnitsPerSecond)} read units a second and saves up ` +
  `${onAws.burstMs} ms of them; tables have no limit of their own; a record is a partition of its own, except where it says *by account*; streams are looked at every ${STREAM_PAUSE_MS} ms. ` +
  `What had not settled after ${time(LIMIT_MS)} does not count. Where two processors are not enough, requests wait before the model.`;
