import { measure } from '../contestants/compare.ts';
import type { Contestant } from '../contestants/contestant.ts';
import { cloudOverHttp } from '../contestants/local-cloud.ts';
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
import { bothWays, uniform, type Workload } from '../load/workload.ts';
import { machineTable } from '../report/machine-table.ts';
import { amount, time } from '../report/numbers.ts';
import type { Table } from '../report/table.ts';
import type { Findings, Scenario } from '../scenario.ts';

/**
 * The whole cloud over HTTP, by the way its transfers go: short where nobody is in the way, or always
 * the long way by the function behind the stream.
 */
export const ways: Scenario = {
  name: 'ways',
  summary:
    'over HTTP, adaptive beside stream: alone, 50 at 4, 800 at 100, spread over 200 accounts',
  run: async (context): Promise<Findings> => {
    context.progress.start('ways', stepsInTurns(context.runs, CONTESTANTS));
    const results = await inTurns(
      context,
      CONTESTANTS.map((contestant) => ({
        name: contestant.name,
        measure: (engine: Engine) => measure(contestant, engine, WORKLOADS, { limit: LIMIT_MS }),
      })),
    );
    const of = (contestant: Contestant, workload: Workload): Summary => {
      const all = results[CONTESTANTS.indexOf(contestant)] ?? [];
      const measured = all.flatMap((result) =>
        result.measured.filter((each) => each.workload === workload.name),
      );
      return summarize(contestant.name, workload, measured, context.ceiling);
    };
    const summaries = WORKLOADS.flatMap((workload) =>
      CONTESTANTS.map((contestant) => of(contestant, workload)),
    );
    const [alone, few, spread, most] = WORKLOADS.map((workload) => ({
      short: of(ADAPTIVE, workload),
      long: of(STREAM, workload),
    }));
    if (!alone || !few || !most || !spread) throw new Error('nothing was measured');
    const done = ({ settled, perSecond }: Summary) =>
      `${amount(settled)} settled, ${amount(perSecond)} a second`;
    const beside = ({ short, long }: typeof alone) => `${done(short)}, beside ${done(long)}`;
    const isWhole = ({ settled, total }: Summary) => settled === total;
    return {
      tables: [
        tableOf(summaries),
        machineTable('the whole cloud over HTTP, by the way of its transfers', summaries),
      ],
      targets: [
        {
          promised: '12.2 over HTTP, one at a time: median at most half of the long way’s',
          measured: `${time(alone.short.p50)}, beside ${time(alone.long.p50)}`,
          reached: isWhole(alone.short) && alone.short.p50 <= 0.5 * alone.long.p50,
        },
        {
          promised: '12.2 over HTTP, 50 at 4: at least 60 a second',
          measured: beside(few),
          reached: isWhole(few.short) && few.short.perSecond >= 60,
        },
        {
          promised: '12.2 over HTTP, 800 at 100: not slower than stream (within 5 %)',
          measured: beside(most),
          reached: isWhole(most.short) && most.short.perSecond >= 0.95 * most.long.perSecond,
        },
        {
          promised: '12.3 over HTTP, 200 accounts, uniform, 50 callers: at least 1.5 times stream',
          measured: beside(spread),
          reached: isWhole(spread.short) && spread.short.perSecond >= 1.5 * spread.long.perSecond,
        },
      ],
      figures: summaries,
      audit: auditLine(results.flat().map(({ audited }) => audited)),
    };
  },
};

const ADAPTIVE = cloudOverHttp('on-demand', 'adaptive');
const STREAM = cloudOverHttp('on-demand', 'stream');
const CONTESTANTS = [ADAPTIVE, STREAM];

const ALONE = bothWays(50, 1);
const FEW = bothWays(50, 4);
const MOST = bothWays(800, 100);
const SPREAD = uniform({ accounts: 200, transfers: 1_000, concurrency: 50 });
/** The worst comes last: what it leaves behind is in nobody's way. */
const WORKLOADS = [ALONE, FEW, SPREAD, MOST];

/** A transfer that has not settled by then does not count, in milliseconds. */
const LIMIT_MS = 40_000;

const tableOf = (summaries: readonly Summary[]): Table => ({
  title: 'The whole cloud over HTTP, on demand, by the way of its transfers',
  columns: ['load, setting', ...summaryColumns],
  rows: summaries.map((summary) => [
    `${summary.workload}${summary.workload === SPREAD.name ? ' over 200 accounts' : ''}, ${summary.contestant}`,
    ...summaryRow(summary),
  ]),
  note:
    'Requests and units are those of DynamoDB per settled transfer. What had not settled after 40 s does not count. p50 and ' +
    `p99 are of those that settled, from the first request until the caller knew of the end.${workflowNote(summaries)}`,
});
