import { ExecutionAlreadyExists, ExecutionDoesNotExist, SFNClient } from '@aws-sdk/client-sfn';
import { describe, expect, it } from 'vitest';
import { createTransferWorkflow, inputOf } from '../../../functions/transfers/workflow.ts';
import { transfer } from './transfer.ts';

const NOW = Date.parse('2026-11-21T12:00:00.000Z');

/** The workflow on a Step Functions that answers so, or fails with this. */
const workflow = (answer: object | Error = { executionArn: 'arn', startDate: new Date(NOW) }) => {
  const client = new SFNClient({ region: 'us-east-1' });
  const asked: object[] = [];
  client.middlewareStack.add(
    () =>
      async ({ input }) => {
        asked.push(input);
        if (answer instanceof Error) throw answer;
        return { response: {}, output: { $metadata: {}, ...answer } };
      },
    { step: 'initialize' },
  );
  return {
    workflow: createTransferWorkflow(client, 'arn:aws:states:r:1:stateMachine:m', () => NOW),
    asked,
  };
};

const throttled = new Error('ThrottlingException');

describe('a start', () => {
  it('is of an execution by name, with the transfer as its input', async () => {
    const { workflow: started, asked } = workflow();
    expect(await started.start('t1', transfer)).toBe('started');
    expect(asked).toEqual([
      {
        stateMachineArn: 'arn:aws:states:r:1:stateMachine:m',
        name: 't1',
        input: JSON.stringify(transfer),
      },
    ]);
  });

  it('with a name that was used before is a success: the transfer is in hand', async () => {
    const failure = new ExecutionAlreadyExists({
      message: 'Execution Already Exists',
      $metadata: {},
    });
    expect(await workflow(failure).workflow.start('t1', transfer)).toBe('already_exists');
  });

  it.each([
    [-60_000, 'already_exists'],
    [-10_001, 'already_exists'],
    [-10_000, 'started'],
    [2_000, 'started'],
  ])('that is answered with an execution from %i ms ago is %s', async (since, outcome) => {
    const answer = { executionArn: 'arn', startDate: new Date(NOW + since) };
    expect(await workflow(answer).workflow.start('t1', transfer)).toBe(outcome);
  });

  it('passes on every other failure, and an answer that says nothing is one', async () => {
    await expect(workflow(throttled).workflow.start('t1', transfer)).rejects.toBe(throttled);
    await expect(workflow({}).workflow.start('t1', transfer)).rejects.toThrow('not known');
  });
});

describe('whether an execution is running', () => {
  it('is asked by its ARN', async () => {
    const { workflow: asking, asked } = workflow({ status: 'RUNNING' });
    expect(await asking.isRunning('t1')).toBe(true);
    expect(asked).toEqual([{ executionArn: 'arn:aws:states:r:1:execution:m:t1' }]);
  });

  it.each([
    ['RUNNING', true],
    ['PENDING_REDRIVE', true],
    ['SUCCEEDED', false],
    ['FAILED', false],
    ['TIMED_OUT', false],
    ['ABORTED', false],
  ])('%s: %s', async (status, running) => {
    expect(await workflow({ status }).workflow.isRunning('t1')).toBe(running);
  });

  it('one that does not exist is not', async () => {
    const failure = new ExecutionDoesNotExist({
      message: 'Execution Does Not Exist',
      $metadata: {},
    });
    expect(await workflow(failure).workflow.isRunning('t1')).toBe(false);
  });

  it('is not known after another failure, nor from an answer that says nothing', async () => {
    await expect(workflow(throttled).workflow.isRunning('t1')).rejects.toBe(throttled);
    await expect(workflow({}).workflow.isRunning('t1')).rejects.toThrow('not known');
  });
});

it('of a transfer of which more is known, an execution is started with what is its own', () => {
  expect(inputOf({ ...transfer, ...{ status: 'reserved', steps: [] } })).toEqual(transfer);
  const { reference: _, ...rest } = transfer;
  expect(inputOf(rest)).not.toHaveProperty('reference');
});
