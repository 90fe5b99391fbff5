import { Duration, Stack } from 'aws-cdk-lib';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { MetricName } from '../../functions/runtime/telemetry.ts';
import type { StageName, StageSettings } from '../stages.ts';
import { definitionOf, type FunctionName, functionGroups } from './catalogue.ts';
import type { Functions } from './functions.ts';
import { combined, type LedgerMetrics } from './ledger-metrics.ts';
import { type Tables, throttlesOf } from './tables.ts';
import { takerOfReservations } from './transfer-ways.ts';
import { workflowNameOf } from './transfer-workflow.ts';

/** What the alarms watch. */
export interface AlarmsProps {
  readonly stage: StageName;
  readonly settings: StageSettings;
  readonly api: HttpApi;
  readonly functions: Functions;
  readonly metrics: LedgerMetrics;
  readonly tables: Tables;
  readonly workflow: StateMachine;
  readonly deadLetters: IQueue;
  readonly key: IKey | undefined;
}

/** The alarms, and the topic that tells its subscribers. */
export class Alarms extends Construct {
  readonly all: readonly Alarm[];
  readonly topic: Topic;

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    const { stage, settings, key } = props;
    this.topic = new Topic(this, 'Topic', {
      topicName: `holdfast-${stage}-alarms`,
      enforceSSL: true,
      ...(key && { masterKey: key }),
    });
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        sid: 'AllowAlarms',
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [this.topic.topicArn],
        // CloudWatch publishes for all its customers: only this account's alarms may.
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    );
    for (const address of settings.alarmEmails)
      this.topic.addSubscription(new EmailSubscription(address));
    const action = new SnsAction(this.topic);
    const watches = [
      ...ofMoney(props),
      ...ofStreams(props),
      ...ofRequests(props),
      ...ofCapacity(props),
    ];
    this.all = [...watches, ...ofWhatIsPassedOver(props)].map(
      ({ name, metric, threshold, periods = 1, ...watch }) => {
        const alarm = new Alarm(this, name, {
          alarmName: `holdfast-${stage}-${name}`,
          alarmDescription: `${watch.meaning} Type: ${watch.command}`,
          metric,
          threshold,
          evaluationPeriods: periods,
          comparisonOperator: watch.isBelow
            ? ComparisonOperator.LESS_THAN_THRESHOLD
            : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
          // Without traffic there are no data points, and nothing is wrong, unless the alarm
          // expects some.
          treatMissingData: watch.isBelow
            ? TreatMissingData.BREACHING
            : TreatMissingData.NOT_BREACHING,
        });
        alarm.addAlarmAction(action);
        return alarm;
      },
    );
  }
}

interface Watch {
  readonly name: string;
  readonly metric: IMetric;
  readonly threshold: number;
  /** It rings below the threshold, and where there are no data points at all. */
  readonly isBelow?: true;
  /** For how many periods in a row the threshold has to be crossed. */
  readonly periods?: number;
  /** What it means and what to do: the operator reads this first. */
  readonly meaning: string;
  /** What to type next. */
  readonly command: string;
}

const period = Duration.minutes(5);

/** Alarms on whether money arrives: the workflow, recovery, and transfers open for too long. */
const ofMoney = ({ stage, settings, metrics, workflow }: AlarmsProps): Watch[] => {
  const ofRecovery = (statistic: string): IMetric =>
    metrics.emittedBy('recover-transfers', 'OldestOpenTransferAge', { statistic, period });
  const recover = invoking(stage, 'recover-transfers', '{"from":"streams"}');
  const recoveryLog = tailing(stage, 'recover-transfers');
  const ofExpiry = (statistic: string): IMetric =>
    metrics.emittedBy('expire-holds', 'OldestOverdueHoldAge', { statistic, period });
  const expiryLog = tailing(stage, 'expire-holds');
  return [
    {
      name: 'failed-transfers',
      metric: combined(
        'SUM',
        [
          workflow.metricFailed({ period }),
          workflow.metricTimedOut({ period }),
          workflow.metricAborted({ period }),
        ],
        {
          label: 'Executions that did not succeed',
          period,
        },
      ),
      threshold: 1,
      meaning:
        'A transfer was left half done. Its money is still reserved and recover-transfers starts it again.',
      command: `aws logs tail /aws/vendedlogs/states/${workflowNameOf(stage, settings)} --since 1h --filter-pattern Failed`,
    },
    {
      name: 'oldest-open-transfer',
      metric: ofRecovery('Maximum'),
      threshold: settings.alarms.oldestOpenTransferMinutes * 60_000,
      meaning:
        'Money has been reserved for so long and has not arrived: recovery starts the transfer again and again, and it does not end. ' +
        'The log says which it is, and what its steps say.',
      command: recoveryLog,
    },
    {
      name: 'recovery-did-not-run',
      metric: ofRecovery('SampleCount'),
      threshold: 1,
      isBelow: true,
      meaning:
        'No search for open transfers came to its end in five minutes: what is interrupted now stays so. The rule is off, or the ' +
        'function fails or is throttled: its log says so. Where it is the views that cannot be read, the streams can.',
      command: recover,
    },
    {
      name: 'recovery-fails',
      metric: metrics.countOf('TransferRecoveryFailures', period),
      threshold: 1,
      meaning:
        'An open transfer could not be started again, or not be looked for. The next minute tries; the log says why.',
      command: recoveryLog,
    },
    {
      name: 'oldest-overdue-hold',
      metric: ofExpiry('Maximum'),
      threshold: settings.alarms.oldestOpenTransferMinutes * 60_000,
      meaning:
        'The time of a hold has been over for so long, and its money is still set aside. Nobody can capture it: that is refused. The log ' +
        'says why it cannot be given back.',
      command: expiryLog,
    },
    {
      name: 'expiry-did-not-run',
      metric: ofExpiry('SampleCount'),
      threshold: 1,
      isBelow: true,
      meaning:
        'No search for holds whose time is over came to its end in five minutes: their money stays set aside. The rule is off, or the ' +
        'function fails or is throttled: its log says so.',
      command: invoking(stage, 'expire-holds', '{}'),
    },
    {
      name: 'expiry-fails',
      metric: metrics.countOf('HoldExpiryFailures', period),
      threshold: 1,
      meaning:
        'A hold whose time is over could not be given back, or not be looked for. The next minute tries; the log says why.',
      command: expiryLog,
    },
  ];
};

/** Alarms on whether commits reach the functions that need them. */
const ofStreams = ({
  stage,
  settings: { alarms, transfers },
  functions,
  metrics,
  deadLetters,
}: AlarmsProps): Watch[] => {
  const taker = takerOfReservations(transfers);
  const receive = `aws sqs receive-message --queue-url ${deadLetters.queueUrl}`;
  return [
    {
      name: 'failed-records',
      metric: combined(
        'SUM',
        (['ProjectionFailures', 'TransferStartFailures', 'DecidePendingFailures'] as const).flatMap(
          (name) =>
            metrics
              .emittersOf(name)
              .map((service) => metrics.emittedBy(service, name, { statistic: 'Sum', period })),
        ),
        { label: 'Stream records that failed', period },
      ),
      threshold: alarms.failedRecords,
      meaning:
        'Consumers of streams report stream records as failed. They are delivered again, until they are given up as dead letters; their ' +
        `accounts wait meanwhile. The log of the consumer says why: project-views, ${taker} or decide-pending.`,
      command: tailing(stage, taker),
    },
    {
      // It counts letters sent, not letters that lie there: after a minute without one the alarm
      // ends, so that each later letter rings again.
      name: 'dead-letters',
      metric: deadLetters.metricNumberOfMessagesSent({
        period: Duration.minutes(1),
        statistic: 'Sum',
      }),
      threshold: 1,
      meaning:
        'A consumer of a stream has just given stream records up. The message says which function, and from where to where. Transfers are ' +
        `found by recover-transfers; the rows of the views are made again by: ${rebuilding(stage)}.`,
      command: receive,
    },
    {
      name: 'dead-letters-waiting',
      metric: deadLetters.metricApproximateNumberOfMessagesVisible({
        period,
        statistic: 'Maximum',
      }),
      threshold: 1,
      meaning:
        'There are dead letters that nobody has dealt with. One that is dealt with is deleted from the queue.',
      command: receive,
    },
    ...functions.consumers().map((name) => ({
      name: `${name}-is-late`,
      metric: functions.get(name).metric('IteratorAge', { period, statistic: 'Maximum' }),
      threshold: alarms.iteratorAgeSeconds * 1_000,
      meaning: `${name} is behind its stream: a batch keeps failing, or more is written than it can take.`,
      command: tailing(stage, name),
    })),
  ];
};

/** Alarms on whether clients are served, and how fast. */
const ofRequests = ({
  stage,
  settings: { alarms },
  api,
  functions,
  metrics,
  tables,
}: AlarmsProps): Watch[] => [
  {
    name: 'server-errors',
    metric: api.metricServerError({ period, statistic: 'Sum' }),
    threshold: alarms.serverErrors,
    meaning:
      'The API answered with a status of 500 or more. Each line has the route and what the integration said.',
    command: `aws logs tail /aws/vendedlogs/apis/holdfast-${stage} --since 1h --filter-pattern '{ $.status = "5*" }'`,
  },
  // By function: some wait when a client asks for it, so they are late on purpose, and the API's
  // own latency includes theirs. An alarm takes ten metrics, so there is one for each group.
  ...(['accounts', 'commands', 'queries'] as const).map((group) => ({
    name: `${group}-latency`,
    metric: combined(
      'MAX',
      metrics
        .emittersOf('RequestLatency')
        .filter((name) => definitionOf(name).group === group && !mayWait.has(name))
        .map((name) => metrics.emittedBy(name, 'RequestLatency', { statistic: 'p99', period })),
      { label: 'Slowest p99 of a route that does not wait', period },
    ),
    threshold: alarms.latencyMs,
    periods: 3,
    meaning:
      'For fifteen minutes one request in a hundred has been slow: a table throttles, an account is hot, or starts are cold. The ' +
      'dashboard shows which function.',
    command: `aws logs tail /aws/lambda/holdfast-${stage}-<function> --since 1h --filter-pattern '{ $.milliseconds > ${alarms.latencyMs} }'`,
  })),
  {
    name: 'lost-races',
    metric: lostRaces(tables),
    threshold: alarms.lostRacesPercent,
    periods: 3,
    meaning:
      'For fifteen minutes half of all appends or more have lost a race for an account. One account is hot, ' +
      'and queueing does not keep up: decide-pending is late or fails.',
    command: tailing(stage, 'decide-pending'),
  },
  ...functionGroups.flatMap((group) => {
    const all = functions.inGroup(group);
    return [
      {
        name: `${group}-fail`,
        metric: combined(
          'SUM',
          all.map((lambda) => lambda.metricErrors({ period })),
          { label: `${group}: errors`, period },
        ),
        threshold: alarms.functionErrors,
        meaning: `Invocations of ${group} failed. Their log groups are /aws/lambda/<function>.`,
        command: tailing(stage, '<function>'),
      },
      {
        name: `${group}-throttled`,
        metric: combined(
          'SUM',
          all.map((lambda) => lambda.metricThrottles({ period })),
          { label: `${group}: throttles`, period },
        ),
        threshold: alarms.functionThrottles,
        meaning: `Invocations of ${group} were refused: the account's concurrency is used up, or what is reserved for them.`,
        command: 'aws lambda get-account-settings',
      },
    ];
  }),
];

/** The functions that a client may ask to wait before they answer. */
const mayWait: ReadonlySet<FunctionName> = new Set(['request-transfer', 'bulk'] as const);

/** Lost races in percent of all appends; 0 where there are too few appends for a percentage. */
const lostRaces = ({ events }: Tables): IMetric => {
  const sum = (metricName: string) => events.metric(metricName, { statistic: 'Sum', period });
  const done = (Operation: string) =>
    events.metric('SuccessfulRequestLatency', {
      dimensionsMap: { TableName: events.tableName, Operation },
      statistic: 'SampleCount',
      period,
    });
  // `SUM` passes over metrics without data points; an addition would then have none either.
  const all = 'SUM([refused, conflicts, puts, transactions])';
  return new MathExpression({
    expression: `IF(${all} > 300, 100 * SUM([refused, conflicts]) / ${all}, 0)`,
    label: 'Lost races, percent of appends',
    usingMetrics: {
      refused: sum('ConditionalCheckFailedRequests'),
      conflicts: sum('TransactionConflict'),
      puts: done('PutItem'),
      transactions: done('TransactWriteItems'),
    },
    period,
  });
};

/** Alarms on whether the tables and the account have capacity for the load. */
const ofCapacity = ({ stage, settings: { alarms }, tables }: AlarmsProps): Watch[] => [
  ...tables.all.map(({ name, table, indexes }) => ({
    name: `${name}-table-throttles`,
    metric: combined('SUM', throttlesOf(table, indexes, period), {
      label: `${name}: throttled requests`,
      period,
    }),
    threshold: alarms.tableThrottles,
    meaning:
      `DynamoDB turned requests to the table ${name}${indexes.length > 0 ? ' or one of its indexes' : ''} away: an account is hot ` +
      '(a partition takes 1,000 write units a second), or the load grew faster than the table: see warmThroughput in infra/stages.ts.',
    command: `aws dynamodb describe-table --table-name holdfast-${stage}-${name} --query Table.WarmThroughput`,
  })),
  {
    name: 'concurrency',
    metric: LambdaFunction.metricAllConcurrentExecutions({ period, statistic: 'Maximum' }),
    threshold: alarms.concurrentExecutions,
    meaning:
      'Nearly all invocations that the account may run at once are running, whoever runs them. Beyond that they are refused. Ask for a ' +
      'higher quota, and see reservedConcurrency in infra/stages.ts.',
    command: 'aws lambda get-account-settings',
  },
];

/**
 * Alarms on what the functions pass over, since it would fail again and hold up everything else:
 * they count it, and the operator whom the alarm wakes has to repair it.
 */
const ofWhatIsPassedOver = ({ stage, metrics }: AlarmsProps): Watch[] => {
  const counted = (
    name: string,
    metricName: MetricName,
    meaning: string,
    command: string,
  ): Watch => ({
    name,
    metric: metrics.countOf(metricName, period),
    threshold: 1,
    meaning,
    command,
  });
  return [
    counted(
      'unreadable-records',
      'UnreadableRecords',
      'A consumer of a stream passed over a stream record that it cannot read: its log says which account. Deploy code that reads it, or put ' +
        'the item right; then make the rows of the account again, and invoke recover-transfers with {"from":"streams"}. A pending ' +
        'command is decided when its client repeats it.',
      rebuilding(stage, '<account>'),
    ),
    counted(
      'unreadable-rows',
      'UnreadableRows',
      'A row of the views cannot be read and is left out: the log says which. Make the rows again: of the account that its key names ' +
        '(account#ID, from#ID), or without --accounts all of them.',
      rebuilding(stage, '<account>'),
    ),
    counted(
      'credits-without-reservation',
      'CreditsWithoutReservation',
      'A transfer was to be credited that its source has not reserved; it was not. Somebody started the workflow with an input that no ' +
        'reservation made: the log has it.',
      tailing(stage, 'credit-transfer'),
    ),
    counted(
      'commits-ahead-of-time',
      'CommitsAheadOfTime',
      'Reservations are dated ahead of now: an environment that decides commands has a clock that is wrong.',
      tailing(stage, 'recover-transfers'),
    ),
  ];
};

const tailing = (stage: StageName, name: FunctionName | '<function>'): string =>
  `aws logs tail /aws/lambda/holdfast-${stage}-${name} --since 1h --filter-pattern '{ $.level = "ERROR" }'`;

const invoking = (stage: StageName, name: FunctionName, payload: string): string =>
  `aws lambda invoke --function-name holdfast-${stage}-${name} --cli-binary-format raw-in-base64-out --payload '${payload}' /dev/stdout`;

/**
 * Makes the views again from the streams: of some accounts, or all of them. Anew: a run that was
 * stopped may have passed what the alarm is about.
 */
const rebuilding = (stage: StageName, accounts?: string): string =>
  `npm run rebuild -- --stage ${stage}${accounts ? ` --accounts ${accounts}` : ''} --anew`;
