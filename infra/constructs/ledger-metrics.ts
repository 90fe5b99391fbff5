import type { Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { MetricName } from '../../functions/runtime/telemetry.ts';
import type { StageName } from '../stages.ts';
import type { FunctionName } from './catalogue.ts';

const onAccounts = [
  'open-account',
  'amend-account',
  'freeze-account',
  'unfreeze-account',
  'close-account',
  'deposit',
  'withdraw',
] as const satisfies readonly FunctionName[];
const commands = [
  ...onAccounts,
  'request-transfer',
  'capture-transfer',
  'void-transfer',
  'reverse-transfer',
  'create-posting',
  'bulk',
] as const satisfies readonly FunctionName[];
const queries = [
  'get-account',
  'list-entries',
  'list-transfers',
  'get-transfer',
  'get-command',
  'list-accounts',
  'get-statement',
  'get-posting',
  'health',
  'openapi',
  'docs',
  'route-not-found',
] as const satisfies readonly FunctionName[];
const requests = [...commands, ...queries];
const consumers = [
  'project-views',
  'carry-out-transfers',
  'start-transfers',
  'decide-pending',
] as const satisfies readonly FunctionName[];

/**
 * The functions that emit each of the ledger's own metrics, where the stage has them. CloudWatch
 * keeps one metric per function.
 */
const emitters = {
  CommandAccepted: commands,
  CommandRejected: commands,
  CommandReplayed: commands,
  CommandVersionMismatch: commands,
  CommandNotTheirs: commands,
  CommandKeyReused: commands,
  CommandPending: commands,
  CommandInProgress: commands,
  CommandUndecided: commands,
  CommandsDecidedTogether: ['decide-pending'],
  RequestLatency: requests,
  ServerError: requests,
  TransfersSettledAtOnce: ['request-transfer'],
  TransfersCarriedOut: ['carry-out-transfers'],
  TransfersLeftToWorkflow: ['carry-out-transfers', 'start-transfers'],
  TransferTime: ['carry-out-transfers'],
  CreditsRejected: ['credit-transfer'],
  CreditsWithoutReservation: ['credit-transfer'],
  OldestOpenTransferAge: ['recover-transfers'],
  TransfersRecovered: ['recover-transfers'],
  TransfersLeftForLater: ['recover-transfers'],
  HoldsExpired: ['expire-holds'],
  OldestOverdueHoldAge: ['expire-holds'],
  CommitsAheadOfTime: ['recover-transfers'],
  DecidePendingFailures: ['decide-pending'],
  HoldExpiryFailures: ['expire-holds'],
  ProjectionFailures: ['project-views'],
  TransferRecoveryFailures: ['recover-transfers'],
  TransferStartFailures: ['carry-out-transfers', 'start-transfers'],
  UnreadableRecords: consumers,
  UnreadableRows: [
    'request-transfer',
    'capture-transfer',
    'void-transfer',
    'list-accounts',
    'list-transfers',
    'get-transfer',
    'get-command',
    'recover-transfers',
    'expire-holds',
  ],
} as const satisfies Record<MetricName, readonly FunctionName[]>;

/**
 * Where the functions of a stage write their own metrics. Metrics of one namespace add up: each
 * stage has its own.
 */
export const metricsNamespace = (stage: StageName): string => `Holdfast/${stage}`;

/** The ledger's own metrics, as the functions of one stage emit them. */
export interface LedgerMetrics {
  /** The functions that emit a metric. */
  emittersOf(name: MetricName): readonly FunctionName[];
  /**
   * A metric as one function emits it, by CloudWatch's word for the statistic: `Sum`, `Maximum`,
   * `SampleCount`, `p99`.
   */
  emittedBy(
    service: FunctionName,
    metricName: MetricName,
    how: { readonly statistic: string; readonly period: Duration },
  ): Metric;
  /** The sum of a count over all functions that emit it. */
  countOf(name: MetricName, period: Duration): IMetric;
}

/**
 * The metrics of a stage.
 * @param functions those that the stage has.
 */
export const ledgerMetrics = (
  stage: StageName,
  functions: readonly FunctionName[],
): LedgerMetrics => {
  const metrics: LedgerMetrics = {
    emittersOf: (name) => emitters[name].filter((emitter) => functions.includes(emitter)),
    emittedBy: (service, metricName, how) =>
      new Metric({
        namespace: metricsNamespace(stage),
        metricName,
        dimensionsMap: { service },
        ...how,
      }),
    countOf: (name, period) =>
      combined(
        'SUM',
        metrics
          .emittersOf(name)
          .map((service) => metrics.emittedBy(service, name, { statistic: 'Sum', period })),
        { label: name, period },
      ),
  };
  return metrics;
};

/**
 * Several metrics as one number for an alarm or a graph. An alarm takes ten metrics at most, and
 * costs by their number.
 */
export const combined = (
  combine: 'SUM' | 'MAX',
  metrics: readonly IMetric[],
  { label, period }: { readonly label: string; readonly period: Duration },
): IMetric =>
  new MathExpression({
    expression: `${combine}(METRICS())`,
    label,
    // All ids in one graph have to differ, even between two such numbers.
    usingMetrics: Object.fromEntries(
      metrics.map((metric, index) => [`${idOf(label)}_${index}`, metric]),
    ),
    period,
  });

/** CloudWatch takes letters, digits and underscores, a lower case letter first. */
const idOf = (label: string): string => `m_${label.replaceAll(/\W+/g, '_')}`;
