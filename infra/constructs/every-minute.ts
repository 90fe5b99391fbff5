import { Duration } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { EventInvokeConfig, type IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { StageName } from '../stages.ts';
import type { FunctionName } from './catalogue.ts';

/**
 * Has a function look every minute for what is to be done.
 *
 * A failed invocation is not tried again, and one that was refused for want of concurrency not for
 * long: the next minute's looks again.
 *
 * A rule of EventBridge, not of its Scheduler: a fixed rate is all that is needed, and the rule
 * needs no role of its own.
 */
export class EveryMinute extends Construct {
  constructor(
    scope: Construct,
    id: string,
    {
      stage,
      name,
      description,
      run,
    }: {
      readonly stage: StageName;
      readonly name: FunctionName;
      readonly description: string;
      readonly run: IFunction;
    },
  ) {
    super(scope, id);
    new Rule(this, 'Rule', {
      ruleName: `holdfast-${stage}-${name}`,
      description,
      schedule: Schedule.rate(Duration.minutes(1)),
      targets: [new LambdaFunction(run)],
    });
    new EventInvokeConfig(this, 'Asynchronous', {
      function: run,
      retryAttempts: 0,
      maxEventAge: Duration.minutes(1),
    });
  }
}
