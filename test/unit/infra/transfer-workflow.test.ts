import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { TransferWorkflow } from '../../../infra/constructs/transfer-workflow.ts';
import { settingsOf } from '../../../infra/stages.ts';
import { readable, synthesized } from './synthesized.ts';

const State = z.looseObject({
  Type: z.string(),
  Next: z.optional(z.string()),
  Resource: z.optional(z.string()),
});
const Definition = z.object({ StartAt: z.string(), States: z.record(z.string(), State) });

const machine = synthesized('dev').find(({ type }) => type === 'AWS::StepFunctions::StateMachine');
const { StartAt, States: states } = Definition.parse(
  JSON.parse(String(machine?.properties['DefinitionString'])),
);
const tasks = Object.entries(states).filter(([, { Type }]) => Type === 'Task');

/** Every way in which one state leads to another, `Catch` and all. */
const ways = Object.entries(states).flatMap(([from, state]) =>
  [...JSON.stringify(state).matchAll(/"(?:Next|Default)":"(\w+)"/g)].map(
    ([, to]) => `${from} -> ${to}`,
  ),
);

describe('the transfer workflow', () => {
  it('credits, then settles or releases, by calling the functions themselves', () => {
    expect(StartAt).toBe('CreditDestination');
    expect(tasks.map(([name, { Resource }]) => [name, Resource])).toEqual([
      ['CreditDestination', 'holdfast-dev-credit-transfer.Arn'],
      ['SettleSource', 'holdfast-dev-settle-transfer.Arn'],
      ['ReleaseSource', 'holdfast-dev-release-transfer.Arn'],
    ]);
  });

  it('releases the source for a rejected credit and in no other way', () => {
    expect(states['WasItCredited']).toEqual({
      Type: 'Choice',
      Choices: [
        { Variable: '$.credit.outcome', StringEquals: 'credited', Next: 'SettleSource' },
        { Variable: '$.credit.outcome', StringEquals: 'rejected', Next: 'ReleaseSource' },
      ],
      Default: 'UnknownOutcome',
    });
    expect(states['UnknownOutcome']?.Type).toBe('Fail');
    expect(ways).toEqual([
      'CreditDestination -> WasItCredited',
      'WasItCredited -> SettleSource',
      'WasItCredited -> ReleaseSource',
      'WasItCredited -> UnknownOutcome',
    ]);
  });

  it.each(tasks)(
    '%s is tried again whatever went wrong, at random times, with a cap, and never caught',
    (_name, task) => {
      expect(task['Retry']).toEqual([
        {
          ErrorEquals: ['States.ALL'],
          IntervalSeconds: 1,
          BackoffRate: 2,
          MaxDelaySeconds: 20,
          MaxAttempts: 8,
          JitterStrategy: 'FULL',
        },
      ]);
      expect(task).not.toHaveProperty('Catch');
    },
  );

  it('keeps what it was started with, and adds what became of the credit', () => {
    expect(tasks.map(([, task]) => task['ResultPath'])).toEqual(['$.credit', null, null]);
    expect(
      tasks.filter(
        ([, task]) => 'InputPath' in task || 'Parameters' in task || 'OutputPath' in task,
      ),
    ).toEqual([]);
  });

  it('logs every step, without the amounts, and is traced', () => {
    expect(machine?.properties).toMatchObject({
      LoggingConfiguration: { Level: 'ALL', IncludeExecutionData: false },
      TracingConfiguration: { Enabled: true },
    });
  });

  it.each([
    ['standard', 'STANDARD'],
    ['express', 'EXPRESS'],
  ] as const)('is %s by one setting, under a name of its own', (workflowType, type) => {
    const stack = new Stack(new App(), 'Stack');
    const settings = { ...settingsOf('dev'), workflowType };
    const [credit, settle, release] = (['Credit', 'Settle', 'Release'] as const).map((name) =>
      LambdaFunction.fromFunctionArn(
        stack,
        name,
        `arn:aws:lambda:eu-west-1:${'0'.repeat(12)}:function:${name}`,
      ),
    );
    if (!credit || !settle || !release) throw new Error('three functions were made');

    const key = undefined;
    new TransferWorkflow(stack, 'Workflow', {
      ...{ stage: 'dev', settings, key },
      ...{ credit, settle, release },
    });

    const [made] = readable(Template.fromStack(stack).toJSON()).filter(({ type }) =>
      type.endsWith('StateMachine'),
    );
    expect(made).toMatchObject({
      name: `holdfast-dev-transfer-${workflowType}`,
      properties: { StateMachineType: type },
    });
  });
});
