import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { computes, keyOwners, stageNames, transfersSettings } from '../../../../infra/stages.ts';
import { templateOf } from '../synthesized.ts';
import { lint } from './lint.ts';

/** Every stage with every setting that puts other resources, or other properties, into it. */
const all = stageNames.flatMap((stage) =>
  computes.flatMap((compute) =>
    transfersSettings.flatMap((transfers) =>
      keyOwners.map((key) => ({ stage, compute, transfers, key })),
    ),
  ),
);

describe('CloudFormation', () => {
  it.each(all)('takes $stage on $compute with transfers $transfers and a key of $key', (one) => {
    const { stage, ...settings } = one;
    // Functions on instances cannot reserve concurrency.
    const reserved = settings.compute === 'instances' ? { reservedConcurrency: {} } : {};
    expect(lint(templateOf(stage, { ...settings, ...reserved }))).toEqual([]);
  });

  it.each(stageNames)('takes %s without traces, with Express, warm tables and e-mails', (stage) => {
    const template = templateOf(stage, {
      tracing: false,
      workflowType: 'express',
      warmThroughput: { events: { read: 20_000, write: 8_000 } },
      alarmEmails: ['operator@example.org'],
    });
    expect(lint(template)).toEqual([]);
  });
});

/** The template of production, to be parsed anew for each change. */
const prod = JSON.stringify(templateOf('prod'));

const Resources = z.record(z.string(), z.looseObject({ Type: z.string() }));

/** The template of production with one thing changed, by the type of the resource. */
const broken = (type: string, change: (resource: Record<string, unknown>) => void): unknown => {
  const template = JSON.parse(prod);
  const found = Object.values(Resources.parse(template['Resources'])).find(
    (resource) => resource.Type === type,
  );
  if (!found) throw new Error(`there is no ${type}`);
  // Parsing has copied the resource, and not what is in it.
  change(Object(found['Properties']));
  return template;
};

describe('a template is found fault with', () => {
  it.each<[string, string, (properties: Record<string, unknown>) => void, RegExp]>([
    [
      'for a property that there is not',
      'AWS::DynamoDB::Table',
      (table) => Object.assign(table, { BilingMode: 'PAY_PER_REQUEST' }),
      /\.BilingMode: there is no such property$/,
    ],
    [
      'for a property that is required',
      'AWS::DynamoDB::Table',
      (table) => delete table['KeySchema'],
      /\.KeySchema: it is required$/,
    ],
    [
      'for a property that is required inside of another',
      'AWS::ApiGatewayV2::Integration',
      (integration) => delete integration['IntegrationType'],
      /\.IntegrationType: it is required$/,
    ],
    [
      'for a value of another type',
      'AWS::Lambda::Function',
      (lambda) => Object.assign(lambda, { Timeout: '29 seconds' }),
      /\.Timeout: "29 seconds" is no integer$/,
    ],
    [
      'for a list that is none',
      'AWS::CloudWatch::Alarm',
      (alarm) => Object.assign(alarm, { AlarmActions: { Ref: 'AWS::Region' } }),
      /\.AlarmActions: a reference to one value is no array$/,
    ],
    [
      'for a value that is none of those there are',
      'AWS::Logs::LogGroup',
      (group) => Object.assign(group, { RetentionInDays: 8 }),
      /\.RetentionInDays: 8 is none of 1, 3, 5/,
    ],
    [
      'for a value that is none of those there are, deep inside',
      'AWS::Lambda::Function',
      (lambda) => Object.assign(lambda, { TracingConfig: { Mode: 'On' } }),
      /\.TracingConfig\.Mode: "On" is none of /,
    ],
    [
      'for a number out of its bounds',
      'AWS::Lambda::Function',
      (lambda) => Object.assign(lambda, { Timeout: 901 }),
      /property Timeout is 901, and AWS takes 1 to 900$/,
    ],
    [
      'for an attribute that a resource does not have',
      'AWS::CloudWatch::Alarm',
      (alarm) =>
        Object.assign(alarm, { AlarmName: { 'Fn::GetAtt': ['EncryptionKey514CDF8F', 'Name'] } }),
      /AWS::KMS::Key has no attribute Name$/,
    ],
    [
      'for a reference that leads nowhere',
      'AWS::CloudWatch::Alarm',
      (alarm) => Object.assign(alarm, { AlarmName: { Ref: 'Nothing' } }),
      /refers to Nothing: there is none$/,
    ],
    [
      'for a name that comes twice',
      'AWS::Logs::LogGroup',
      (group) => Object.assign(group, { LogGroupName: '/aws/lambda/holdfast-prod-deposit' }),
      / are both AWS::Logs::LogGroup \["\/aws\/lambda\/holdfast-prod-deposit"\]$/,
    ],
    [
      'for an action that is no name of one',
      'AWS::SQS::QueuePolicy',
      (policy) =>
        Object.assign(Object(policy['PolicyDocument']).Statement[0], { Action: 'SendMessage' }),
      /\.PolicyDocument\.Statement\.0\.Action: /,
    ],
    [
      'for an operator of conditions that IAM does not have',
      'AWS::SQS::QueuePolicy',
      (policy) =>
        Object.assign(Object(policy['PolicyDocument']).Statement[0], {
          Condition: { StringMatches: { 'aws:SourceAccount': '1' } },
        }),
      /\.Condition\.StringMatches: /,
    ],
    [
      'for a role that says nothing of who takes it',
      'AWS::IAM::Role',
      (role) => delete Object(role['AssumeRolePolicyDocument']).Statement[0].Principal,
      /\.Statement\.0: a statement here has a Principal$/,
    ],
    [
      'for a role that says nothing of what it is about',
      'AWS::IAM::Role',
      (role) => delete Object(role['Policies']).at(0).PolicyDocument.Statement[0].Resource,
      /\.Statement\.0: a statement here has a Resource$/,
    ],
  ])('%s', (_why, type, change, finding) => {
    expect(lint(broken(type, change))).toContainEqual(expect.stringMatching(finding));
  });

  it.each<[string, (resources: Record<string, Record<string, unknown>>) => void, RegExp]>([
    [
      'for a type that there is not',
      (resources) => Object.assign(resources, { More: { Type: 'AWS::SQS::Topic' } }),
      /^More: there is no resource type AWS::SQS::Topic$/,
    ],
    [
      'for a part of a resource that there is not',
      (resources) => Object.assign(resources, { More: { Type: 'AWS::SQS::Queue', Property: {} } }),
      /^Resources\.More: /,
    ],
    [
      'for a policy of deletion that there is not',
      (resources) =>
        Object.assign(resources, { More: { Type: 'AWS::SQS::Queue', DeletionPolicy: 'Keep' } }),
      /^Resources\.More\.DeletionPolicy: /,
    ],
    [
      'for resources that wait for each other',
      (resources) =>
        Object.assign(resources, {
          One: { Type: 'AWS::SQS::Queue', DependsOn: 'Two' },
          Two: {
            Type: 'AWS::SQS::Queue',
            Properties: { QueueName: { 'Fn::GetAtt': ['One', 'QueueName'] } },
          },
        }),
      /^One waits for Two waits for One$/,
    ],
  ])('%s', (_why, change, finding) => {
    const template = JSON.parse(prod);
    change(template['Resources']);
    expect(lint(template)).toEqual([expect.stringMatching(finding)]);
  });
});
