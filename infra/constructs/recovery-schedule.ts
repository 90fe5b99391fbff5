import { Duration } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { EventInvokeConfig, type IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { StageName } from '../stages.ts';

/**
 * Has recover-transfers look for transfers that were left open, every minute.
 *
 * A failed invocation is not tried again, and one that was refused for want of concurrency not for
 * long: the next minute's looks again.
 *
 * A rule of EventBridge, not of its Scheduler: a fixed rate is all that is needed, and the rule
 * needs no role of its own.
 */
export class RecoverySchedule extends Construct {
  constructor(
    scope: Construct,
    id: string,
    { stage, recover }: { stage: StageName; recover: IFunction },
  ) {
    super(scope, id);
    new Rule(this, 'Rule', {
      ruleName: `holdfast-${stage}-recover-transfers`,
      description: 'Looks for transfers that were left open',
      schedule: Schedule.rate(Duration.minutes(1)),
      targets: [new LambdaFunction(recover)],
    });
    new EventInvokeConfig(this, 'Asynchronous', {
      function: recover,
      retryAttempts: 0,
      maxEventAge: Duration.minutes(1),
    });
  }
}
