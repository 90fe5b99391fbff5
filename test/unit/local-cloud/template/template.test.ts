import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { readTemplate } from '../../../../local-cloud/template/template.ts';

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

type Resources = Record<
  string,
  { Type: string; Properties?: Record<string, unknown>; [more: string]: unknown }
>;

function roleOf(service: string, properties: Record<string, unknown> = {}) {
  const Statement = [
    { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: service } },
  ];
  return {
    Type: 'AWS::IAM::Role',
    Properties: { AssumeRolePolicyDocument: { Statement }, ...properties },
  };
}

const api: Resources = {
  Role: roleOf('lambda.amazonaws.com'),
  MachineRole: roleOf('states.amazonaws.com'),
  Api: {
    Type: 'AWS::ApiGatewayV2::Api',
    Properties: { Name: 'ledger', ProtocolType: 'HTTP', Description: 'x' },
  },
  Stage: {
    Type: 'AWS::ApiGatewayV2::Stage',
    Properties: {
      ApiId: { Ref: 'Api' },
      StageName: '$default',
      AutoDeploy: true,
      AccessLogSettings: { Format: 'x' },
    },
  },
};

const table: Resources[string] = {
  Type: 'AWS::DynamoDB::Table',
  Properties: {
    TableName: 'events',
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    StreamSpecification: { StreamViewType: 'NEW_IMAGE' },
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
  },
  DeletionPolicy: 'Retain',
};

const code = {
  S3Bucket: { 'Fn::Join': ['-', ['assets', { Ref: 'AWS::Region' }]] },
  S3Key: 'abc.zip',
};

const functionOf = (properties: Record<string, unknown> = {}): Resources[string] => ({
  Type: 'AWS::Lambda::Function',
  Properties: {
    Runtime: 'nodejs24.x',
    Handler: 'index.handler',
    Code: code,
    Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
    ...properties,
  },
  DependsOn: ['Role'],
});

const capacity: Resources = {
  Vpc: { Type: 'AWS::EC2::VPC', Properties: { CidrBlock: '10.0.0.0/16' } },
  Subnet: { Type: 'AWS::EC2::Subnet', Properties: { VpcId: { Ref: 'Vpc' } } },
  Capacity: {
    Type: 'AWS::Lambda::CapacityProvider',
    Properties: {
      VpcConfig: { SubnetIds: [{ Ref: 'Subnet' }], SecurityGroupIds: [] },
      PermissionsConfig: { CapacityProviderOperatorRoleArn: { 'Fn::GetAtt': ['Role', 'Arn'] } },
    },
  },
};

const onInstances = (
  properties: Record<string, unknown> = {},
  CapacityProviderArn: unknown = { 'Fn::GetAtt': ['Capacity', 'Arn'] },
): Resources[string] =>
  functionOf({
    MemorySize: 2048,
    PublishToLatestPublished: true,
    Environment: { Variables: { AWS_LAMBDA_NODEJS_WORKER_COUNT: '1' } },
    CapacityProviderConfig: {
      LambdaManagedInstancesCapacityProviderConfig: {
        CapacityProviderArn,
        PerExecutionEnvironmentMaxConcurrency: 64,
      },
    },
    ...properties,
  });

const write = (
  resources: Resources,
  more: Record<string, unknown> = {},
  environment = 'aws://unknown-account/unknown-region',
) => {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-assembly-'));
  directories.push(directory);
  const write = (file: string, value: unknown) =>
    writeFileSync(join(directory, file), JSON.stringify(value));
  mkdirSync(join(directory, 'asset.abc'));
  write('manifest.json', {
    artifacts: {
      'Ledger.assets': { type: 'cdk:asset-manifest', properties: { file: 'assets.json' } },
      Ledger: {
        type: 'aws:cloudformation:stack',
        environment,
        properties: { templateFile: 'template.json' },
      },
      Tree: { type: 'cdk:tree' },
    },
  });
  write('template.json', { Resources: { ...api, ...resources }, Outputs: {}, ...more });
  write('assets.json', {
    files: {
      abc: {
        source: { path: 'asset.abc', packaging: 'zip' },
        destinations: { here: { objectKey: 'abc.zip' } },
      },
      template: {
        source: { path: 'template.json', packaging: 'file' },
        destinations: { here: { objectKey: 'x.json' } },
      },
    },
  });
  return directory;
};

const invokeConfig = (properties: Record<string, unknown> = {}): Resources[string] => ({
  Type: 'AWS::Lambda::EventInvokeConfig',
  Properties: {
    FunctionName: { Ref: 'Recover' },
    Qualifier: '$LATEST',
    MaximumRetryAttempts: 0,
    ...properties,
  },
});

const everyMinute: Resources[string] = {
  Type: 'AWS::Events::Rule',
  Properties: {
    ScheduleExpression: 'rate(1 minute)',
    Targets: [{ Id: 'T', Arn: { 'Fn::GetAtt': ['Recover', 'Arn'] } }],
  },
};

describe('readTemplate', () => {
  it('gives a function its code, settings and variables', () => {
    const directory = write({
      Events: table,
      Deposit: functionOf({
        FunctionName: 'ledger-deposit',
        Timeout: 20,
        MemorySize: 1024,
        Environment: {
          Variables: {
            EVENTS_TABLE: { Ref: 'Events' },
            WHERE: {
              'Fn::Join': [
                '/',
                [{ Ref: 'AWS::Region' }, { Ref: 'AWS::AccountId' }, { Ref: 'AWS::StackName' }],
              ],
            },
            ABSENT: { Ref: 'AWS::NoValue' },
          },
        },
        LoggingConfig: { LogGroup: { 'Fn::ImportValue': 'not resolved since it has no effect' } },
      }),
    });
    expect(readTemplate(directory).functions).toEqual([
      {
        name: 'ledger-deposit',
        arn: 'arn:aws:lambda:us-east-1:000000000000:function:ledger-deposit',
        region: 'us-east-1',
        roleArn: 'arn:aws:iam::000000000000:role/Ledger-Role',
        codeDirectory: join(directory, 'asset.abc'),
        handler: 'index.handler',
        timeoutSeconds: 20,
        memoryMb: 1024,
        variables: { EVENTS_TABLE: 'events', WHERE: 'us-east-1/000000000000/Ledger' },
      },
    ]);
  });

  it('takes names, region, account and defaults where the template leaves them to CloudFormation', () => {
    const template = readTemplate(
      write({ Deposit: functionOf() }, {}, 'aws://123456789012/eu-west-1'),
    );
    expect(template).toMatchObject({
      stackName: 'Ledger',
      region: 'eu-west-1',
      accountId: '123456789012',
    });
    expect(template.functions).toMatchObject([
      {
        name: 'Ledger-Deposit',
        arn: 'arn:aws:lambda:eu-west-1:123456789012:function:Ledger-Deposit',
        timeoutSeconds: 3,
        memoryMb: 128,
        variables: {},
      },
    ]);
  });

  it('leaves out of a table what has no effect', () => {
    const [events] = readTemplate(write({ Events: table })).tables;
    expect(events).toMatchObject({ logicalId: 'Events', name: 'events' });
    expect(Object.keys(events?.properties ?? {})).not.toContain('PointInTimeRecoverySpecification');
  });

  it('leads the routes of the API to functions', () => {
    const { api } = readTemplate(
      write({
        Deposit: functionOf({ FunctionName: 'deposit' }),
        Integration: {
          Type: 'AWS::ApiGatewayV2::Integration',
          Properties: {
            ApiId: { Ref: 'Api' },
            IntegrationType: 'AWS_PROXY',
            IntegrationUri: { 'Fn::GetAtt': ['Deposit', 'Arn'] },
            PayloadFormatVersion: '2.0',
          },
        },
        Route: {
          Type: 'AWS::ApiGatewayV2::Route',
          Properties: {
            ApiId: { Ref: 'Api' },
            RouteKey: 'POST /deposits',
            Target: { 'Fn::Join': ['', ['integrations/', { Ref: 'Integration' }]] },
            AuthorizationType: 'NONE',
          },
        },
        Stage: {
          Type: 'AWS::ApiGatewayV2::Stage',
          Properties: {
            ApiId: { Ref: 'Api' },
            StageName: '$default',
            AutoDeploy: true,
            DefaultRouteSettings: { ThrottlingBurstLimit: 10, ThrottlingRateLimit: 5 },
            RouteSettings: {
              'POST /deposits': { ThrottlingBurstLimit: 2, ThrottlingRateLimit: 1 },
            },
          },
        },
      }),
    );
    expect(api).toMatchObject({
      stage: '$default',
      throttle: { rateLimit: 5, burstLimit: 10 },
      routeThrottles: new Map([['POST /deposits', { rateLimit: 1, burstLimit: 2 }]]),
      routes: [
        { routeKey: 'POST /deposits', target: { functionName: 'deposit', timeoutMs: 30_000 } },
      ],
    });
  });

  it('knows which routes take tokens, and whose: of a user pool’s client by its name', () => {
    const { api } = readTemplate(write(withTokens()));
    expect(api.audience).toEqual(['Ledger-App']);
    expect(api.routes.map(({ target }) => target.isAuthorized)).toEqual([true]);
  });

  it('connects an event source mapping with its table, function and queue', () => {
    const { eventSourceMappings } = readTemplate(
      write({
        Events: table,
        Project: functionOf({ FunctionName: 'project' }),
        Dead: {
          Type: 'AWS::SQS::Queue',
          Properties: { QueueName: 'dead', MessageRetentionPeriod: 60 },
        },
        Mapping: {
          Type: 'AWS::Lambda::EventSourceMapping',
          Properties: {
            EventSourceArn: { 'Fn::GetAtt': ['Events', 'StreamArn'] },
            FunctionName: { Ref: 'Project' },
            StartingPosition: 'TRIM_HORIZON',
            BatchSize: 25,
            DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': ['Dead', 'Arn'] } } },
          },
        },
      }),
    );
    expect(eventSourceMappings).toMatchObject([
      {
        logicalId: 'Mapping',
        table: 'Events',
        functionName: 'project',
        onFailure: 'dead',
        properties: { BatchSize: 25, StartingPosition: 'TRIM_HORIZON' },
      },
    ]);
  });

  it('fills the ARNs of functions into the definition of a state machine', () => {
    const { stateMachines } = readTemplate(
      write({
        Credit: functionOf({ FunctionName: 'credit' }),
        Machine: {
          Type: 'AWS::StepFunctions::StateMachine',
          Properties: {
            StateMachineName: 'transfer',
            RoleArn: { 'Fn::GetAtt': ['MachineRole', 'Arn'] },
            DefinitionString: {
              'Fn::Join': ['', ['{"Resource":"', { 'Fn::GetAtt': ['Credit', 'Arn'] }, '"}']],
            },
          },
        },
      }),
    );
    expect(stateMachines).toEqual([
      {
        name: 'transfer',
        arn: 'arn:aws:states:us-east-1:000000000000:stateMachine:transfer',
        type: 'STANDARD',
        roleArn: 'arn:aws:iam::000000000000:role/Ledger-MachineRole',
        definition: { Resource: 'arn:aws:lambda:us-east-1:000000000000:function:credit' },
      },
    ]);
  });

  it('knows how much concurrency is reserved for a function', () => {
    const { functions } = readTemplate(
      write({ F: functionOf({ ReservedConcurrentExecutions: 6 }), G: functionOf() }),
    );
    expect(functions.map(({ reservedConcurrency }) => reservedConcurrency)).toEqual([6, undefined]);
  });

  it.each([
    [
      { MinExecutionEnvironments: 2, MaxExecutionEnvironments: 5 },
      { least: 2, most: 5 },
    ],
    [
      { MinExecutionEnvironments: 0, MaxExecutionEnvironments: 5 },
      { least: 1, most: 5 },
    ],
    [
      { MinExecutionEnvironments: 0, MaxExecutionEnvironments: 0 },
      { least: 0, most: 0 },
    ],
    [{ MaxExecutionEnvironments: 2 }, { least: 2, most: 2 }],
    [undefined, { least: 3, most: Number.POSITIVE_INFINITY }],
  ])(
    'knows how many invocations share an environment, and of %j how many of those there are',
    (FunctionScalingConfig, bounds) => {
      const { functions } = readTemplate(
        write({ ...capacity, Deposit: onInstances({ FunctionScalingConfig }) }),
      );
      expect(functions).toMatchObject([{ shared: { invocationsAtOnce: 64, ...bounds } }]);
    },
  );

  it('leaves the warm throughput of tables and indexes out: nothing is throttled', () => {
    const WarmThroughput = { ReadUnitsPerSecond: 20_000, WriteUnitsPerSecond: 8_000 };
    const index = {
      IndexName: 'byPk',
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      Projection: { ProjectionType: 'ALL' },
    };
    const properties = {
      ...table?.Properties,
      WarmThroughput,
      GlobalSecondaryIndexes: [{ ...index, WarmThroughput }],
    };
    const { tables } = readTemplate(
      write({ Views: { Type: 'AWS::DynamoDB::Table', Properties: properties } }),
    );
    expect(tables[0]?.properties.GlobalSecondaryIndexes).toEqual([index]);
    expect(tables[0]?.properties).not.toHaveProperty('WarmThroughput');
  });

  it('reads schedules with their input, but for disabled ones', () => {
    const rule = (State: string, Input?: string) => ({
      Type: 'AWS::Events::Rule',
      Properties: {
        Name: 'every-minute',
        ScheduleExpression: 'rate(1 minute)',
        State,
        Targets: [{ Id: 'T', Arn: { 'Fn::GetAtt': ['Recover', 'Arn'] }, ...(Input && { Input }) }],
      },
    });
    const { schedules } = readTemplate(
      write({
        Recover: functionOf({ FunctionName: 'recover' }),
        Asynchronous: invokeConfig({ MaximumEventAgeInSeconds: 60 }),
        On: rule('ENABLED'),
        WithInput: rule('ENABLED', '{"from":"streams"}'),
        Off: rule('DISABLED'),
      }),
    );
    const schedule = {
      name: 'every-minute',
      expression: 'rate(1 minute)',
      functionName: 'recover',
      maximumEventAgeSeconds: 60,
      arn: 'arn:aws:events:us-east-1:000000000000:rule/every-minute',
    };
    expect(schedules).toEqual([schedule, { ...schedule, input: { from: 'streams' } }]);
  });
});

/** A route that takes the tokens of a user pool. */
function withTokens(): Resources {
  return {
    F: functionOf(),
    Integration: {
      Type: 'AWS::ApiGatewayV2::Integration',
      Properties: {
        ApiId: { Ref: 'Api' },
        IntegrationType: 'AWS_PROXY',
        IntegrationUri: { 'Fn::GetAtt': ['F', 'Arn'] },
        PayloadFormatVersion: '2.0',
      },
    },
    Route: {
      Type: 'AWS::ApiGatewayV2::Route',
      Properties: {
        ApiId: { Ref: 'Api' },
        RouteKey: 'POST /deposits',
        Target: { 'Fn::Join': ['', ['integrations/', { Ref: 'Integration' }]] },
        AuthorizationType: 'JWT',
        AuthorizerId: { Ref: 'Tokens' },
      },
    },
    Tokens: authorizer,
    Users: { Type: 'AWS::Cognito::UserPool', Properties: { UserPoolName: 'users' } },
    App: {
      Type: 'AWS::Cognito::UserPoolClient',
      Properties: { UserPoolId: { Ref: 'Users' } },
    },
  };
}

const authorizer: Resources[string] = {
  Type: 'AWS::ApiGatewayV2::Authorizer',
  Properties: {
    ApiId: { Ref: 'Api' },
    AuthorizerType: 'JWT',
    IdentitySource: ['$request.header.Authorization'],
    JwtConfiguration: {
      Audience: [{ Ref: 'App' }],
      Issuer: { 'Fn::GetAtt': ['Users', 'ProviderURL'] },
    },
    Name: 'Tokens',
  },
};

interface Refusal {
  readonly what: string;
  readonly resources?: Resources;
  readonly more?: Record<string, unknown>;
  readonly message: string;
}

const refusals: readonly Refusal[] = [
  {
    what: 'a bound for a route that there is not',
    resources: {
      Stage: {
        Type: 'AWS::ApiGatewayV2::Stage',
        Properties: {
          ApiId: { Ref: 'Api' },
          StageName: '$default',
          AutoDeploy: true,
          RouteSettings: { 'POST /x': { ThrottlingBurstLimit: 1, ThrottlingRateLimit: 1 } },
        },
      },
    },
    message:
      'Holdfast local cannot run AWS::ApiGatewayV2::Stage "Stage": RouteSettings names the route POST /x, which the API does not have',
  },
  {
    what: 'a setting of a route other than how many requests it takes',
    resources: {
      Stage: {
        Type: 'AWS::ApiGatewayV2::Stage',
        Properties: {
          ApiId: { Ref: 'Api' },
          StageName: '$default',
          AutoDeploy: true,
          RouteSettings: { 'POST /x': { DetailedMetricsEnabled: true } },
        },
      },
    },
    message:
      'Holdfast local cannot run AWS::ApiGatewayV2::Stage "Stage": property RouteSettings.POST /x',
  },
  {
    what: 'two authorizers',
    resources: { ...withTokens(), Others: authorizer },
    message: 'Holdfast local runs one AWS::ApiGatewayV2::Authorizer, and the template has more',
  },
  {
    what: 'an authorizer that is no JWT authorizer',
    resources: {
      ...withTokens(),
      Tokens: {
        ...authorizer,
        Properties: { ...authorizer.Properties, AuthorizerType: 'REQUEST' },
      },
    },
    message: 'property AuthorizerType is "REQUEST", which is not implemented',
  },
  {
    what: 'a type it does not know',
    resources: { Bucket: { Type: 'AWS::S3::Bucket' } },
    message: 'Holdfast local cannot run AWS::S3::Bucket "Bucket": this type is not implemented',
  },
  {
    what: 'a property it does not know',
    resources: { F: functionOf({ EphemeralStorage: { Size: 1024 } }) },
    message:
      'Holdfast local cannot run AWS::Lambda::Function "F": property EphemeralStorage is not implemented',
  },
  {
    what: 'a property inside of another',
    resources: { F: functionOf({ Code: { ...code, S3ObjectVersion: '1' } }) },
    message: 'AWS::Lambda::Function "F": property Code.S3ObjectVersion is not implemented',
  },
  {
    what: 'a value it does not know',
    resources: { F: functionOf({ Runtime: 'python3.13' }) },
    message:
      'AWS::Lambda::Function "F": property Runtime is "python3.13", which is not implemented',
  },
  {
    what: 'a value inside of a list',
    resources: {
      Events: {
        Type: 'AWS::DynamoDB::Table',
        Properties: {
          ...table?.Properties,
          KeySchema: [{ AttributeName: 'pk', KeyType: 'OTHER' }],
        },
      },
    },
    message:
      'AWS::DynamoDB::Table "Events": property KeySchema.0.KeyType is "OTHER", which is not implemented',
  },
  {
    what: 'a missing property',
    resources: {
      F: {
        Type: 'AWS::Lambda::Function',
        Properties: { Runtime: 'nodejs24.x', Code: code, Role: 'arn' },
      },
    },
    message: 'AWS::Lambda::Function "F": property Handler is missing',
  },
  {
    what: 'a condition on a resource',
    resources: { F: { ...functionOf(), Condition: 'IsProd' } },
    message: 'Holdfast local cannot run AWS::Lambda::Function "F" with Condition: not implemented',
  },
  {
    what: 'a section of the template',
    more: { Conditions: {} },
    message: 'Holdfast local cannot run a template with Conditions: not implemented',
  },
  {
    what: 'an intrinsic function',
    resources: { F: functionOf({ FunctionName: { 'Fn::ImportValue': 'x' } }) },
    message:
      'AWS::Lambda::Function "F": property FunctionName: the function Fn::ImportValue is not implemented',
  },
  {
    what: 'an attribute that has no value here',
    resources: {
      Events: table ?? { Type: '' },
      F: functionOf({ FunctionName: { 'Fn::GetAtt': ['Events', 'Other'] } }),
    },
    message:
      'AWS::Lambda::Function "F": property FunctionName: Fn::GetAtt Events.Other has no value here',
  },
  {
    what: 'code that was not synthesized',
    resources: { F: functionOf({ Code: { ...code, S3Key: 'other.zip' } }) },
    message: 'The code of AWS::Lambda::Function "F" is not in',
  },
  {
    what: 'a schedule for something else than a function',
    resources: {
      Rule: {
        Type: 'AWS::Events::Rule',
        Properties: {
          ScheduleExpression: 'rate(1 minute)',
          Targets: [{ Id: 'T', Arn: 'arn:aws:sqs:x' }],
        },
      },
    },
    message: '"Rule" refers to arn:aws:sqs:x, which is not a resource that runs here',
  },
  {
    what: "a schedule whose function has Lambda's own retries",
    resources: { Recover: functionOf({ FunctionName: 'recover' }), Rule: everyMinute },
    message:
      'AWS::Events::Rule "Rule": Lambda would try a failed invocation of recover again, twice',
  },
  {
    what: 'retries of asynchronous invocations',
    resources: {
      Recover: functionOf({ FunctionName: 'recover' }),
      Asynchronous: invokeConfig({ MaximumRetryAttempts: 1 }),
    },
    message:
      'AWS::Lambda::EventInvokeConfig "Asynchronous": property MaximumRetryAttempts is 1, which is not implemented',
  },
  {
    what: 'a capacity provider that is not in the template',
    resources: {
      F: onInstances({}, 'arn:aws:lambda:us-east-1:000000000000:capacity-provider:other'),
    },
    message: '"F" refers to arn:aws:lambda:us-east-1:000000000000:capacity-provider:other, which',
  },
  {
    what: 'a capacity provider that there is none of',
    resources: { F: onInstances() },
    message: 'refers to Capacity: there is none',
  },
  {
    what: 'an environment of several threads, which share less than one does',
    resources: { ...capacity, F: onInstances({ Environment: { Variables: {} } }) },
    message: 'AWS::Lambda::Function "F": with a CapacityProviderConfig only one thread per',
  },
  {
    what: 'a version that somebody else has to publish',
    resources: { ...capacity, F: onInstances({ PublishToLatestPublished: false }) },
    message: 'property PublishToLatestPublished is false, which is not implemented',
  },
  {
    what: 'what AWS refuses of a function on managed instances',
    resources: { ...capacity, F: onInstances({ MemorySize: 1024 }) },
    message: 'AWS::Lambda::Function "F": property MemorySize is 1024, and AWS takes 2048 to 32768',
  },
  {
    what: 'a second API',
    resources: {
      Other: { Type: 'AWS::ApiGatewayV2::Api', Properties: { Name: 'b', ProtocolType: 'HTTP' } },
    },
    message: 'Holdfast local runs one AWS::ApiGatewayV2::Api, and the template has 2',
  },
];

describe('a template that cannot be run', () => {
  it.each(refusals)('is refused by name: $what', ({ resources = {}, more, message }) => {
    const directory = write(resources, more);
    expect(() => readTemplate(directory)).toThrow(message);
  });
});
