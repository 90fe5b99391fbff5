import { devNull } from 'node:os';

/** The addresses at which a function finds its services, and by what they know it. */
export interface ServiceEndpoints {
  readonly dynamodb: string;
  readonly stepFunctions: string;
  readonly accessKeyId: string;
}

/** The properties of a function that decide its environment. */
export interface EnvironmentOf {
  readonly name: string;
  readonly region: string;
  readonly memoryMb: number;
  readonly codeDirectory: string;
  readonly handler: string;
  readonly logStreamName: string;
  /** Invocations that one environment takes at once; absent: on demand, one. */
  readonly invocationsAtOnce?: number | undefined;
  /** The variables of the template. */
  readonly variables: Readonly<Record<string, string>>;
}

/**
 * The whole environment of a function: the template's variables and those that Lambda itself sets.
 * It takes nothing from this process's own environment, whose credentials and settings must not
 * change what a function does. AWS sets all of these but the `AWS_ENDPOINT_URL_*` variables.
 */
export const lambdaEnvironment = (
  of: EnvironmentOf,
  endpoints: ServiceEndpoints,
): Record<string, string> => ({
  ...of.variables,
  AWS_REGION: of.region,
  AWS_DEFAULT_REGION: of.region,
  AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
  AWS_LAMBDA_FUNCTION_NAME: of.name,
  AWS_LAMBDA_FUNCTION_VERSION: versionOf(of.invocationsAtOnce),
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(of.memoryMb),
  ...(of.invocationsAtOnce === undefined
    ? { AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand' }
    : {
        AWS_LAMBDA_INITIALIZATION_TYPE: 'lambda-managed-instances',
        AWS_LAMBDA_MAX_CONCURRENCY: String(of.invocationsAtOnce),
      }),
  AWS_LAMBDA_LOG_GROUP_NAME: logGroupName(of.name),
  AWS_LAMBDA_LOG_STREAM_NAME: of.logStreamName,
  AWS_ACCESS_KEY_ID: endpoints.accessKeyId,
  AWS_SECRET_ACCESS_KEY: 'local',
  AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamodb,
  AWS_ENDPOINT_URL_DYNAMODB_STREAMS: endpoints.dynamodb,
  AWS_ENDPOINT_URL_SFN: endpoints.stepFunctions,
  // The SDK finds the home directory without HOME and would read this machine's AWS profile.
  AWS_CONFIG_FILE: devNull,
  AWS_SHARED_CREDENTIALS_FILE: devNull,
  LAMBDA_TASK_ROOT: of.codeDirectory,
  LANG: 'en_US.UTF-8',
  TZ: ':UTC',
  _HANDLER: of.handler,
});

/**
 * The version that an unqualified ARN leads to: on managed instances `$LATEST.PUBLISHED`
 * (https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-version-publishing.html).
 */
export const versionOf = (invocationsAtOnce: number | undefined): string =>
  invocationsAtOnce === undefined ? '$LATEST' : '$LATEST.PUBLISHED';

/** The log group that Lambda names by default. */
export const logGroupName = (functionName: string): string => `/aws/lambda/${functionName}`;
