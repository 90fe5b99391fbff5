import { describe, expect, it } from 'vitest';
import { refusedByAws } from '../../../../local-cloud/template/bounds.ts';

const role = { Role: 'arn:aws:iam::000000000000:role/r' };

const table = (more: Record<string, unknown>) => ({
  AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
  KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
  ...more,
});

const filtered = (count: number) => ({
  FilterCriteria: { Filters: Array(count).fill({ Pattern: '{}' }) },
});

const variables = (given: Record<string, string>) => ({
  ...role,
  Environment: { Variables: given },
});

const CONFIG = 'LambdaManagedInstancesCapacityProviderConfig';

/** A function on managed instances. */
const onInstances = (more: Record<string, unknown> = {}, config: Record<string, unknown> = {}) => ({
  ...role,
  MemorySize: 2_048,
  CapacityProviderConfig: { [CONFIG]: { PerExecutionEnvironmentMaxConcurrency: 64, ...config } },
  ...more,
});

const environments = (MinExecutionEnvironments: number, MaxExecutionEnvironments: number) =>
  onInstances({ FunctionScalingConfig: { MinExecutionEnvironments, MaxExecutionEnvironments } });

const capacity = (VpcConfig: Record<string, unknown>, MaxVCpuCount = 12) => ({
  PermissionsConfig: {},
  VpcConfig,
  CapacityProviderScalingConfig: { MaxVCpuCount },
});

interface Bound {
  readonly type: string;
  /** At the very edge of what AWS takes. */
  readonly taken: readonly Record<string, unknown>[];
  /** Just beyond it, with what the refusal says. */
  readonly refused: readonly (readonly [Record<string, unknown>, string])[];
}

const bounds: readonly Bound[] = [
  {
    type: 'AWS::Lambda::Function',
    taken: [
      { ...role, Timeout: 1, MemorySize: 128, FunctionName: 'f'.repeat(64) },
      { ...role, Timeout: 900, MemorySize: 10_240 },
      variables({ TABLE_1: 'x'.repeat(4_096 - '{"TABLE_1":""}'.length) }),
      onInstances({}, { ExecutionEnvironmentMemoryGiBPerVCpu: 2 }),
      onInstances({ MemorySize: 32_768 }, { PerExecutionEnvironmentMaxConcurrency: 1_600 }),
      environments(0, 0),
      environments(15_000, 15_000),
    ],
    refused: [
      [{ ...role, Timeout: 901 }, 'Timeout is 901, and AWS takes 1 to 900'],
      [{ ...role, Timeout: 0 }, 'Timeout is 0'],
      [{ ...role, MemorySize: 127 }, 'MemorySize is 127, and AWS takes 128 to 10240'],
      [{ ...role, MemorySize: 10_241 }, 'MemorySize is 10241'],
      [{ ...role, FunctionName: 'f'.repeat(65) }, 'FunctionName is "fff'],
      [{}, 'property Role is missing'],
      [
        variables({ TABLE_1: 'x'.repeat(4_097 - '{"TABLE_1":""}'.length) }),
        'take 4097 bytes, and Lambda takes 4096',
      ],
      [variables({ AWS_REGION: 'x' }), "AWS_REGION is Lambda's own"],
      [variables({ LAMBDA_TASK_ROOT: 'x' }), "LAMBDA_TASK_ROOT is Lambda's own"],
      [variables({ '1ST': 'x' }), '"1ST" has a name that Lambda does not take'],
      [variables({ 'A-B': 'x' }), '"A-B" has a name'],
      [onInstances({ MemorySize: 2_047 }), 'MemorySize is 2047, and AWS takes 2048 to 32768'],
      [onInstances({ MemorySize: 32_769 }), 'MemorySize is 32769'],
      [onInstances({ MemorySize: undefined }), 'MemorySize is missing: with a CapacityProvider'],
      [
        onInstances({}, { PerExecutionEnvironmentMaxConcurrency: 0 }),
        'PerExecutionEnvironmentMaxConcurrency is 0, and AWS takes 1 to 1600',
      ],
      [
        onInstances({}, { PerExecutionEnvironmentMaxConcurrency: 1_601 }),
        'PerExecutionEnvironmentMaxConcurrency is 1601',
      ],
      [
        onInstances({}, { ExecutionEnvironmentMemoryGiBPerVCpu: 1.9 }),
        'ExecutionEnvironmentMemoryGiBPerVCpu is 1.9, and AWS takes 2 to 8',
      ],
      [
        onInstances({ ReservedConcurrentExecutions: 1 }),
        'ReservedConcurrentExecutions is not for functions with a CapacityProviderConfig',
      ],
      [environments(-1, 3), 'MinExecutionEnvironments is -1, and AWS takes 0 to 15000'],
      [environments(3, 15_001), 'MaxExecutionEnvironments is 15001'],
      [
        environments(4, 3),
        'MinExecutionEnvironments is 4, which is more than FunctionScalingConfig.MaxExecutionEnvironments, 3',
      ],
      [
        { ...role, FunctionScalingConfig: {} },
        'FunctionScalingConfig is for functions with a CapacityProviderConfig',
      ],
    ],
  },
  {
    type: 'AWS::Lambda::CapacityProvider',
    taken: [
      capacity({ SubnetIds: ['a'], SecurityGroupIds: [] }),
      capacity({ SubnetIds: Array(16).fill('a'), SecurityGroupIds: Array(5).fill('g') }, 15_000),
    ],
    refused: [
      [{}, 'property PermissionsConfig is missing'],
      [{ PermissionsConfig: {} }, 'property VpcConfig is missing'],
      [capacity({ SubnetIds: [] }), 'SubnetIds has 0 items, and AWS takes 1 at least'],
      [capacity({ SubnetIds: Array(17).fill('a') }), 'SubnetIds has 17 items, and AWS takes 16'],
      [capacity({ SecurityGroupIds: Array(6).fill('g') }), 'SecurityGroupIds has 6 items'],
      [capacity({}, 11), 'MaxVCpuCount is 11, and AWS takes 12 to 15000'],
      [capacity({}, 15_001), 'MaxVCpuCount is 15001'],
    ],
  },
  {
    type: 'AWS::Lambda::EventSourceMapping',
    taken: [
      {
        BatchSize: 1,
        MaximumRecordAgeInSeconds: -1,
        MaximumRetryAttempts: -1,
        ParallelizationFactor: 10,
      },
      { BatchSize: 10_000, MaximumRecordAgeInSeconds: 60, MaximumBatchingWindowInSeconds: 300 },
      filtered(5),
    ],
    refused: [
      [{ BatchSize: 0 }, 'BatchSize is 0'],
      [{ BatchSize: 10_001 }, 'BatchSize is 10001'],
      [
        { MaximumRecordAgeInSeconds: 59 },
        'MaximumRecordAgeInSeconds is 59, and AWS takes -1 or 60 to 604800',
      ],
      [{ MaximumRecordAgeInSeconds: 0 }, 'MaximumRecordAgeInSeconds is 0'],
      [{ MaximumRecordAgeInSeconds: 604_801 }, 'MaximumRecordAgeInSeconds is 604801'],
      [{ MaximumRetryAttempts: -2 }, 'MaximumRetryAttempts is -2'],
      [{ MaximumRetryAttempts: 10_001 }, 'MaximumRetryAttempts is 10001'],
      [{ ParallelizationFactor: 11 }, 'ParallelizationFactor is 11'],
      [{ MaximumBatchingWindowInSeconds: 301 }, 'MaximumBatchingWindowInSeconds is 301'],
      [filtered(6), 'it has 6 filters, and a mapping takes 5'],
      [
        { FilterCriteria: { Filters: [{ Pattern: 'x'.repeat(4_097) }] } },
        'Pattern is longer than 4096 characters',
      ],
    ],
  },
  {
    type: 'AWS::DynamoDB::Table',
    taken: [table({ TableName: 'abc' })],
    refused: [
      [table({ TableName: 'ab' }), 'TableName is "ab"'],
      [
        table({ KeySchema: [{ AttributeName: 'other', KeyType: 'HASH' }] }),
        'AttributeDefinitions has pk, which is in no key',
      ],
      [table({ AttributeDefinitions: [] }), 'pk is in a key and not in AttributeDefinitions'],
      [
        table({
          GlobalSecondaryIndexes: [{ KeySchema: [{ AttributeName: 'owner', KeyType: 'HASH' }] }],
        }),
        'owner is in a key and not in AttributeDefinitions',
      ],
    ],
  },
  {
    type: 'AWS::ApiGatewayV2::Integration',
    taken: [{ TimeoutInMillis: 50 }, { TimeoutInMillis: 30_000 }],
    refused: [
      [{ TimeoutInMillis: 30_001 }, 'TimeoutInMillis is 30001, and AWS takes 50 to 30000'],
      [{ TimeoutInMillis: 49 }, 'TimeoutInMillis is 49'],
    ],
  },
  {
    type: 'AWS::ApiGatewayV2::Route',
    taken: [{ RouteKey: '$default' }, { RouteKey: 'ANY /a/{b}' }],
    refused: [[{ RouteKey: 'get /a' }, 'RouteKey is "get /a"']],
  },
  {
    type: 'AWS::SQS::Queue',
    taken: [{ MessageRetentionPeriod: 60 }, { MessageRetentionPeriod: 1_209_600 }],
    refused: [[{ MessageRetentionPeriod: 1_209_601 }, 'MessageRetentionPeriod is 1209601']],
  },
  {
    type: 'AWS::Logs::LogGroup',
    taken: [{ RetentionInDays: 14 }, { RetentionInDays: { Ref: 'Days' } }],
    refused: [[{ RetentionInDays: 15 }, 'RetentionInDays is 15, and AWS takes 1, 3, 5']],
  },
  {
    type: 'AWS::CloudWatch::Alarm',
    taken: [{ Period: 10 }, { Period: 120 }],
    refused: [[{ Period: 90 }, 'Period is 90']],
  },
  {
    type: 'AWS::Events::Rule',
    taken: [{ Targets: Array(5).fill({}) }],
    refused: [[{ Targets: Array(6).fill({}) }, 'Targets has 6 items, and AWS takes 5']],
  },
  {
    type: 'AWS::StepFunctions::StateMachine',
    taken: [{ RoleArn: 'arn' }],
    refused: [
      [{}, 'property RoleArn is missing'],
      [{ RoleArn: 'arn', StateMachineName: 'a b' }, 'StateMachineName is "a b"'],
    ],
  },
];

describe.each(bounds)('of $type, AWS', ({ type, taken, refused }) => {
  it.each(taken)('takes %j', (properties) => {
    expect(refusedByAws(type, properties)).toBeUndefined();
  });
  it.each(refused)('refuses %j', (properties, why) => {
    expect(refusedByAws(type, properties)).toContain(why);
  });
});
