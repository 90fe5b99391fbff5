import { ArnFormat, Duration, Stack } from 'aws-cdk-lib';
import {
  type AddToResourcePolicyResult,
  PolicyStatement,
  type PolicyStatementProps,
  ServicePrincipal,
} from 'aws-cdk-lib/aws-iam';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import type { StageName, StageSettings } from '../stages.ts';
import { removalPolicyOf } from './removal-policy.ts';

/**
 * The customer's own key, with which everything that a stage keeps is encrypted at rest: tables and
 * their streams, logs, dead letters, alarms on their way, and the workflow's executions.
 *
 * Its policy lets services use it by themselves only for this stage's log groups, for logs that are
 * delivered to them, and for the topic of the alarms. All others use it in the name of whoever calls
 * them, and whoever calls them has to be allowed: `viaService` makes such a statement.
 *
 * Its material is made new each year, and what was encrypted before stays readable. Whoever deletes
 * the key deletes the ledger: it stays where the data does, and AWS waits before it deletes it.
 */
export class EncryptionKey extends Construct {
  readonly key: IKey;

  constructor(
    scope: Construct,
    id: string,
    { stage, settings }: { readonly stage: StageName; readonly settings: StageSettings },
  ) {
    super(scope, id);
    const stack = Stack.of(this);
    this.key = new Key(this, 'Key', {
      alias: `holdfast-${stage}`,
      description: `What the Holdfast ledger, stage ${stage}, keeps`,
      enableKeyRotation: true,
      pendingWindow: Duration.days(settings.protectData ? 30 : 7),
      removalPolicy: removalPolicyOf(settings),
    });
    this.#allow({
      sid: 'LogsOfThisStage',
      principals: [new ServicePrincipal(`logs.${stack.region}.amazonaws.com`)],
      actions: [
        'kms:Decrypt',
        'kms:DescribeKey',
        'kms:Encrypt',
        'kms:GenerateDataKey',
        'kms:GenerateDataKeyWithoutPlaintext',
        'kms:ReEncryptFrom',
        'kms:ReEncryptTo',
      ],
      conditions: {
        ArnLike: {
          'kms:EncryptionContext:aws:logs:arn': logGroupsOf(stage).map((resourceName) =>
            stack.formatArn({
              service: 'logs',
              resource: 'log-group',
              resourceName,
              arnFormat: ArnFormat.COLON_RESOURCE_NAME,
            }),
          ),
        },
      },
    });
    this.#allow({
      sid: 'LogsOfTheWorkflow',
      principals: [new ServicePrincipal('delivery.logs.amazonaws.com')],
      actions: ['kms:Decrypt'],
      conditions: {
        StringEquals: { 'kms:EncryptionContext:SourceArn': deliveredLogsOf(stack) },
      },
    });
    this.#allow({
      sid: 'AlarmsToTheirTopic',
      principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
      actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
      // CloudWatch publishes for all its customers: only this account's alarms may.
      conditions: { StringEquals: { 'aws:SourceAccount': stack.account } },
    });
  }

  #allow(statement: PolicyStatementProps): AddToResourcePolicyResult {
    return this.key.addToResourcePolicy(new PolicyStatement({ resources: ['*'], ...statement }));
  }
}

/** What stands with the logs that services deliver in this account when they are encrypted. */
export const deliveredLogsOf = (stack: Stack): string =>
  stack.formatArn({ service: 'logs', resource: '*', arnFormat: ArnFormat.NO_RESOURCE_NAME });

/** The names of a stage's log groups; `*` stands for the function or the workflow. */
const logGroupsOf = (stage: StageName): readonly string[] => [
  `/aws/lambda/holdfast-${stage}-*`,
  `/aws/vendedlogs/apis/holdfast-${stage}`,
  `/aws/vendedlogs/states/holdfast-${stage}-*`,
];

/** What a role does with things that are encrypted. */
export type KeyUse =
  /** Reads from a table or a stream. */
  | 'read a table'
  /** Writes to a table, which reads as well. */
  | 'write a table'
  /** Sends to a queue. */
  | 'send to a queue'
  /** Starts executions of the workflow, and asks after them. */
  | 'start the workflow';

/**
 * DynamoDB asks for these of its caller
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html,
 * *Authorizing use of your customer managed key*; `kms:CreateGrant` is for who makes the table),
 * Lambda's destinations and Step Functions for theirs likewise
 * (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html,
 * https://docs.aws.amazon.com/step-functions/latest/dg/encryption-at-rest.html).
 */
const actionsFor: Readonly<
  Record<KeyUse, { readonly service: string; readonly actions: readonly string[] }>
> = {
  'read a table': { service: 'dynamodb', actions: ['kms:Decrypt', 'kms:DescribeKey'] },
  'write a table': {
    service: 'dynamodb',
    actions: [
      'kms:Decrypt',
      'kms:DescribeKey',
      'kms:Encrypt',
      'kms:GenerateDataKey',
      'kms:GenerateDataKeyWithoutPlaintext',
      'kms:ReEncryptFrom',
      'kms:ReEncryptTo',
    ],
  },
  'send to a queue': { service: 'sqs', actions: ['kms:Decrypt', 'kms:GenerateDataKey'] },
  'start the workflow': { service: 'states', actions: ['kms:Decrypt', 'kms:GenerateDataKey'] },
};

/**
 * Lets a role use the key by way of the service that keeps the encrypted thing, and in no other
 * way: it cannot decrypt anything by itself.
 * @param key of the stage.
 * @param use what for.
 */
export const viaService = (key: IKey, use: KeyUse): PolicyStatement => {
  const { service, actions } = actionsFor[use];
  return new PolicyStatement({
    actions: [...actions],
    resources: [key.keyArn],
    conditions: {
      StringEquals: { 'kms:ViaService': `${service}.${Stack.of(key).region}.amazonaws.com` },
    },
  });
};
