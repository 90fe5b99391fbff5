import { Template } from 'aws-cdk-lib/assertions';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { settingsOf } from '../../../infra/stages.ts';
import { createApp } from '../../../infra/synth.ts';
import { openTemplate } from '../../../local-cloud/template/resources.ts';
import { synthesized } from './synthesized.ts';

const prod = synthesized('prod');
const key = 'EncryptionKey.Arn';
const ofType = (type: string, resources = prod) =>
  resources.filter((resource) => resource.type === type);

const Statements = z.array(
  z.looseObject({
    Action: z.pipe(
      z.union([z.string(), z.array(z.string())]),
      z.transform((all) => [all].flat()),
    ),
    Resource: z.unknown(),
    Principal: z.optional(z.unknown()),
    Condition: z.optional(z.unknown()),
  }),
);
const statementsIn = (document: unknown) => Statements.parse(Object(document).Statement);

describe('the key of the customer', () => {
  it('is there in production, and where a stage asks for it', () => {
    expect(settingsOf('prod').key).toBe('customer');
    expect(ofType('AWS::KMS::Key')).toHaveLength(1);
    expect(ofType('AWS::KMS::Key', synthesized('dev'))).toEqual([]);
    expect(ofType('AWS::KMS::Key', synthesized('dev', { key: 'customer' }))).toHaveLength(1);
    expect(JSON.stringify(synthesized('prod', { key: 'aws' }))).not.toMatch(/kms/i);
  });

  it('is made new each year, and stays as long as the data that only it can read', () => {
    const [made] = ofType('AWS::KMS::Key');
    expect(made?.properties).toMatchObject({ EnableKeyRotation: true, PendingWindowInDays: 30 });
    expect(made?.deletionPolicy).toBe('RetainExceptOnCreate');
    const [thrownAway] = ofType('AWS::KMS::Key', synthesized('dev', { key: 'customer' }));
    expect(thrownAway?.deletionPolicy).toBe('Delete');
  });

  it.each([
    ['AWS::DynamoDB::Table', { SSESpecification: { KMSMasterKeyId: key, SSEEnabled: true } }],
    ['AWS::Logs::LogGroup', { KmsKeyId: key }],
    ['AWS::SQS::Queue', { KmsMasterKeyId: key }],
    ['AWS::SNS::Topic', { KmsMasterKeyId: key }],
    [
      'AWS::StepFunctions::StateMachine',
      { EncryptionConfiguration: { KmsKeyId: key, Type: 'CUSTOMER_MANAGED_KMS_KEY' } },
    ],
  ])('encrypts every %s', (type, properties) => {
    expect(ofType(type).length).toBeGreaterThan(0);
    for (const resource of ofType(type))
      expect(resource, resource.name).toMatchObject({ properties });
  });

  it('is used by services by themselves only for the log groups of this stage, the logs delivered in this account, and its alarms', () => {
    const [made] = ofType('AWS::KMS::Key');
    const [account, ...services] = statementsIn(made?.properties['KeyPolicy']);

    // The account's administrators: without them nobody could change the policy ever again.
    expect(account).toMatchObject({
      Principal: { AWS: 'arn:AWS::Partition:iam::AWS::AccountId:root' },
    });
    expect(services).toMatchObject([
      {
        Principal: { Service: 'logs.AWS::Region.amazonaws.com' },
        Condition: { ArnLike: { 'kms:EncryptionContext:aws:logs:arn': groups } },
      },
      {
        Action: ['kms:Decrypt'],
        Principal: { Service: 'delivery.logs.amazonaws.com' },
        Condition: { StringEquals: { 'kms:EncryptionContext:SourceArn': deliveredLogs } },
      },
      {
        Principal: { Service: 'cloudwatch.amazonaws.com' },
        Condition: { StringEquals: { 'aws:SourceAccount': 'AWS::AccountId' } },
      },
    ]);
    expect(services).toHaveLength(3);
  });

  it('is for the log groups that there are', () => {
    const patterns = groups.map(
      (arn) => new RegExp(`^${arn.split(':').at(-1)?.replaceAll('*', '.*')}$`),
    );
    for (const { name } of ofType('AWS::Logs::LogGroup'))
      expect(patterns.some((pattern) => pattern.test(name))).toBe(true);
  });
});

const groups = [
  '/aws/lambda/holdfast-prod-*',
  '/aws/vendedlogs/apis/holdfast-prod',
  '/aws/vendedlogs/states/holdfast-prod-*',
].map((name) => `arn:AWS::Partition:logs:AWS::Region:AWS::AccountId:log-group:${name}`);

const deliveredLogs = 'arn:AWS::Partition:logs:AWS::Region:AWS::AccountId:*';

it('is taken by the local cloud, which encrypts nothing, with all that is encrypted with it', () => {
  const { stack } = createApp({
    stage: 'prod',
    code: () => Code.fromInline('exports.handler = async () => {}'),
  });
  const resources = openTemplate({
    template: Template.fromStack(stack).toJSON(),
    stackName: 'Holdfast-prod',
    region: 'eu-central-1',
    accountId: '0'.repeat(12),
    assetDirectory: () => undefined,
  });
  const [made] = resources.all('AWS::KMS::Key');
  expect(made?.attribute('Arn')).toMatch(/^arn:aws:kms:eu-central-1:0{12}:key\/Holdfast-prod-/);
  expect(resources.all('AWS::DynamoDB::Table')).toHaveLength(4);
  expect(resources.all('AWS::SQS::Queue')).toHaveLength(1);
  expect(resources.all('AWS::StepFunctions::StateMachine')).toHaveLength(1);
});

describe('a role uses the key', () => {
  const uses = Object.fromEntries(
    ofType('AWS::IAM::Role').map(({ name, properties }) => [
      name,
      z
        .array(z.looseObject({ PolicyDocument: z.unknown() }))
        .parse(properties['Policies'])
        .flatMap(({ PolicyDocument }) => statementsIn(PolicyDocument))
        .filter(({ Action }) => Action.some((action) => action.startsWith('kms:'))),
    ]),
  );
  const servicesOf = (role: string) =>
    uses[role]?.map(({ Condition }) => Object(Condition).StringEquals['kms:ViaService']);
  const dynamodb = 'dynamodb.AWS::Region.amazonaws.com';
  const sqs = 'sqs.AWS::Region.amazonaws.com';
  const states = 'states.AWS::Region.amazonaws.com';

  it('on this key alone, and only under a condition', () => {
    for (const statement of Object.values(uses).flat())
      expect(statement).toMatchObject({ Resource: key, Condition: { StringEquals: {} } });
  });

  it.each([
    ['FunctionsHealthRole', []],
    ['FunctionsGetAccountRole', [dynamodb]],
    ['FunctionsDepositRole', [dynamodb]],
    ['FunctionsProjectViewsRole', [dynamodb, sqs]],
    ['FunctionsCarryOutTransfersRole', [dynamodb, sqs, states]],
    ['FunctionsRecoverTransfersRole', [dynamodb, states]],
  ])('%s by way of the services that it calls, and by no other way', (role, services) => {
    expect(servicesOf(role)).toEqual(services);
  });

  it('to read, where it only reads', () => {
    expect(uses['FunctionsGetAccountRole']?.flatMap(({ Action }) => Action)).toEqual([
      'kms:Decrypt',
      'kms:DescribeKey',
    ]);
    expect(uses['FunctionsDepositRole']?.flatMap(({ Action }) => Action)).toContain(
      'kms:GenerateDataKey',
    );
  });

  it('for its own executions, where it is the workflow’s', () => {
    expect(uses['TransferWorkflowRole']).toMatchObject([
      {
        Condition: {
          StringEquals: {
            'kms:EncryptionContext:aws:states:stateMachineArn':
              'arn:AWS::Partition:states:AWS::Region:AWS::AccountId:stateMachine:holdfast-prod-transfer-standard',
          },
        },
      },
      {
        Condition: {
          StringEquals: {
            'kms:EncryptionContext:SourceArn': deliveredLogs,
          },
        },
      },
    ]);
  });
});
