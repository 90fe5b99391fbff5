import { describe, expect, it } from 'vitest';
import { openStateMachine } from '../../../../local-cloud/step-functions/state-machine.ts';
import cases from './definition-cases.json' with { type: 'json' };
import { functionArn, machineWith, runTask } from './machines.ts';

const task = { Type: 'Task', Resource: functionArn, End: true };

it.each(cases)('$refused is refused by name', ({ definition, state, replaced, says }) => {
  const template = machineWith({
    StartAt: 'Do',
    States: { Do: replaced ?? { ...task, ...state } },
    ...definition,
  });

  expect(() => openStateMachine(template, functions)).toThrow(says);
  expect(() => openStateMachine(template, functions)).toThrow(
    'The state machine transfer cannot be run',
  );
});

const functions = (arn: string) =>
  arn === functionArn
    ? { name: 'f', arn, invoke: async () => ({ ok: true as const, payload: null }) }
    : undefined;

describe('where the library differs from AWS and can be put right:', () => {
  it('the result path $ replaces the input, as the default does', async () => {
    expect(await runTask({ ResultPath: '$' }, { a: 1 }, () => ({ result: 2 }))).toMatchObject({
      output: { result: 2 },
    });
    expect(await runTask({}, { a: 1 }, () => ({ result: 2 }))).toMatchObject({
      output: { result: 2 },
    });
  });

  it('a result path of null discards the result, and another one keeps the input', async () => {
    expect(await runTask({ ResultPath: null }, { a: 1 }, () => 2)).toMatchObject({
      output: { a: 1 },
    });
    expect(await runTask({ ResultPath: '$.b' }, { a: 1 }, () => 2)).toMatchObject({
      output: { a: 1, b: 2 },
    });
  });

  it('a function that answers nothing answers null', async () => {
    expect(await runTask({ ResultPath: '$.b' }, { a: 1 }, () => undefined)).toMatchObject({
      output: { a: 1, b: null },
    });
  });

  it('the context object names the execution and the state machine', async () => {
    const Parameters = {
      'id.$': '$$.Execution.Id',
      'name.$': '$$.Execution.Name',
      'input.$': '$$.Execution.Input.a',
      'machine.$': '$$.StateMachine.Name',
    };
    expect(await runTask({ Parameters }, { a: 1 }, (input) => input)).toMatchObject({
      output: { id: 'arn:execution', name: 'one', input: 1, machine: 'transfer' },
    });
  });
});
