import type { Route } from '../api-gateway/routes.ts';
import type { ThrottleSettings } from '../api-gateway/throttle.ts';
import type { TemplatePolicies } from '../iam/access.ts';
import type { FunctionDefinition, SharedEnvironments } from '../lambda/function.ts';
import { readAssembly } from './assembly.ts';
import { appendOnlyTables, readPolicies } from './policies.ts';
import { openTemplate, type Resource, type TemplateResources } from './resources.ts';
import type { PropertiesOf } from './rules.ts';

/** A synthesized stack, as the parts of the local cloud that run it. */
export interface LocalTemplate {
  readonly stackName: string;
  readonly region: string;
  readonly accountId: string;
  readonly tables: readonly TableDefinition[];
  readonly functions: readonly (FunctionDefinition & ActsUnderRole)[];
  readonly queues: readonly { readonly name: string; readonly arn: string }[];
  readonly eventSourceMappings: readonly EventSourceMappingDefinition[];
  readonly stateMachines: readonly StateMachineDefinition[];
  readonly schedules: readonly ScheduleDefinition[];
  readonly api: ApiDefinition;
  /** Who may do what. */
  readonly policies: TemplatePolicies;
  /** The names of the tables in which nobody may change or delete an item. */
  readonly appendOnly: ReadonlySet<string>;
}

interface ActsUnderRole {
  readonly roleArn: string;
}

interface TableDefinition {
  readonly logicalId: string;
  readonly name: string;
  readonly properties: PropertiesOf<'AWS::DynamoDB::Table'>;
}

interface EventSourceMappingDefinition {
  readonly logicalId: string;
  readonly properties: PropertiesOf<'AWS::Lambda::EventSourceMapping'>;
  /** Logical id of the table whose stream it reads. */
  readonly table: string;
  readonly functionName: string;
  /** Name of the queue that hears of records that were given up. */
  readonly onFailure?: string | undefined;
}

interface StateMachineDefinition extends ActsUnderRole {
  readonly arn: string;
  readonly name: string;
  readonly type: 'STANDARD' | 'EXPRESS';
  /** In Amazon States Language. */
  readonly definition: unknown;
}

interface ScheduleDefinition {
  readonly name: string;
  /** Of the rule, for which EventBridge invokes the function. */
  readonly arn: string;
  /** E.g. `rate(1 minute)`. */
  readonly expression: string;
  readonly functionName: string;
  /** The function's input; absent: the event of EventBridge. */
  readonly input?: unknown;
  /** For how long to retry an invocation that was refused for want of concurrency, in seconds. */
  readonly maximumEventAgeSeconds: number;
}

interface ApiDefinition {
  readonly id: string;
  readonly name: string;
  readonly stage: string;
  readonly routes: readonly Route<{
    readonly functionName: string;
    readonly timeoutMs: number;
    /** Whether it takes a token. */
    readonly isAuthorized: boolean;
  }>[];
  /** The `aud` or `client_id` of the tokens that routes take; absent: none takes any. */
  readonly audience?: readonly string[] | undefined;
  /** Of all routes together that have no settings of their own. */
  readonly throttle?: ThrottleSettings | undefined;
  /** Of single routes, by route key. */
  readonly routeThrottles: ReadonlyMap<string, ThrottleSettings>;
}

/**
 * Reads a cloud assembly.
 *
 * @param directory as `infra/synth.ts` returns it.
 * @throws an error that names what the local cloud cannot run, or a reference to a missing thing.
 */
export const readTemplate = (directory: string): LocalTemplate => {
  const assembly = readAssembly(directory);
  const { stackName, region, accountId } = assembly;
  const resources = openTemplate(assembly);

  const capacityProviders = resources
    .all('AWS::Lambda::CapacityProvider')
    .map(({ attribute }) => attribute('Arn'));
  const functions = resources
    .all('AWS::Lambda::Function')
    .map(({ name, logicalId, properties, attribute }) => {
      const codeDirectory = assembly.assetDirectory(properties.Code.S3Key);
      if (!codeDirectory)
        throw new Error(`The code of AWS::Lambda::Function "${logicalId}" is not in ${directory}`);
      return {
        name,
        arn: attribute('Arn'),
        region,
        roleArn: properties.Role,
        codeDirectory,
        handler: properties.Handler,
        timeoutSeconds: properties.Timeout,
        memoryMb: properties.MemorySize,
        reservedConcurrency: properties.ReservedConcurrentExecutions,
        shared: sharedEnvironments(logicalId, properties, capacityProviders),
        variables: properties.Environment?.Variables ?? {},
      };
    });
  const tables = resources.all('AWS::DynamoDB::Table');
  const queues = resources
    .all('AWS::SQS::Queue')
    .map(({ name, attribute }) => ({ name, arn: attribute('Arn') }));

  const policies = readPolicies(resources, [
    ...resources
      .all('AWS::Lambda::Function')
      .map(
        ({ logicalId, properties }) =>
          ({ logicalId, roleArn: properties.Role, service: 'lambda.amazonaws.com' }) as const,
      ),
    ...resources
      .all('AWS::StepFunctions::StateMachine')
      .map(
        ({ logicalId, properties }) =>
          ({ logicalId, roleArn: properties.RoleArn, service: 'states.amazonaws.com' }) as const,
      ),
  ]);

  const functionNamed = (reference: string, by: string): string =>
    find(functions, ({ name, arn }) => reference === name || reference === arn, reference, by).name;

  const invokeConfigs = resources
    .all('AWS::Lambda::EventInvokeConfig')
    .map(({ logicalId, properties }) => ({
      functionName: functionNamed(properties.FunctionName, logicalId),
      maximumEventAgeSeconds: properties.MaximumEventAgeInSeconds,
    }));
  const eventAgeOf = (functionName: string, by: string): number => {
    const found = invokeConfigs.find((config) => config.functionName === functionName);
    if (found) return found.maximumEventAgeSeconds;
    throw new Error(
      `Holdfast local cannot run AWS::Events::Rule "${by}": Lambda would try a failed invocation of ${functionName} again, twice, ` +
        'which is not implemented: an AWS::Lambda::EventInvokeConfig with MaximumRetryAttempts 0 is missing',
    );
  };

  return {
    stackName,
    region,
    accountId,
    tables: tables.map(({ logicalId, name, properties }) => ({ logicalId, name, properties })),
    functions,
    queues,
    eventSourceMappings: resources
      .all('AWS::Lambda::EventSourceMapping')
      .map(({ logicalId, properties }) => {
        const { EventSourceArn, FunctionName, DestinationConfig } = properties;
        const destination = DestinationConfig?.OnFailure.Destination;
        return {
          logicalId,
          properties,
          table: find(
            tables,
            (it) => it.attribute('StreamArn') === EventSourceArn,
            EventSourceArn,
            logicalId,
          ).logicalId,
          functionName: functionNamed(FunctionName, logicalId),
          onFailure:
            destination &&
            find(queues, ({ arn }) => arn === destination, destination, logicalId).name,
        };
      }),
    stateMachines: resources
      .all('AWS::StepFunctions::StateMachine')
      .map(({ name, properties, attribute }) => ({
        name,
        arn: attribute('Arn'),
        type: properties.StateMachineType,
        roleArn: properties.RoleArn,
        definition: JSON.parse(properties.DefinitionString),
      })),
    schedules: resources
      .all('AWS::Events::Rule')
      .flatMap(({ name, logicalId, properties, attribute }) =>
        properties.State === 'DISABLED'
          ? []
          : properties.Targets.map(({ Arn, Input }) => {
              const functionName = functionNamed(Arn, logicalId);
              return {
                name,
                arn: attribute('Arn'),
                expression: properties.ScheduleExpression,
                functionName,
                ...(Input !== undefined && { input: JSON.parse(Input) }),
                maximumEventAgeSeconds: eventAgeOf(functionName, logicalId),
              };
            }),
      ),
    api: readApi(resources, functionNamed),
    policies,
    appendOnly: appendOnlyTables(resources, policies),
  };
};

/** Lambda's default: one for each of three Availability Zones. */
const LEAST_ENVIRONMENTS = 3;

/**
 * The environments of a function on managed instances. An environment is one thread here. On AWS
 * its invocations share as much only where one thread runs all of them; the default is eight
 * threads for each processor.
 */
const sharedEnvironments = (
  logicalId: string,
  properties: PropertiesOf<'AWS::Lambda::Function'>,
  capacityProviders: readonly string[],
): SharedEnvironments | undefined => {
  const {
    CapacityProviderConfig: config,
    FunctionScalingConfig: scaling,
    Environment,
  } = properties;
  if (config === undefined) return undefined;
  const { CapacityProviderArn, PerExecutionEnvironmentMaxConcurrency } =
    config.LambdaManagedInstancesCapacityProviderConfig;
  find(capacityProviders, (arn) => arn === CapacityProviderArn, CapacityProviderArn, logicalId);
  if (Environment?.Variables['AWS_LAMBDA_NODEJS_WORKER_COUNT'] !== '1') {
    throw new Error(
      `Holdfast local cannot run AWS::Lambda::Function "${logicalId}": with a CapacityProviderConfig only one thread per ` +
        'environment is implemented: the environment variable AWS_LAMBDA_NODEJS_WORKER_COUNT has to be 1',
    );
  }
  const most = scaling?.MaxExecutionEnvironments ?? Number.POSITIVE_INFINITY;
  const least = Math.max(1, scaling?.MinExecutionEnvironments ?? LEAST_ENVIRONMENTS);
  return {
    invocationsAtOnce: PerExecutionEnvironmentMaxConcurrency,
    least: Math.min(least, most),
    most,
  };
};

const readApi = (
  resources: TemplateResources,
  functionNamed: (reference: string, by: string) => string,
): ApiDefinition => {
  const api = only(resources.all('AWS::ApiGatewayV2::Api'), 'AWS::ApiGatewayV2::Api');
  const { logicalId, properties: stage } = only(
    resources.all('AWS::ApiGatewayV2::Stage'),
    'AWS::ApiGatewayV2::Stage',
  );
  const integrations = resources.all('AWS::ApiGatewayV2::Integration');
  const routes = resources.all('AWS::ApiGatewayV2::Route');
  const routeThrottles = Object.entries(stage.RouteSettings ?? {});
  for (const [key] of routeThrottles) {
    if (!routes.some(({ properties }) => properties.RouteKey === key)) {
      throw new Error(
        `Holdfast local cannot run AWS::ApiGatewayV2::Stage "${logicalId}": RouteSettings names the route ${key}, ` +
          'which the API does not have: API Gateway refuses that',
      );
    }
  }
  const [authorizer, ...others] = resources.all('AWS::ApiGatewayV2::Authorizer');
  if (others.length > 0)
    throw new Error(
      'Holdfast local runs one AWS::ApiGatewayV2::Authorizer, and the template has more',
    );
  return {
    id: api.ref,
    name: api.properties.Name,
    stage: stage.StageName,
    throttle: stage.DefaultRouteSettings && throttleOf(stage.DefaultRouteSettings),
    routeThrottles: new Map(routeThrottles.map(([key, limits]) => [key, throttleOf(limits)])),
    audience: authorizer?.properties.JwtConfiguration.Audience,
    routes: routes.map((route) => {
      const { RouteKey, Target, AuthorizationType, AuthorizerId } = route.properties;
      const isAuthorized = AuthorizationType === 'JWT';
      if (isAuthorized && (authorizer === undefined || AuthorizerId !== authorizer.ref))
        throw new Error(`"${route.logicalId}" takes tokens, and refers to no authorizer`);
      const { properties } = find(
        integrations,
        ({ ref }) => Target === `integrations/${ref}`,
        Target,
        route.logicalId,
      );
      return {
        routeKey: RouteKey,
        target: {
          functionName: functionNamed(properties.IntegrationUri, route.logicalId),
          timeoutMs: properties.TimeoutInMillis,
          isAuthorized,
        },
      };
    }),
  };
};

const throttleOf = (limits: {
  readonly ThrottlingRateLimit: number;
  readonly ThrottlingBurstLimit: number;
}): ThrottleSettings => ({
  rateLimit: limits.ThrottlingRateLimit,
  burstLimit: limits.ThrottlingBurstLimit,
});

const find = <Item>(
  items: readonly Item[],
  isIt: (item: Item) => boolean,
  reference: string,
  by: string,
): Item => {
  const found = items.find(isIt);
  if (found === undefined)
    throw new Error(`"${by}" refers to ${reference}, which is not a resource that runs here`);
  return found;
};

const only = <Type extends 'AWS::ApiGatewayV2::Api' | 'AWS::ApiGatewayV2::Stage'>(
  found: readonly Resource<Type>[],
  type: Type,
): Resource<Type> => {
  const [first] = found;
  if (!first || found.length > 1)
    throw new Error(`Holdfast local runs one ${type}, and the template has ${found.length}`);
  return first;
};
