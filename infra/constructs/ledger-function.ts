import { Duration, Validations } from 'aws-cdk-lib';
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  ApplicationLogLevel,
  Architecture,
  type Code,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  SystemLogLevel,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { StageName, StageSettings } from '../stages.ts';
import { definitionOf, type FunctionName } from './catalogue.ts';
import type { Instances } from './instances.ts';
import { metricsNamespace } from './ledger-metrics.ts';
import { functionNameOf, roleNameOf } from './names.ts';
import { removalPolicyOf } from './removal-policy.ts';
import { traceActions } from './tracing.ts';

/** What a function needs beside its definition. */
export interface LedgerFunctionProps {
  readonly name: FunctionName;
  readonly stage: StageName;
  readonly settings: StageSettings;
  readonly key: IKey | undefined;
  /** Its bundle: `index.mjs`, which exports `handler`. */
  readonly code: Code;
  /** The instances that it runs on; `undefined`: it runs on demand. */
  readonly instances: Instances | undefined;
  /** The variables that name the tables and the workflow. */
  readonly environment: Readonly<Record<string, string>>;
  /** All that its role allows, besides writing to its own log group. */
  readonly statements: readonly PolicyStatement[];
}

/**
 * One Lambda function with its own log group and its own role.
 *
 * The role holds its policy inline, and no construct can add to it: a function may do what the
 * catalogue says, and nothing that another construct would grant it.
 */
export class LedgerFunction extends Construct {
  readonly lambda: LambdaFunction;

  constructor(
    scope: Construct,
    id: string,
    { name, stage, settings, key, instances, ...props }: LedgerFunctionProps,
  ) {
    super(scope, id);
    const functionName = functionNameOf(stage, name, instances ? 'instances' : 'on-demand');
    const definition = definitionOf(name);

    const logGroup = new LogGroup(this, 'Logs', {
      logGroupName: `/aws/lambda/${functionName}`,
      retention: settings.logRetentionDays,
      removalPolicy: removalPolicyOf(settings),
      ...(key && { encryptionKey: key }),
    });
    const role = new Role(this, 'Role', {
      // Tables name it in their own policies: see tables.ts.
      roleName: roleNameOf(this, functionName),
      description: `What ${functionName} may do`,
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      inlinePolicies: {
        access: new PolicyDocument({
          statements: [
            new PolicyStatement({
              actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
              resources: [logGroup.logGroupArn],
            }),
            ...(settings.tracing
              ? [new PolicyStatement({ actions: [...traceActions], resources: ['*'] })]
              : []),
            ...props.statements,
          ],
        }),
      },
    });

    Validations.of(role).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason: 'Writing traces, and asking which streams there are, know no resources.',
    });

    const reserved = settings.reservedConcurrency[name];
    this.lambda = new LambdaFunction(this, 'Function', {
      functionName,
      description: definition.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'index.handler',
      code: props.code,
      timeout: Duration.seconds(definition.timeout),
      memorySize: instances ? settings.instances.memory : definition.memory,
      role: role.withoutPolicyUpdates(),
      logGroup,
      // Only the function's own lines: START, END and REPORT of every invocation would be most of
      // the log, and Lambda's metrics have them.
      loggingFormat: LoggingFormat.JSON,
      applicationLogLevelV2: ApplicationLogLevel[settings.logLevel],
      systemLogLevelV2: SystemLogLevel.WARN,
      tracing: settings.tracing ? Tracing.ACTIVE : Tracing.DISABLED,
      ...(reserved !== undefined && { reservedConcurrentExecutions: reserved }),
      environment: {
        ...props.environment,
        NODE_OPTIONS: '--enable-source-maps',
        POWERTOOLS_SERVICE_NAME: name,
        POWERTOOLS_METRICS_NAMESPACE: metricsNamespace(stage),
        POWERTOOLS_LOG_LEVEL: settings.logLevel,
      },
    });
    instances?.take(this.lambda, name);
  }
}
