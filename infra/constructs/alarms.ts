import { Duration, Stack } from 'aws-cdk-lib';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  Metric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { type StageName, type StageSettings, streamConsumers } from '../stages.ts';
import { type FunctionGroup, type FunctionName, functionGroups } from './catalogue.ts';
import type { Functions } from './functions.ts';
import { metricsNamespace } from './ledger-function.ts';

/** What is watched. */
export interface AlarmsProps {
  readonly stage: StageName;
  readonly settings: StageSettings;
  readonly api: HttpApi;
  readonly functions: Functions;
  readonly workflow: StateMachine;
  readonly deadLetters: IQueue;
}

/** The alarms, and the topic that tells whoever subscribes to it. */
export class Alarms extends Construct {
  readonly all: readonly Alarm[];
  readonly topic: Topic;

  constructor(scope: Construct, id: string, { stage, settings, ...watched }: AlarmsProps) {
    super(scope, id);
    this.topic = new Topic(this, 'Topic', { topicName: `holdfast-${stage}-alarms`, enforceSSL: true });
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        sid: 'AllowAlarms',
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [this.topic.topicArn],
        // CloudWatch publishes for all its customers: this account's alarms alone.
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    );
    for (const address of settings.alarmEmails) this.topic.addSubscription(new EmailSubscription(address));
    const action = new SnsAction(this.topic);
    this.all = [...watches(settings, watched), ...passedOver(stage)].map(({ name, metric, threshold, description }) => {
      const alarm = new Alarm(this, name, {
        alarmName: `holdfast-${stage}-${name}`,
        alarmDescription: description,
        metric,
        threshold,
        evaluationPeriods: 1,
        comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        // Without traffic there are no data points, and nothing is wrong.
        treatMissingData: TreatMissingData.NOT_BREACHING,
      });
      alarm.addAlarmAction(action);
      return alarm;
    });
  }
}

interface Watch {
  readonly name: string;
  readonly metric: IMetric;
  readonly threshold: number;
  /** What it means and what to do: whoever is woken by it reads this first. */
  readonly description: string;
}

const period = Duration.minutes(5);

const watches = (
  { alarms }: StageSettings,
  { api, functions, workflow, deadLetters }: Pick<AlarmsProps, 'api' | 'functions' | 'workflow' | 'deadLetters'>,
): Watch[] => [
  {
    name: 'failed-transfers',
    metric: new MathExpression({
      expression: 'SUM(METRICS())',
      label: 'Executions that did not succeed',
      usingMetrics: {
        failed: workflow.metricFailed({ period }),
        timedOut: workflow.metricTimedOut({ period }),
        aborted: workflow.metricAborted({ period }),
      },
      period,
    }),
    threshold: 1,
    description: 'A transfer was left half done. Its money is still reserved and recover-transfers starts it again.',
  },
  {
    name: 'dead-letters',
    metric: deadLetters.metricApproximateNumberOfMessagesVisible({ period, statistic: 'Maximum' }),
    threshold: 1,
    description: 'A consumer of a stream gave records up. The message says which function and which records.',
  },
  ...streamConsumers.map((name) => ({
    name: `${name}-is-late`,
    metric: functions.get(name).metric('IteratorAge', { period, statistic: 'Maximum' }),
    threshold: alarms.iteratorAgeSeconds * 1_000,
    description: `${name} is behind its stream: a batch keeps failing, or more is written than it can take.`,
  })),
  {
    name: 'server-errors',
    metric: api.metricServerError({ period, statistic: 'Sum' }),
    threshold: alarms.serverErrors,
    description: 'The API answered with a status of 500 or more.',
  },
  ...functionGroups.flatMap((group) => [
    {
      name: `${group}-fail`,
      metric: sumOf(functions.inGroup(group), group, 'errors', (lambda) => lambda.metricErrors({ period })),
      threshold: alarms.functionErrors,
      description: `Invocations of ${group} failed. Their log groups are /aws/lambda/<function>.`,
    },
    {
      name: `${group}-throttled`,
      metric: sumOf(functions.inGroup(group), group, 'throttles', (lambda) => lambda.metricThrottles({ period })),
      threshold: alarms.functionThrottles,
      description: `Invocations of ${group} were refused: the account's concurrency is used up.`,
    },
  ]),
];

/**
 * What the functions pass over, since it would fail again and hold up everybody else: they count it, and whoever is woken here has
 * it put right.
 */
const passedOver = (stage: StageName): Watch[] => {
  const counted = (name: string, metricName: string, services: readonly FunctionName[], description: string): Watch => {
    const metric = (service: FunctionName) =>
      new Metric({
        namespace: metricsNamespace(stage),
        metricName,
        dimensionsMap: { service },
        statistic: 'Sum',
        period,
      });
    const usingMetrics = Object.fromEntries(services.map((service, index) => [`m${index}`, metric(service)]));
    const sum = new MathExpression({ expression: 'SUM(METRICS())', label: metricName, usingMetrics, period });
    return { name, metric: sum, threshold: 1, description };
  };
  return [
    counted(
      'unreadable-records',
      'UnreadableRecords',
      ['project-views', 'carry-out-transfers', 'decide-pending'],
      'A consumer of a stream passed over a record that it cannot read: its log says which account. Deploy code that reads ' +
        'it, or put the item right; then invoke project-views with {"accounts":["<account>"]}, and recover-transfers with ' +
        '{"from":"streams"}. A pending command is decided when its client repeats it.',
    ),
    counted(
      'unreadable-rows',
      'UnreadableRows',
      ['recover-transfers', 'list-entries', 'list-transfers', 'get-transfer'],
      'A row of the views cannot be read and is left out: the log says which. Invoke project-views with ' +
        '{"accounts":["<account>"]}, which makes its rows again.',
    ),
    counted(
      'credits-without-reservation',
      'CreditsWithoutReservation',
      ['credit-transfer'],
      'A transfer was to be credited that its source has not reserved; it was not. Somebody started the workflow with an ' +
        'input that no reservation made: the log has it.',
    ),
    counted(
      'commits-ahead-of-time',
      'CommitsAheadOfTime',
      ['recover-transfers'],
      'Reservations are dated ahead of now: an environment that decides commands has a clock that is wrong.',
    ),
  ];
};

/** One alarm per group, not per function: an alarm can add up ten metrics, and costs the same as with one. */
const sumOf = (
  functions: readonly IFunction[],
  group: FunctionGroup,
  what: string,
  metric: (lambda: IFunction) => IMetric,
): IMetric =>
  new MathExpression({
    expression: 'SUM(METRICS())',
    label: `${group}: ${what}`,
    usingMetrics: Object.fromEntries(functions.map((lambda, index) => [`m${index}`, metric(lambda)])),
    period,
  });
