import { measure } from '../contestants/compare.ts';
import { holdfastStore, oneEnvironment, postings } from '../contestants/holdfast-store.ts';
import {
  auditLine,
  type Summary,
  summarize,
  summaryColumns,
  summaryRow,
} from '../contestants/summary.ts';
import type { Engine } from '../engine.ts';
import { inTurns, stepsInTurns } from '../in-turns.ts';
import { bothWays } from '../load/workload.ts';
import type { Table } from '../report/table.ts';
import type { Findings, Scenario } from '../scenario.ts';

/** Postings of two legs beside transfers: what the one transaction costs where callers meet. */
export const postingsBeside: Scenario = {
  name: 'postings',
  summary: 'postings of two legs beside transfers: alone, 50 at 4 and 800 at 100 on two accounts',
  run: async (context): Promise<Findings> => {
    context.progress.start('postings', stepsInTurns(context.runs, CONTESTANTS));
    const results = await inTurns(
      context,
      CONTESTANTS.map((contestant) => ({
        name: contestant.name,
        measure: (engine: Engine) => measure(contestant, engine, WORKLOADS, { limit: LIMIT_MS }),
      })),
    );
    const summaries = CONTESTANTS.flatMap(({ name }, n) => {
      const measured = (results[n] ?? []).flatMap((result) => result.measured);
      return WORKLOADS.map((workload) => {
        const of = measured.filter((each) => each.workload === workload.name);
        return summarize(name, workload, of, context.ceiling);
      });
    });
    return {
      tables: WORKLOADS.map((workload) => tableOf(workload.name, summaries)),
      targets: [],
      figures: summaries,
      audit: auditLine(results.flat().map(({ audited }) => audited)),
    };
  },
};

const WORKLOADS = [bothWays(50, 1), bothWays(50, 4), bothWays(800, 100)];

const CONTESTANTS = [
  postings('postings, an environment for each caller'),
  holdfastStore({ name: 'transfers, an environment for each caller' }),
  holdfastStore({ name: 'the same, the long way', atOnce: false }),
  postings('postings, one environment', 1),
  oneEnvironment(),
];

/** In milliseconds. */
const LIMIT_MS = 40_000;

const tableOf = (workload: string, summaries: readonly Summary[]): Table => ({
  title: `Postings beside transfers: ${workload}`,
  columns: ['design', ...summaryColumns],
  rows: summaries
    .filter((summary) => summary.workload === workload)
    .map((summary) => [summary.contestant, ...summaryRow(summary)]),
  note:
    'A posting that has lost eight races is answered that nothing was done; its caller does not try ' +
    'again here, and it is not settled.',
});
