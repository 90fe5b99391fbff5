import { ArnFormat, Duration, Stack, Validations } from 'aws-cdk-lib';
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import {
  Choice,
  Condition,
  CustomerManagedEncryptionConfiguration,
  DefinitionBody,
  Errors,
  Fail,
  type IChainable,
  JitterType,
  JsonPath,
  LogLevel,
  StateMachine,
  StateMachineType,
} from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import type { StageName, StageSettings } from '../stages.ts';
import { deliveredLogsOf } from './encryption-key.ts';
import { removalPolicyOf } from './removal-policy.ts';
import { traceActions } from './tracing.ts';

/** The functions that do the steps. */
export interface TransferWorkflowProps {
  readonly stage: StageName;
  readonly settings: StageSettings;
  readonly key: IKey | undefined;
  readonly credit: IFunction;
  readonly settle: IFunction;
  readonly release: IFunction;
}

/**
 * Ends a reserved transfer: credits the destination, then settles on the source, or releases the
 * reservation when the credit was rejected.
 *
 * There is no `Catch` anywhere, and that is the point. A step that throws has an unknown result: it
 * is tried again, and when the attempts run out the execution fails and the reservation stays open
 * for recover-transfers to find. Only a credit that says it was rejected leads to the release.
 */
export class TransferWorkflow extends Construct {
  readonly stateMachine: StateMachine;

  constructor(
    scope: Construct,
    id: string,
    { stage, settings, key, credit, settle, release }: TransferWorkflowProps,
  ) {
    super(scope, id);
    const tasks = { credit, settle, release };
    const name = workflowNameOf(stage, settings);
    const logGroup = new LogGroup(this, 'Logs', {
      logGroupName: `/aws/vendedlogs/states/${name}`,
      retention: settings.logRetentionDays,
      removalPolicy: removalPolicyOf(settings),
      ...(key && { encryptionKey: key }),
    });
    const role = new Role(this, 'Role', {
      description: `What ${name} may do`,
      assumedBy: new ServicePrincipal('states.amazonaws.com'),
      inlinePolicies: {
        access: new PolicyDocument({
          statements: [
            ...statementsFor(Object.values(tasks), settings),
            ...(key ? statementsForKey(key, name) : []),
          ],
        }),
      },
    });
    Validations.of(role).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason: 'The actions of log delivery and of X-Ray know no resources.',
    });

    this.stateMachine = new StateMachine(this, 'StateMachine', {
      stateMachineName: name,
      stateMachineType:
        settings.workflowType === 'express' ? StateMachineType.EXPRESS : StateMachineType.STANDARD,
      comment:
        'Credit the destination, then settle the source; release it only if the credit was rejected',
      definitionBody: DefinitionBody.fromChainable(definition(this, tasks)),
      role: role.withoutPolicyUpdates(),
      // Names, times and errors alone: who paid whom how much stays in the tables.
      logs: { destination: logGroup, level: LogLevel.ALL, includeExecutionData: false },
      tracingEnabled: settings.tracing,
      // Inputs and results say who paid whom how much.
      ...(key && {
        encryptionConfiguration: new CustomerManagedEncryptionConfiguration(
          // By its ARN alone: the construct would let the delivery of logs decrypt for everybody.
          Key.fromKeyArn(this, 'Key', key.keyArn),
        ),
      }),
    });
    if (!settings.tracing) {
      Validations.of(this.stateMachine).acknowledge({
        id: 'AwsSolutions-SF2',
        reason: 'The stage traces nothing: a workflow alone would show half of the way.',
      });
    }
  }
}

/**
 * The name of a stage's workflow, known before the workflow is made. The type is part of it: a
 * machine of the other type is another resource, made before the old one goes. Executions on the
 * old one end half way, and recover-transfers finds their transfers.
 */
export const workflowNameOf = (stage: StageName, { workflowType }: StageSettings): string =>
  `holdfast-${stage}-transfer-${workflowType}`;

type Tasks = Readonly<Record<'credit' | 'settle' | 'release', IFunction>>;

function definition(scope: Construct, { credit, settle, release }: Tasks): IChainable {
  const outcome = '$.credit.outcome';
  return step(scope, 'CreditDestination', credit, '$.credit').next(
    new Choice(scope, 'WasItCredited')
      .when(
        Condition.stringEquals(outcome, 'credited'),
        step(scope, 'SettleSource', settle, JsonPath.DISCARD),
      )
      .when(
        Condition.stringEquals(outcome, 'rejected'),
        step(scope, 'ReleaseSource', release, JsonPath.DISCARD),
      )
      .otherwise(
        new Fail(scope, 'UnknownOutcome', {
          error: 'UnknownCreditOutcome',
          cause:
            'The credit ended in a way that this workflow does not know. The reservation stays open.',
        }),
      ),
  );
}

/**
 * A task that calls a function with the whole state, and retries for about a minute and a half. A
 * longer outage is not for retrying: recover-transfers starts the transfer again, ever more seldom.
 */
function step(scope: Construct, id: string, lambda: IFunction, resultPath: string): LambdaInvoke {
  const task = new LambdaInvoke(scope, id, {
    lambdaFunction: lambda,
    payloadResponseOnly: true,
    resultPath,
    // The construct's own retrier would come before this one, and has no jitter.
    retryOnServiceExceptions: false,
  });
  task.addRetry({
    errors: [Errors.ALL],
    interval: Duration.seconds(1),
    backoffRate: 2,
    maxDelay: Duration.seconds(20),
    maxAttempts: 8,
    // Transfers that failed together, such as when a table throttles, must not come back together.
    jitterStrategy: JitterType.FULL,
  });
  return task;
}

function statementsFor(
  functions: readonly IFunction[],
  { tracing }: StageSettings,
): PolicyStatement[] {
  return [
    new PolicyStatement({
      actions: ['lambda:InvokeFunction'],
      resources: functions.map(({ functionArn }) => functionArn),
    }),
    new PolicyStatement({
      actions: [
        'logs:CreateLogDelivery',
        'logs:GetLogDelivery',
        'logs:UpdateLogDelivery',
        'logs:DeleteLogDelivery',
        'logs:ListLogDeliveries',
        'logs:PutResourcePolicy',
        'logs:DescribeResourcePolicies',
        'logs:DescribeLogGroups',
        ...(tracing ? [...traceActions, 'xray:GetSamplingRules', 'xray:GetSamplingTargets'] : []),
      ],
      resources: ['*'],
    }),
  ];
}

/**
 * Step Functions encrypts an execution's data, and what it delivers to the log, in the name of the
 * workflow's role (https://docs.aws.amazon.com/step-functions/latest/dg/encryption-at-rest.html).
 */
function statementsForKey(key: IKey, name: string): PolicyStatement[] {
  const stack = Stack.of(key);
  return [
    new PolicyStatement({
      actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
      resources: [key.keyArn],
      conditions: {
        StringEquals: {
          'kms:EncryptionContext:aws:states:stateMachineArn': stack.formatArn({
            service: 'states',
            resource: 'stateMachine',
            resourceName: name,
            arnFormat: ArnFormat.COLON_RESOURCE_NAME,
          }),
        },
      },
    }),
    new PolicyStatement({
      actions: ['kms:GenerateDataKey'],
      resources: [key.keyArn],
      conditions: {
        StringEquals: { 'kms:EncryptionContext:SourceArn': deliveredLogsOf(stack) },
      },
    }),
  ];
}
