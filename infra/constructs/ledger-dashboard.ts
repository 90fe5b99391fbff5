import { Duration } from 'aws-cdk-lib';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import {
  type Alarm,
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IMetric,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { MetricName } from '../../functions/runtime/telemetry.ts';
import type { StageName } from '../stages.ts';
import type { Functions } from './functions.ts';
import { combined, type LedgerMetrics } from './ledger-metrics.ts';
import { type Tables, throttlesOf } from './tables.ts';

/** What the dashboard shows. */
export interface LedgerDashboardProps {
  readonly stage: StageName;
  readonly alarms: readonly Alarm[];
  readonly api: HttpApi;
  readonly functions: Functions;
  readonly metrics: LedgerMetrics;
  readonly tables: Tables;
  readonly workflow: StateMachine;
  readonly deadLetters: IQueue;
}

/** The ledger on one page, in the order in which money moves through it. */
export class LedgerDashboard extends Construct {
  constructor(scope: Construct, id: string, { alarms, ...shown }: LedgerDashboardProps) {
    super(scope, id);
    new Dashboard(this, 'Dashboard', {
      dashboardName: `holdfast-${shown.stage}`,
      defaultInterval: Duration.hours(3),
      widgets: [
        [new AlarmStatusWidget({ title: 'Alarms', alarms: [...alarms], width: 24, height: 3 })],
        ...rowsOf(shown).map(graphs),
      ],
    });
  }
}

/** A graph: its title and its lines. */
type Graph = readonly [string, readonly IMetric[]];

const period = Duration.minutes(5);

const rowsOf = ({
  api,
  functions,
  metrics,
  tables,
  workflow,
  deadLetters,
}: Omit<LedgerDashboardProps, 'stage' | 'alarms'>): Graph[][] => {
  const counts = (...names: readonly MetricName[]) =>
    names.map((name) => metrics.countOf(name, period));
  const ofTransfers = (name: MetricName, statistic: string) =>
    metrics
      .emittersOf(name)
      .map((service) => metrics.emittedBy(service, name, { statistic, period }));
  // Where each transfer has an execution, its time is the execution's.
  const areCarriedOut = metrics.emittersOf('TransfersCarriedOut').length > 0;
  const timeOfTransfers: Graph = areCarriedOut
    ? [
        'From reserved to settled, the slowest of each batch, milliseconds',
        ['p50', 'p99'].flatMap((statistic) => ofTransfers('TransferTime', statistic)),
      ]
    : [
        'From the start of an execution to its end, milliseconds',
        percentiles((statistic) => workflow.metricTime({ statistic })),
      ];
  return [
    [
      [
        'Requests and refusals',
        [api.metricCount(), api.metricClientError(), api.metricServerError()],
      ],
      [
        'Latency of the API, milliseconds',
        percentiles((statistic) => api.metricLatency({ statistic })),
      ],
      [
        'Latency by function, p99, milliseconds',
        metrics
          .emittersOf('RequestLatency')
          .map((name) =>
            metrics
              .emittedBy(name, 'RequestLatency', { statistic: 'p99', period })
              .with({ label: name }),
          ),
      ],
    ],
    [
      [
        'Commands, by what became of them',
        counts(
          'CommandAccepted',
          'CommandRejected',
          'CommandReplayed',
          'CommandVersionMismatch',
          'CommandNotTheirs',
          'CommandKeyReused',
          'CommandPending',
          'CommandInProgress',
          'CommandUndecided',
        ),
      ],
      [
        'Commands: median duration, milliseconds',
        functions.inGroup('commands').map((lambda) => lambda.metricDuration({ statistic: 'p50' })),
      ],
      [
        'Failed invocations',
        [
          ...functions.names().map((name) => functions.get(name).metricErrors({ label: name })),
          ...counts('ServerError'),
        ],
      ],
    ],
    [
      [
        'Appends to an account that somebody else was faster with',
        [
          tables.events.metricConditionalCheckFailedRequests(),
          tables.events.metric('TransactionConflict', { statistic: 'Sum' }),
          ...counts('CommandsDecidedTogether'),
        ],
      ],
      ['Write units', tables.all.map(({ table }) => table.metricConsumedWriteCapacityUnits())],
      [
        'Requests that tables and indexes turned away',
        tables.all.map(({ name, table, indexes }) =>
          combined('SUM', throttlesOf(table, indexes, period), { label: name, period }),
        ),
      ],
    ],
    [
      [
        areCarriedOut
          ? 'Transfers settled at once, carried out, and left to the workflow'
          : 'Transfers started, and how their executions ended',
        [
          ...counts('TransfersSettledAtOnce'),
          ...(areCarriedOut ? counts('TransfersCarriedOut') : []),
          ...counts('TransfersLeftToWorkflow', 'CreditsRejected'),
          workflow.metricSucceeded(),
          workflow.metricFailed(),
        ],
      ],
      timeOfTransfers,
      [
        'The oldest open transfer, and the oldest hold whose time is over, milliseconds',
        [
          ...ofTransfers('OldestOpenTransferAge', 'Maximum'),
          ...ofTransfers('OldestOverdueHoldAge', 'Maximum'),
        ],
      ],
    ],
    [
      [
        'How far the consumers are behind their streams, milliseconds',
        functions
          .consumers()
          .map((name) =>
            functions.get(name).metric('IteratorAge', { statistic: 'Maximum', label: name }),
          ),
      ],
      [
        'Recovery, expiry, and records given up',
        [
          ...counts('TransfersRecovered', 'TransfersLeftForLater', 'TransferRecoveryFailures'),
          ...counts('HoldsExpired', 'HoldExpiryFailures'),
          deadLetters.metricNumberOfMessagesSent({ statistic: 'Sum' }),
          deadLetters.metricApproximateNumberOfMessagesVisible({ statistic: 'Maximum' }),
        ],
      ],
      [
        'Invocations at once: the account, and those that carry transfers out',
        [
          LambdaFunction.metricAllConcurrentExecutions({ statistic: 'Maximum' }),
          ...functions
            .inGroup('transfers')
            .map((lambda) => lambda.metric('ConcurrentExecutions', { statistic: 'Maximum' })),
        ],
      ],
    ],
  ];
};

/** The graphs of one row, as wide as there is room for. */
const graphs = (row: readonly Graph[]): GraphWidget[] =>
  row.map(([title, left]) => new GraphWidget({ title, left: [...left], width: 24 / row.length }));

const percentiles = (metric: (statistic: string) => IMetric): readonly IMetric[] =>
  ['p50', 'p99'].map(metric);
