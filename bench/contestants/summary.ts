import type { Audited } from '../audit/ledger.ts';
import { bareTransfers, type Ceiling } from '../ceiling.ts';
import type { Memory } from '../machine/memory.ts';
import type { ProcessorTime } from '../machine/processor-time.ts';
import { amount, share, time } from '../report/numbers.ts';
import { median, percentile } from '../statistics.ts';
import type { Measured } from './compare.ts';

/** The medians of every figure over several runs of one contestant. */
export interface Summary {
  readonly contestant: string;
  readonly workload: string;
  readonly concurrency: number;
  readonly total: number;
  readonly settled: number;
  readonly perSecond: number;
  /** In milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Of DynamoDB, per settled transfer. */
  readonly requests: number;
  readonly readUnits: number;
  readonly writeUnits: number;
  /** Of the requests, those that met a transaction, and those that were too fast. */
  readonly conflicts: number;
  readonly throttles: number;
  /** How many transfers the functions behind the streams left to the workflow. */
  readonly leftToWorkflow: number;
  /** Per settled transfer, by what used it, in milliseconds. */
  readonly processorTime: ProcessorTime;
  /** The most during a load. */
  readonly memory: Memory;
  /** Of the engine's ceiling, 0 … 1; absent where that was not measured in this run. */
  readonly shareOfCeiling?: number;
  /** Each run by itself. */
  readonly runs: readonly {
    readonly settled: number;
    readonly notSettled: Readonly<Record<string, number>>;
    readonly perSecond: number;
    readonly p50: number;
    readonly p99: number;
    readonly requests: number;
  }[];
}

/** Sums up the runs of one contestant at one workload. */
export const summarize = (
  contestant: string,
  { name: workload, concurrency }: { readonly name: string; readonly concurrency: number },
  measured: readonly Measured[],
  ceiling: Ceiling | undefined,
): Summary => {
  const middle = (figure: (run: Measured) => number) =>
    median(measured.map(figure).filter(Number.isFinite));
  const perSecond = middle((run) => run.perSecond);
  const parts = [...new Set(measured.flatMap((run) => Object.keys(run.processorTime)))];
  return {
    contestant,
    workload,
    concurrency,
    total: middle((run) => run.total),
    settled: middle((run) => run.settled),
    perSecond,
    p50: middle((run) => percentile(run.latencies, 0.5)),
    p99: middle((run) => percentile(run.latencies, 0.99)),
    requests: middle((run) => run.usage.requests),
    readUnits: middle((run) => run.usage.readUnits),
    writeUnits: middle((run) => run.usage.writeUnits),
    conflicts: middle((run) => run.usage.conflicts),
    throttles: middle((run) => run.usage.throttles),
    leftToWorkflow: middle((run) => run.leftToWorkflow),
    processorTime: Object.fromEntries(
      parts.map((part) => [part, middle((run) => run.processorTime[part] ?? 0)] as const),
    ),
    memory: {
      process: middle((run) => run.memory.process),
      engine: middle((run) => run.memory.engine),
    },
    ...(ceiling ? { shareOfCeiling: perSecond / bareTransfers(ceiling, concurrency) } : {}),
    runs: measured.map(({ settled, notSettled, perSecond: rate, latencies, usage }) => ({
      settled,
      notSettled,
      perSecond: rate,
      p50: percentile(latencies, 0.5),
      p99: percentile(latencies, 0.99),
      requests: usage.requests,
    })),
  };
};

/** The columns of {@link summaryRow}. */
export const summaryColumns = [
  'settled',
  'per second',
  'p50',
  'p99',
  'requests',
  'read units',
  'write units',
  'of the ceiling',
] as const;

/** A summary as cells of a table, without a name in front. */
export const summaryRow = (of: Summary): readonly string[] => [
  `${amount(of.settled)} of ${amount(of.total)}`,
  amount(of.perSecond),
  time(of.p50),
  time(of.p99),
  amount(of.requests),
  amount(of.readUnits),
  amount(of.writeUnits),
  share(of.shareOfCeiling ?? Number.NaN),
];

/** Says which designs left transfers to the workflow, and how many; nothing where none did. */
export const workflowNote = (summaries: readonly Summary[]): string => {
  const left = summaries.filter(({ leftToWorkflow }) => leftToWorkflow > 0);
  const said = left.map((of) => `${of.contestant}, ${of.workload}: ${amount(of.leftToWorkflow)}`);
  return said.length === 0 ? '' : ` Transfers left to the workflow: ${said.join('; ')}.`;
};

/** The result of the audit at the end, in words. */
export const auditLine = (audits: readonly Audited[]): string => {
  const sum = (of: keyof Audited) => amount(audits.reduce((total, audit) => total + audit[of], 0));
  return `${sum('events')} events in ${sum('streams')} streams, ${sum('commands')} recorded commands`;
};
