/**
 * The values that AWS refuses although the local cloud could run them, or does not look at them.
 * Each line has its source in the CloudFormation reference of its type, or in the quotas of its
 * service.
 */

type Properties = Readonly<Record<string, unknown>>;

/** @returns what is wrong with the properties; `undefined`: nothing that this code knows. */
type Check = (properties: Properties) => string | undefined;

const between =
  (path: string, least: number, most: number): Check =>
  (properties) => {
    const value = at(properties, path);
    return typeof value === 'number' && (value < least || value > most)
      ? `property ${path} is ${value}, and AWS takes ${least} to ${most}`
      : undefined;
  };

const oneOf =
  (path: string, allowed: readonly unknown[]): Check =>
  (properties) => {
    const value = at(properties, path);
    return value !== undefined && !isReference(value) && !allowed.includes(value)
      ? `property ${path} is ${JSON.stringify(value)}, and AWS takes ${allowed.join(', ')}`
      : undefined;
  };

const matching =
  (path: string, pattern: RegExp): Check =>
  (properties) => {
    const value = at(properties, path);
    return typeof value === 'string' && !pattern.test(value)
      ? `property ${path} is ${JSON.stringify(value)}, and AWS takes what matches ${pattern.source}`
      : undefined;
  };

const notAbove =
  (path: string, other: string): Check =>
  (properties) => {
    const [value, bound] = [at(properties, path), at(properties, other)];
    return typeof value === 'number' && typeof bound === 'number' && value > bound
      ? `property ${path} is ${value}, which is more than ${other}, ${bound}`
      : undefined;
  };

const present =
  (path: string): Check =>
  (properties) =>
    at(properties, path) === undefined ? `property ${path} is missing` : undefined;

const atMost =
  (path: string, most: number): Check =>
  (properties) => {
    const value = at(properties, path);
    return Array.isArray(value) && value.length > most
      ? `property ${path} has ${value.length} items, and AWS takes ${most}`
      : undefined;
  };

const atLeast =
  (path: string, least: number): Check =>
  (properties) => {
    const value = at(properties, path);
    return Array.isArray(value) && value.length < least
      ? `property ${path} has ${value.length} items, and AWS takes ${least} at least`
      : undefined;
  };

/**
 * Lambda measures the variables as JSON (the message of its `InvalidParameterValueException` shows
 * it).
 */
const ENVIRONMENT_BYTES = 4_096;

/**
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
 */
const RESERVED_VARIABLES = [
  '_HANDLER',
  '_X_AMZN_TRACE_ID',
  'AWS_ACCESS_KEY',
  'AWS_ACCESS_KEY_ID',
  'AWS_DEFAULT_REGION',
  'AWS_EXECUTION_ENV',
  'AWS_LAMBDA_FUNCTION_MEMORY_SIZE',
  'AWS_LAMBDA_FUNCTION_NAME',
  'AWS_LAMBDA_FUNCTION_VERSION',
  'AWS_LAMBDA_INITIALIZATION_TYPE',
  'AWS_LAMBDA_LOG_GROUP_NAME',
  'AWS_LAMBDA_LOG_STREAM_NAME',
  'AWS_LAMBDA_RUNTIME_API',
  'AWS_REGION',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'LAMBDA_RUNTIME_DIR',
  'LAMBDA_TASK_ROOT',
];

const variables: Check = (properties) => {
  const given = at(properties, 'Environment.Variables');
  if (!isObject(given)) return undefined;
  for (const name of Object.keys(given)) {
    if (RESERVED_VARIABLES.includes(name))
      return `the environment variable ${name} is Lambda's own`;
    if (!/^[a-zA-Z][a-zA-Z0-9_]+$/.test(name)) {
      return `the environment variable "${name}" has a name that Lambda does not take: a letter, then letters, digits and _`;
    }
  }
  const bytes = Buffer.byteLength(JSON.stringify(given));
  return bytes > ENVIRONMENT_BYTES
    ? `its environment variables take ${bytes} bytes, and Lambda takes ${ENVIRONMENT_BYTES}`
    : undefined;
};

/** The path of the settings for managed instances in a function's properties. */
const INSTANCES = 'CapacityProviderConfig.LambdaManagedInstancesCapacityProviderConfig';

/** Environments of one function, fewest and most. */
const LEAST = 'FunctionScalingConfig.MinExecutionEnvironments';
const MOST = 'FunctionScalingConfig.MaxExecutionEnvironments';

/**
 * On managed instances a function has 2 GB of memory at least and 32 at most, and no reserved
 * concurrency; elsewhere it has no number of environments
 * (https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances.html).
 */
const instances: Check = (properties) => {
  if (at(properties, INSTANCES) === undefined) {
    if (at(properties, 'FunctionScalingConfig') !== undefined)
      return 'property FunctionScalingConfig is for functions with a CapacityProviderConfig';
    return between('MemorySize', 128, 10_240)(properties);
  }
  if (at(properties, 'ReservedConcurrentExecutions') !== undefined)
    return 'property ReservedConcurrentExecutions is not for functions with a CapacityProviderConfig';
  const missing = present('MemorySize')(properties);
  return missing === undefined
    ? between('MemorySize', 2_048, 32_768)(properties)
    : `${missing}: with a CapacityProviderConfig, AWS takes 2048 at least`;
};

/** DynamoDB refuses both a key that is not defined and a definition that is in no key. */
const attributeDefinitions: Check = (properties) => {
  const defined = namesIn(at(properties, 'AttributeDefinitions'));
  const indexes = at(properties, 'GlobalSecondaryIndexes');
  const keys = [
    at(properties, 'KeySchema'),
    ...(Array.isArray(indexes) ? indexes.map((it) => at(it, 'KeySchema')) : []),
  ];
  const used = new Set(keys.flatMap(namesIn));
  const unused = defined.find((name) => !used.has(name));
  if (unused !== undefined)
    return `AttributeDefinitions has ${unused}, which is in no key: DynamoDB refuses that`;
  const missing = [...used].find((name) => !defined.includes(name));
  if (missing !== undefined)
    return `${missing} is in a key and not in AttributeDefinitions: DynamoDB refuses that`;
  const twice = defined.find((name, index) => defined.indexOf(name) !== index);
  return twice === undefined
    ? undefined
    : `AttributeDefinitions has ${twice} twice: DynamoDB refuses that`;
};

/** -1: never. Lambda takes nothing between that and a minute. */
const recordAge: Check = (properties) => {
  const value = at(properties, 'MaximumRecordAgeInSeconds');
  const isFine = typeof value !== 'number' || value === -1 || (value >= 60 && value <= 604_800);
  return isFine
    ? undefined
    : `property MaximumRecordAgeInSeconds is ${value}, and AWS takes -1 or 60 to 604800`;
};

/** Five filters are the quota, 4,096 characters the longest pattern. */
const filters: Check = (properties) => {
  const given = at(properties, 'FilterCriteria.Filters');
  if (!Array.isArray(given)) return undefined;
  if (given.length > 5) return `it has ${given.length} filters, and a mapping takes 5`;
  const long = given.findIndex((filter) => String(at(filter, 'Pattern')).length > 4_096);
  return long < 0
    ? undefined
    : `property FilterCriteria.Filters.${long}.Pattern is longer than 4096 characters`;
};

/**
 * https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
 */
const RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288,
  3653,
];

const checks: Readonly<Record<string, readonly Check[]>> = {
  'AWS::ApiGatewayV2::Integration': [between('TimeoutInMillis', 50, 30_000)],
  'AWS::ApiGatewayV2::Route': [
    matching('RouteKey', /^(?:\$default|(?:ANY|GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) \/\S*)$/),
  ],
  'AWS::CloudWatch::Alarm': [
    between('EvaluationPeriods', 1, 10_080),
    (properties) => {
      const period = at(properties, 'Period');
      const isFine =
        typeof period !== 'number' ||
        [10, 20, 30].includes(period) ||
        (period > 0 && period % 60 === 0);
      return isFine
        ? undefined
        : `property Period is ${period}, and AWS takes 10, 20, 30 or whole minutes`;
    },
  ],
  'AWS::DynamoDB::Table': [
    matching('TableName', /^[a-zA-Z0-9_.-]{3,255}$/),
    attributeDefinitions,
    atMost('GlobalSecondaryIndexes', 20),
  ],
  'AWS::Events::Rule': [matching('Name', /^[a-zA-Z0-9._-]{1,64}$/), atMost('Targets', 5)],
  'AWS::Lambda::CapacityProvider': [
    matching('CapacityProviderName', /^[a-zA-Z0-9_-]{1,140}$/),
    present('PermissionsConfig'),
    present('VpcConfig'),
    atLeast('VpcConfig.SubnetIds', 1),
    atMost('VpcConfig.SubnetIds', 16),
    atMost('VpcConfig.SecurityGroupIds', 5),
    between('CapacityProviderScalingConfig.MaxVCpuCount', 12, 15_000),
  ],
  'AWS::Lambda::EventSourceMapping': [
    between('BatchSize', 1, 10_000),
    between('MaximumBatchingWindowInSeconds', 0, 300),
    between('MaximumRetryAttempts', -1, 10_000),
    between('ParallelizationFactor', 1, 10),
    recordAge,
    filters,
  ],
  'AWS::Lambda::Function': [
    matching('FunctionName', /^[a-zA-Z0-9_-]{1,64}$/),
    present('Role'),
    between('Timeout', 1, 900),
    instances,
    between(`${INSTANCES}.PerExecutionEnvironmentMaxConcurrency`, 1, 1_600),
    between(`${INSTANCES}.ExecutionEnvironmentMemoryGiBPerVCpu`, 2, 8),
    between(LEAST, 0, 15_000),
    between(MOST, 0, 15_000),
    notAbove(LEAST, MOST),
    variables,
  ],
  'AWS::Logs::LogGroup': [oneOf('RetentionInDays', RETENTION_DAYS)],
  'AWS::SQS::Queue': [
    matching('QueueName', /^[a-zA-Z0-9_-]{1,80}$/),
    between('MessageRetentionPeriod', 60, 1_209_600),
  ],
  'AWS::StepFunctions::StateMachine': [
    matching('StateMachineName', /^[a-zA-Z0-9_-]{1,80}$/),
    present('RoleArn'),
  ],
};

/**
 * Finds what AWS would refuse in a resource when the stack is deployed.
 * @param type e.g. `AWS::Lambda::Function`.
 * @param properties as the template has them; it passes over references.
 * @returns what is wrong, in words; `undefined`: nothing that this code knows.
 */
export const refusedByAws = (type: string, properties: Properties): string | undefined => {
  for (const check of checks[type] ?? []) {
    const wrong = check(properties);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
};

const at = (value: unknown, path: string): unknown =>
  path
    .split('.')
    .reduce<unknown>((inner, name) => (isObject(inner) ? inner[name] : undefined), value);

const namesIn = (list: unknown): string[] =>
  Array.isArray(list) ? list.map((it) => String(at(it, 'AttributeName'))) : [];

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isReference = (value: unknown): boolean => isObject(value);
