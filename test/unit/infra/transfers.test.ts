import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { describe, expect, it } from 'vitest';
import {
  computes,
  parseTransfers,
  settingsOf,
  stageNames,
  type Transfers,
  transfersSettings,
} from '../../../infra/stages.ts';
import { createApp } from '../../../infra/synth.ts';
import { metricsOfAlarm } from './metrics.ts';
import { synthesized } from './synthesized.ts';

/** The templates of all settings, and what is in them. */
const templates = stageNames.flatMap((stage) =>
  computes.flatMap((compute) =>
    transfersSettings.map((transfers) => {
      const resources = synthesized(stage, { compute, transfers });
      const ofType = (type: string) => resources.filter((resource) => resource.type === type);
      return { stage, compute, transfers, resources, ofType };
    }),
  ),
);
type Synthesized = (typeof templates)[number];

const takers: Record<Transfers, string> = {
  adaptive: 'carry-out-transfers',
  stream: 'carry-out-transfers',
  workflow: 'start-transfers',
};

const named = ({ ofType }: Synthesized, name: string) =>
  ofType('AWS::Lambda::Function').find((found) => found.name.endsWith(`-${name}`));

const variablesOf = (template: Synthesized, name: string) =>
  JSON.parse(JSON.stringify(named(template, name)?.properties['Environment'])).Variables;

const readerOf = ({ resources, stage, transfers }: Synthesized) =>
  resources.filter(
    ({ type, properties }) =>
      type === 'AWS::Lambda::EventSourceMapping' &&
      properties['FunctionName'] === `holdfast-${stage}-${takers[transfers]}`,
  );

describe('as it is set', () => {
  it.each(stageNames)('a transfer goes the short way where it can, in %s', (stage) => {
    expect(settingsOf(stage).transfers).toBe('adaptive');
  });
});

describe.each(templates)('$transfers, $compute, in $stage', (template) => {
  const { stage, compute, transfers, resources, ofType } = template;
  const other = transfers === 'workflow' ? 'carry-out-transfers' : 'start-transfers';
  const taker = takers[transfers];

  it('keeps the AwsSolutions rules of cdk-nag', () => {
    const outdir = mkdtempSync(join(tmpdir(), 'holdfast-transfers-'));
    const { app } = createApp({
      stage,
      settings: { compute, transfers },
      outdir,
      code: () => Code.fromInline('exports.handler = async () => {}'),
    });
    expect(() => app.synth()).not.toThrow();
    rmSync(outdir, { recursive: true });
  });

  it('has the one function that takes reservations, which two readers of a stream leave room for', () => {
    expect(named(template, taker)).toBeDefined();
    expect(named(template, other)).toBeUndefined();
    // The tables let functions of both settings write, so that a stage can move between them.
    const others = resources.filter(({ type }) => type !== 'AWS::DynamoDB::Table');
    expect(JSON.stringify(others).includes(other)).toBe(false);
    const readers = ofType('AWS::Lambda::EventSourceMapping').filter(
      ({ properties }) => properties['EventSourceArn'] === `holdfast-${stage}-events.StreamArn`,
    );
    expect(readers).toHaveLength(2);
    expect(readerOf(template)).toMatchObject([
      {
        properties: {
          EventSourceArn: `holdfast-${stage}-events.StreamArn`,
          StartingPosition: 'TRIM_HORIZON',
          BatchSize: 100,
          ParallelizationFactor: 1,
          MaximumRetryAttempts: 10,
          MaximumRecordAgeInSeconds: 60 * 60,
          BisectBatchOnFunctionError: true,
          FunctionResponseTypes: ['ReportBatchItemFailures'],
          FilterCriteria: {
            Filters: [
              { Pattern: '{"dynamodb":{"NewImage":{"reserves":{"N":[{"exists":true}]}}}}' },
            ],
          },
        },
      },
    ]);
  });

  it('tells request-transfer whether it may go the short way, and nobody else', () => {
    expect(variablesOf(template, 'request-transfer').SHORT_WAY).toBe(
      transfers === 'adaptive' ? 'on' : 'off',
    );
    const told = ofType('AWS::Lambda::Function').filter(({ properties }) =>
      JSON.stringify(properties).includes('SHORT_WAY'),
    );
    expect(told).toHaveLength(1);
  });

  it('rings for the function that takes reservations', () => {
    const alarms = ofType('AWS::CloudWatch::Alarm');
    const late = alarms.find(({ name }) => name === `holdfast-${stage}-${taker}-is-late`);
    expect(metricsOfAlarm(late?.properties ?? {})).toEqual([
      {
        namespace: 'AWS/Lambda',
        name: 'IteratorAge',
        dimensions: { FunctionName: `holdfast-${stage}-${taker}` },
      },
    ]);
    const failed = alarms.find(({ name }) => name === `holdfast-${stage}-failed-records`);
    expect(
      metricsOfAlarm(failed?.properties ?? {}).map(({ dimensions }) => dimensions['service']),
    ).toEqual(['project-views', taker, 'decide-pending']);
    expect(String(failed?.properties['AlarmDescription'])).toContain(taker);
    const unreadable = alarms.find(({ name }) => name === `holdfast-${stage}-unreadable-records`);
    expect(
      metricsOfAlarm(unreadable?.properties ?? {}).map(({ dimensions }) => dimensions['service']),
    ).toEqual(['project-views', taker, 'decide-pending']);
  });

  it('reserves concurrency for it in production, and for none that is not there', () => {
    const reserved = named(template, taker)?.properties['ReservedConcurrentExecutions'];
    expect(reserved).toBe(stage === 'prod' ? 50 : undefined);
  });
});

describe('where every transfer has an execution', () => {
  const template = templates.find(({ transfers }) => transfers === 'workflow');
  if (!template) throw new Error('there is none');

  it('the function that starts them is told of the workflow alone', () => {
    expect(variablesOf(template, 'start-transfers')).toEqual({
      TRANSFER_WORKFLOW_ARN: 'holdfast-dev-transfer-standard',
      NODE_OPTIONS: '--enable-source-maps',
      POWERTOOLS_SERVICE_NAME: 'start-transfers',
      POWERTOOLS_METRICS_NAMESPACE: 'Holdfast/dev',
      POWERTOOLS_LOG_LEVEL: 'INFO',
    });
  });

  it('it reads the stream and starts the workflow, and may read and write no table', () => {
    const role = template
      .ofType('AWS::IAM::Role')
      .find(({ name }) => name === 'FunctionsStartTransfersRole');
    const statements = JSON.parse(JSON.stringify(role?.properties['Policies']))[0].PolicyDocument
      .Statement;
    expect(statements.map(({ Action, Resource }: never) => [Resource, Action])).toEqual([
      [
        '/aws/lambda/holdfast-dev-start-transfers.Arn',
        ['logs:CreateLogStream', 'logs:PutLogEvents'],
      ],
      ['*', ['xray:PutTraceSegments', 'xray:PutTelemetryRecords']],
      [
        'holdfast-dev-events.StreamArn',
        ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator'],
      ],
      ['holdfast-dev-transfer-standard', 'states:StartExecution'],
      ['holdfast-dev-dead-letters.Arn', 'sqs:SendMessage'],
      ['*', 'dynamodb:ListStreams'],
    ]);
  });
});

describe('a stage that changes its setting', () => {
  it('keeps the mapping, which goes on where it is: a new one would begin with a day of reservations', () => {
    const ids = transfersSettings.map((transfers) => {
      const { stack } = createApp({
        stage: 'dev',
        settings: { transfers },
        code: () => Code.fromInline('exports.handler = async () => {}'),
      });
      return stack.node
        .findChild('CarryOutTransfers')
        .node.findAll()
        .map(({ node }) => node.path);
    });
    expect(new Set(ids.map((paths) => paths.join())).size).toBe(1);
  });
});

describe('what somebody types', () => {
  it('is one of three, or answered with all of them', () => {
    expect(transfersSettings.map(parseTransfers)).toEqual(['adaptive', 'stream', 'workflow']);
    expect(() => parseTransfers('Workflow')).toThrow(
      'There is no setting "Workflow" of transfers. There is: adaptive, stream, workflow.',
    );
  });
});
