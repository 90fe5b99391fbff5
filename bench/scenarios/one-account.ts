import { type Ceiling, rowAt } from '../ceiling.ts';
import { measure } from '../contestants/compare.ts';
import { depositsInto } from '../contestants/holdfast-store.ts';
import { auditLine, type Summary, summarize } from '../contestants/summary.ts';
import type { Engine } from '../engine.ts';
import { inTurns, stepsInTurns } from '../in-turns.ts';
import { deposits } from '../load/workload.ts';
import { machineTable } from '../report/machine-table.ts';
import { amount, share, time } from '../report/numbers.ts';
import type { Table } from '../report/table.ts';
import type { Findings, Scenario } from '../scenario.ts';

/** One hot account: how many commands a second it takes, each with a key and a record. */
export const oneAccount: Scenario = {
  name: 'one-account',
  summary: 'keyed deposits of 100 callers into one account: one environment, and one for each',
  run: async (context): Promise<Findings> => {
    context.progress.start('one-account', stepsInTurns(context.runs, CONTESTANTS));
    const results = await inTurns(
      context,
      CONTESTANTS.map((contestant) => ({
        name: contestant.name,
        measure: (engine: Engine) => measure(contestant, engine, [WORKLOAD], { limit: LIMIT_MS }),
      })),
    );
    const summaries = CONTESTANTS.map(({ name }, n) => {
      const measured = (results[n] ?? []).flatMap((result) => result.measured);
      return summarize(name, WORKLOAD, measured, undefined);
    });
    const [together] = summaries;
    if (!together) throw new Error('nothing was measured');
    return {
      tables: [
        tableOf(summaries, context.ceiling),
        machineTable(`one account, ${WORKLOAD.name}`, summaries),
      ],
      targets: [
        {
          promised: 'One environment with lanes: at least 1,000 commands a second on one account',
          measured: `${amount(together.perSecond)} a second, ${amount(together.settled)} of ${amount(together.total)}`,
          reached: together.perSecond >= 1_000 && together.settled === together.total,
        },
      ],
      figures: summaries,
      audit: auditLine(results.flat().map(({ audited }) => audited)),
    };
  },
};

const WORKLOAD = deposits(5_000, 100);

const CONTESTANTS = [
  depositsInto('one environment with lanes', 1),
  depositsInto('an environment for each caller'),
];

/** In milliseconds. */
const LIMIT_MS = 40_000;

/**
 * Each deposit writes one record, and each request writes one commit: exactly so for lanes. A
 * command that queues also writes a place, and reads cost a request, so there this is only nearly
 * so.
 */
const itemsPerSecond = ({ perSecond, requests }: Summary): number => perSecond * (1 + requests);

const tableOf = (summaries: readonly Summary[], ceiling: Ceiling | undefined): Table => ({
  title: `One account: ${WORKLOAD.name} callers`,
  columns: [
    'design',
    'settled',
    'per second',
    'p50',
    'p99',
    'requests',
    'read units',
    'write units',
    'items per second',
    'of the ceiling',
  ],
  rows: summaries.map((of) => [
    of.contestant,
    `${amount(of.settled)} of ${amount(of.total)}`,
    amount(of.perSecond),
    time(of.p50),
    time(of.p99),
    amount(of.requests),
    amount(of.readUnits),
    amount(of.writeUnits),
    amount(itemsPerSecond(of)),
    share(ceiling ? itemsPerSecond(of) / itemsAtMost(ceiling) : Number.NaN),
  ]),
  note:
    'Requests and units are those of DynamoDB per deposit. Items are records and commits, about; the ceiling is twice the transactions of ' +
    'two that the engine does bare: larger ones write more items a second than that.',
});

const itemsAtMost = (ceiling: Ceiling): number =>
  2 * rowAt(ceiling, WORKLOAD.concurrency).transaction;
