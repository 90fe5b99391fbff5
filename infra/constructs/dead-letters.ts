import { Duration, Validations } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { StageName } from '../stages.ts';

/**
 * The queue to which Lambda reports the stream records that it gave up: which function, which
 * shard, from which sequence number to which. The data itself is in the tables.
 */
export class DeadLetters extends Construct {
  readonly queue: Queue;

  constructor(
    scope: Construct,
    id: string,
    { stage, key }: { stage: StageName; key: IKey | undefined },
  ) {
    super(scope, id);
    this.queue = new Queue(this, 'Queue', {
      queueName: `holdfast-${stage}-dead-letters`,
      retentionPeriod: Duration.days(14),
      encryption: key ? QueueEncryption.KMS : QueueEncryption.SQS_MANAGED,
      ...(key && { encryptionMasterKey: key }),
      enforceSSL: true,
    });
    Validations.of(this.queue).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason:
        'It is itself where failures end: no function consumes it, an alarm has a person look at it.',
    });
  }
}
