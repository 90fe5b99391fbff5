import * as z from 'zod/mini';

/**
 * How the local cloud reads a template: one entry per resource type. A type that is not here, a
 * property that is neither in `runs` nor in `noEffect`, and a value that `runs` does not take are
 * refused by name; nothing is ignored in silence.
 */

/** A type whose properties have no effect here, and why. */
interface TypeWithoutEffect {
  readonly noEffect: string;
}

/** A type that runs. */
interface TypeThatRuns {
  /**
   * The property that holds the resource's name; without it, the name comes from stack and logical
   * id.
   */
  readonly nameProperty?: string;
  /** `Ref`. In it `{name}`, `{region}` and `{account}` are replaced. */
  readonly ref: string;
  /** `Fn::GetAtt`, likewise. */
  readonly attributes: Readonly<Record<string, string>>;
  /** The properties that the local cloud carries out, and the values that it understands. */
  readonly runs: z.ZodMiniType;
  /**
   * The properties that it accepts without carrying them out, and why that is right on this
   * machine.
   */
  readonly noEffect: Readonly<Record<string, string>>;
}

/** The rule for one type. */
export type ResourceRule = TypeThatRuns | TypeWithoutEffect;

const text = z.string();
const count = z.int();
const keySchema = z.array(
  z.strictObject({ AttributeName: text, KeyType: z.enum(['HASH', 'RANGE']) }),
);

const projection = z.strictObject({
  ProjectionType: z.enum(['ALL', 'KEYS_ONLY', 'INCLUDE']),
  NonKeyAttributes: z.optional(z.array(text)),
});

/** `iam/policy.ts` reads it, and refuses what it does not know. */
const policyDocument = z.record(text, z.unknown());

const noNetwork = 'functions reach their services over this machine alone';
const noUsers = 'nobody signs in here: the issuer of this machine gives anybody a token';

export const resourceRules = {
  'AWS::DynamoDB::Table': {
    nameProperty: 'TableName',
    ref: '{name}',
    attributes: {
      Arn: 'arn:aws:dynamodb:{region}:{account}:table/{name}',
      // Only a name until the table is there: DynamoDB Local makes the real one.
      StreamArn: 'arn:aws:dynamodb:{region}:{account}:table/{name}/stream/local',
    },
    runs: z.strictObject({
      TableName: z.optional(text),
      AttributeDefinitions: z.array(
        z.strictObject({ AttributeName: text, AttributeType: z.enum(['S', 'N', 'B']) }),
      ),
      KeySchema: keySchema,
      BillingMode: z.literal('PAY_PER_REQUEST'),
      GlobalSecondaryIndexes: z.optional(
        z.array(
          z.pipe(
            z.strictObject({
              IndexName: text,
              KeySchema: keySchema,
              Projection: projection,
              // Nothing is throttled on this machine, neither a table nor an index.
              WarmThroughput: z.optional(z.unknown()),
            }),
            z.transform(({ WarmThroughput: _, ...index }) => index),
          ),
        ),
      ),
      StreamSpecification: z.optional(
        z.strictObject({
          StreamViewType: z.enum(['NEW_IMAGE', 'OLD_IMAGE', 'NEW_AND_OLD_IMAGES', 'KEYS_ONLY']),
        }),
      ),
      // Enforced at the endpoint.
      ResourcePolicy: z.optional(z.strictObject({ PolicyDocument: policyDocument })),
      // DynamoDB Local deletes within seconds what AWS deletes within days. Both say so in the
      // stream.
      TimeToLiveSpecification: z.optional(
        z.strictObject({ AttributeName: text, Enabled: z.literal(true) }),
      ),
    }),
    noEffect: {
      PointInTimeRecoverySpecification:
        'there are no backups on this machine: copy the directory given by --data',
      DeletionProtectionEnabled: 'nothing here deletes a table',
      SSESpecification: 'the files are as safe as the disk they are on',
      Tags: 'nobody is billed',
      WarmThroughput: 'nothing is throttled on this machine',
    },
  },

  'AWS::Lambda::Function': {
    nameProperty: 'FunctionName',
    ref: '{name}',
    attributes: { Arn: 'arn:aws:lambda:{region}:{account}:function:{name}' },
    runs: z.strictObject({
      FunctionName: z.optional(text),
      Runtime: z.literal('nodejs24.x'),
      Handler: z.string().check(z.regex(/^[^/]+\.[^.]+$/)),
      Code: z.strictObject({ S3Bucket: text, S3Key: text }),
      Role: text,
      Environment: z.optional(z.strictObject({ Variables: z.record(text, text) })),
      Timeout: z._default(count, 3),
      MemorySize: z._default(count, 128),
      ReservedConcurrentExecutions: z.optional(count.check(z.gte(0))),
      CapacityProviderConfig: z.optional(
        z.strictObject({
          LambdaManagedInstancesCapacityProviderConfig: z.strictObject({
            CapacityProviderArn: text,
            // Sources differ on its default, so it has to be there.
            PerExecutionEnvironmentMaxConcurrency: count,
            // An environment's share of a processor: here all of them share what there is.
            ExecutionEnvironmentMemoryGiBPerVCpu: z.optional(z.number()),
          }),
        }),
      ),
      FunctionScalingConfig: z.optional(
        z.strictObject({
          MinExecutionEnvironments: z.optional(count),
          MaxExecutionEnvironments: z.optional(count),
        }),
      ),
      // With it an unqualified ARN invokes the deployed code; without it, the version that was
      // published last.
      PublishToLatestPublished: z.optional(z.literal(true)),
    }),
    noEffect: {
      Architectures: 'the bundles are JavaScript: they run on any processor',
      Description: 'a text for people',
      LoggingConfig: 'log lines go to the terminal, see --verbose',
      Tags: 'nobody is billed',
      TracingConfig: 'there is no X-Ray on this machine',
    },
  },

  'AWS::Lambda::CapacityProvider': {
    nameProperty: 'CapacityProviderName',
    ref: '{name}',
    attributes: { Arn: 'arn:aws:lambda:{region}:{account}:capacity-provider:{name}' },
    runs: z.strictObject({ CapacityProviderName: z.optional(text) }),
    noEffect: {
      CapacityProviderScalingConfig: 'there are no instances: workers are threads of this process',
      InstanceRequirements: 'there are no instances: workers are threads of this process',
      PermissionsConfig: 'there are no instances that somebody has to start',
      Tags: 'nobody is billed',
      VpcConfig: noNetwork,
    },
  },

  'AWS::Lambda::EventSourceMapping': {
    ref: '{name}',
    attributes: {},
    runs: z.strictObject({
      EventSourceArn: text,
      FunctionName: text,
      StartingPosition: z.enum(['TRIM_HORIZON', 'LATEST']),
      BatchSize: z.optional(count),
      MaximumBatchingWindowInSeconds: z.optional(count),
      BisectBatchOnFunctionError: z.optional(z.boolean()),
      FunctionResponseTypes: z.optional(z.array(z.literal('ReportBatchItemFailures'))),
      MaximumRecordAgeInSeconds: z.optional(count),
      MaximumRetryAttempts: z.optional(count),
      ParallelizationFactor: z.optional(count),
      FilterCriteria: z.optional(
        z.strictObject({ Filters: z.array(z.strictObject({ Pattern: text })) }),
      ),
      DestinationConfig: z.optional(
        z.strictObject({ OnFailure: z.strictObject({ Destination: text }) }),
      ),
    }),
    noEffect: { Tags: 'nobody is billed' },
  },

  'AWS::Lambda::EventInvokeConfig': {
    ref: '{name}',
    attributes: {},
    runs: z.strictObject({
      FunctionName: text,
      Qualifier: z.literal('$LATEST'),
      // A failed invocation is not retried: Lambda's own two retries are not implemented.
      MaximumRetryAttempts: z.literal(0),
      MaximumEventAgeInSeconds: z._default(count.check(z.gte(60), z.lte(21_600)), 21_600),
    }),
    noEffect: {},
  },

  'AWS::SQS::Queue': {
    nameProperty: 'QueueName',
    ref: 'https://sqs.{region}.amazonaws.com/{account}/{name}',
    attributes: { Arn: 'arn:aws:sqs:{region}:{account}:{name}', QueueName: '{name}' },
    runs: z.strictObject({ QueueName: z.optional(text) }),
    noEffect: {
      KmsMasterKeyId: 'messages are in memory only',
      KmsDataKeyReusePeriodSeconds: 'messages are in memory only',
      MessageRetentionPeriod: 'messages stay until the local cloud stops',
      SqsManagedSseEnabled: 'messages are in memory only',
      Tags: 'nobody is billed',
    },
  },

  'AWS::StepFunctions::StateMachine': {
    nameProperty: 'StateMachineName',
    ref: 'arn:aws:states:{region}:{account}:stateMachine:{name}',
    attributes: { Arn: 'arn:aws:states:{region}:{account}:stateMachine:{name}', Name: '{name}' },
    runs: z.strictObject({
      StateMachineName: z.optional(text),
      StateMachineType: z._default(z.enum(['STANDARD', 'EXPRESS']), 'STANDARD'),
      DefinitionString: text,
      RoleArn: text,
    }),
    noEffect: {
      EncryptionConfiguration: 'the files are as safe as the disk they are on',
      LoggingConfiguration: 'log lines go to the terminal, see --verbose',
      Tags: 'nobody is billed',
      TracingConfiguration: 'there is no X-Ray on this machine',
    },
  },

  'AWS::Events::Rule': {
    nameProperty: 'Name',
    ref: '{name}',
    attributes: { Arn: 'arn:aws:events:{region}:{account}:rule/{name}' },
    runs: z.strictObject({
      Name: z.optional(text),
      ScheduleExpression: text,
      State: z._default(z.enum(['ENABLED', 'DISABLED']), 'ENABLED'),
      Targets: z.array(z.strictObject({ Arn: text, Id: text, Input: z.optional(text) })),
    }),
    noEffect: { Description: 'a text for people' },
  },

  'AWS::ApiGatewayV2::Api': {
    ref: '{name}',
    attributes: {},
    runs: z.strictObject({ Name: text, ProtocolType: z.literal('HTTP') }),
    noEffect: { Description: 'a text for people', Tags: 'nobody is billed' },
  },

  'AWS::ApiGatewayV2::Stage': {
    ref: '{name}',
    attributes: {},
    runs: z.strictObject({
      ApiId: text,
      StageName: z.literal('$default'),
      AutoDeploy: z.literal(true),
      DefaultRouteSettings: z.optional(
        z.strictObject({ ThrottlingBurstLimit: z.number(), ThrottlingRateLimit: z.number() }),
      ),
      // By route key.
      RouteSettings: z.optional(
        z.record(
          text,
          z.strictObject({ ThrottlingBurstLimit: z.number(), ThrottlingRateLimit: z.number() }),
        ),
      ),
    }),
    noEffect: {
      AccessLogSettings: 'there is no access log on this machine',
      Tags: 'nobody is billed',
    },
  },

  'AWS::ApiGatewayV2::Integration': {
    ref: '{name}',
    attributes: {},
    runs: z.strictObject({
      ApiId: text,
      IntegrationType: z.literal('AWS_PROXY'),
      IntegrationUri: text,
      PayloadFormatVersion: z.literal('2.0'),
      TimeoutInMillis: z._default(count, 30_000),
    }),
    noEffect: {},
  },

  'AWS::ApiGatewayV2::Route': {
    ref: '{name}',
    attributes: {},
    runs: z.strictObject({
      ApiId: text,
      RouteKey: text,
      Target: text,
      AuthorizationType: z.enum(['NONE', 'JWT']),
      AuthorizerId: z.optional(text),
    }),
    noEffect: {},
  },

  'AWS::KMS::Key': {
    ref: '{name}',
    attributes: {
      Arn: 'arn:aws:kms:{region}:{account}:key/{name}',
      KeyId: '{name}',
    },
    runs: z.strictObject({}),
    noEffect: {
      Description: 'a text for people',
      EnableKeyRotation: 'nothing is encrypted here: the files are as safe as the disk they are on',
      KeyPolicy: 'nothing is encrypted here',
      PendingWindowInDays: 'nothing here deletes a key',
      Tags: 'nobody is billed',
    },
  },

  'AWS::IAM::Role': {
    nameProperty: 'RoleName',
    ref: '{name}',
    attributes: { Arn: 'arn:aws:iam::{account}:role/{name}' },
    runs: z.strictObject({
      RoleName: z.optional(text),
      AssumeRolePolicyDocument: policyDocument,
      Policies: z.optional(
        z.array(z.strictObject({ PolicyName: text, PolicyDocument: policyDocument })),
      ),
      ManagedPolicyArns: z.optional(z.array(text)),
    }),
    noEffect: {
      Description: 'a text for people',
      MaxSessionDuration: 'credentials here do not expire',
      Tags: 'nobody is billed',
    },
  },

  'AWS::IAM::Policy': {
    ref: '{name}',
    attributes: {},
    runs: z.strictObject({
      PolicyName: text,
      PolicyDocument: policyDocument,
      Roles: z.optional(z.array(text)),
    }),
    noEffect: {},
  },

  'AWS::Lambda::Permission': {
    ref: '{name}',
    attributes: {},
    runs: z.strictObject({
      Action: text,
      FunctionName: text,
      Principal: text,
      SourceArn: z.optional(text),
      SourceAccount: z.optional(text),
    }),
    noEffect: {},
  },

  'AWS::SQS::QueuePolicy': {
    ref: '{name}',
    attributes: {},
    runs: z.strictObject({ PolicyDocument: policyDocument, Queues: z.array(text) }),
    noEffect: {},
  },

  'AWS::Logs::LogGroup': {
    nameProperty: 'LogGroupName',
    ref: '{name}',
    attributes: { Arn: 'arn:aws:logs:{region}:{account}:log-group:{name}:*' },
    runs: z.strictObject({ LogGroupName: z.optional(text) }),
    noEffect: {
      KmsKeyId: 'log lines go to the terminal, see --verbose',
      RetentionInDays: 'log lines go to the terminal, see --verbose',
      Tags: 'nobody is billed',
    },
  },

  'AWS::KMS::Alias': { noEffect: 'nothing here asks for a key by its alias' },
  'AWS::ApiGatewayV2::Authorizer': {
    ref: '{name}',
    attributes: {},
    runs: z.strictObject({
      ApiId: text,
      AuthorizerType: z.literal('JWT'),
      IdentitySource: z.tuple([z.literal('$request.header.Authorization')]),
      JwtConfiguration: z.strictObject({
        Audience: z.array(text).check(z.minLength(1)),
        // The issuer of this machine stands for it.
        Issuer: text,
      }),
    }),
    noEffect: { Name: 'a text for people' },
  },

  'AWS::Cognito::UserPool': {
    ref: '{region}_{name}',
    attributes: { ProviderURL: 'https://cognito-idp.{region}.amazonaws.com/{region}_{name}' },
    runs: z.strictObject({}),
    noEffect: {
      AccountRecoverySetting: noUsers,
      AdminCreateUserConfig: noUsers,
      AutoVerifiedAttributes: noUsers,
      DeletionProtection: noUsers,
      EmailVerificationMessage: noUsers,
      EmailVerificationSubject: noUsers,
      EnabledMfas: noUsers,
      MfaConfiguration: noUsers,
      Policies: noUsers,
      SmsVerificationMessage: noUsers,
      UserPoolName: noUsers,
      UsernameAttributes: noUsers,
      VerificationMessageTemplate: noUsers,
    },
  },

  'AWS::Cognito::UserPoolClient': {
    ref: '{name}',
    attributes: {},
    runs: z.strictObject({}),
    noEffect: {
      AccessTokenValidity: noUsers,
      AllowedOAuthFlows: noUsers,
      AllowedOAuthFlowsUserPoolClient: noUsers,
      AllowedOAuthScopes: noUsers,
      CallbackURLs: noUsers,
      EnableTokenRevocation: noUsers,
      GenerateSecret: noUsers,
      PreventUserExistenceErrors: noUsers,
      SupportedIdentityProviders: noUsers,
      TokenValidityUnits: noUsers,
      UserPoolId: noUsers,
    },
  },
  'AWS::Cognito::UserPoolDomain': { noEffect: noUsers },
  'AWS::Cognito::UserPoolResourceServer': { noEffect: noUsers },

  'AWS::CloudWatch::Alarm': { noEffect: 'there are no CloudWatch metrics on this machine' },
  'AWS::CloudWatch::Dashboard': { noEffect: 'there are no CloudWatch metrics on this machine' },
  'AWS::EC2::RouteTable': { noEffect: noNetwork },
  'AWS::EC2::SecurityGroup': { noEffect: noNetwork },
  'AWS::EC2::SecurityGroupIngress': { noEffect: noNetwork },
  'AWS::EC2::Subnet': { noEffect: noNetwork },
  'AWS::EC2::SubnetRouteTableAssociation': { noEffect: noNetwork },
  'AWS::EC2::VPC': { noEffect: noNetwork },
  'AWS::EC2::VPCEndpoint': { noEffect: noNetwork },
  'AWS::SNS::Subscription': { noEffect: 'only alarms send to it, and none rings' },
  'AWS::SNS::Topic': { noEffect: 'only alarms send to it, and none rings' },
  'AWS::SNS::TopicPolicy': { noEffect: 'only alarms send to it, and none rings' },
} as const satisfies Readonly<Record<string, ResourceRule>>;

type Rules = typeof resourceRules;

/** The types that run. */
export type RunningType = {
  [Type in keyof Rules]: Rules[Type] extends TypeThatRuns ? Type : never;
}[keyof Rules];

/** The resolved properties of a resource, with the defaults of CloudFormation. */
export type PropertiesOf<Type extends RunningType> = z.infer<Rules[Type]['runs']>;

/** Parts of a resource beside its type and properties that CloudFormation alone acts on. */
export const resourceKeysWithoutEffect: readonly string[] = [
  'DeletionPolicy',
  'DependsOn',
  'Metadata',
  'UpdateReplacePolicy',
];

/** Parts of a template beside resources and parameters that CloudFormation alone acts on. */
export const templateKeysWithoutEffect: readonly string[] = [
  'AWSTemplateFormatVersion',
  'Description',
  'Metadata',
  'Outputs',
  'Rules',
];
