import { Duration } from 'aws-cdk-lib';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import { type Alarm, AlarmStatusWidget, Dashboard, GraphWidget, type IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { type StageName, streamConsumers } from '../stages.ts';
import { functionNames } from './catalogue.ts';
import type { Functions } from './functions.ts';
import type { Tables } from './tables.ts';

/** What is shown. */
export interface LedgerDashboardProps {
  readonly stage: StageName;
  readonly alarms: readonly Alarm[];
  readonly api: HttpApi;
  readonly functions: Functions;
  readonly tables: Tables;
  readonly workflow: StateMachine;
}

/** The ledger on one page, in the order in which money moves through it. */
export class LedgerDashboard extends Construct {
  constructor(scope: Construct, id: string, { stage, alarms, ...shown }: LedgerDashboardProps) {
    super(scope, id);
    new Dashboard(this, 'Dashboard', {
      dashboardName: `holdfast-${stage}`,
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

const rowsOf = ({ api, functions, tables, workflow }: Omit<LedgerDashboardProps, 'stage' | 'alarms'>): Graph[][] => [
  [
    ['Requests and refusals', [api.metricCount(), api.metricClientError(), api.metricServerError()]],
    ['Latency of the API, milliseconds', percentiles((statistic) => api.metricLatency({ statistic }))],
  ],
  [
    [
      'Commands: median duration, milliseconds',
      functions.inGroup('commands').map((lambda) => lambda.metricDuration({ statistic: 'p50' })),
    ],
    ['Failed invocations', functionNames.map((name) => functions.get(name).metricErrors({ label: name }))],
  ],
  [
    [
      'Appends to an account that somebody else was faster with',
      [
        tables.events.metricConditionalCheckFailedRequests(),
        tables.events.metric('TransactionConflict', { statistic: 'Sum' }),
      ],
    ],
    [
      'Write units',
      [tables.events, tables.commands, tables.queue, tables.views].map((table) =>
        table.metricConsumedWriteCapacityUnits(),
      ),
    ],
  ],
  [
    ['Transfers', [workflow.metricStarted(), workflow.metricSucceeded(), workflow.metricFailed()]],
    [
      'From reserved to settled or released, milliseconds',
      percentiles((statistic) => workflow.metricTime({ statistic })),
    ],
    [
      'How far the consumers are behind their streams, milliseconds',
      streamConsumers.map((name) => functions.get(name).metric('IteratorAge', { statistic: 'Maximum', label: name })),
    ],
  ],
];

/** The graphs of one row, as wide as there is room for. */
const graphs = (row: readonly Graph[]): GraphWidget[] =>
  row.map(([title, left]) => new GraphWidget({ title, left: [...left], width: 24 / row.length }));

const percentiles = (metric: (statistic: string) => IMetric): readonly IMetric[] => ['p50', 'p99'].map(metric);
