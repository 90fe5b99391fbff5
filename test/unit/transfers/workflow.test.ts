import { ExecutionAlreadyExists, SFNClient } from '@aws-sdk/client-sfn';
import { expect, it } from 'vitest';
import { createTransferWorkflow } from '../../../functions/transfers/workflow.ts';
import { transfer } from './transfer.ts';

/** The workflow on a Step Functions that fails with this, or starts. */
const workflow = (failure?: Error) => {
  const client = new SFNClient({ region: 'us-east-1' });
  const asked: object[] = [];
  client.middlewareStack.add(
    () =>
      async ({ input }) => {
        asked.push(input);
        if (failure) throw failure;
        return { response: {}, output: { $metadata: {}, executionArn: 'arn', startDate: new Date(0) } };
      },
    { step: 'initialize' },
  );
  return { workflow: createTransferWorkflow(client, 'arn:machine'), asked };
};

it('starts an execution by name, with the transfer as its input', async () => {
  const { workflow: started, asked } = workflow();
  expect(await started.start('t1', transfer)).toBe('started');
  expect(asked).toEqual([{ stateMachineArn: 'arn:machine', name: 't1', input: JSON.stringify(transfer) }]);
});

it('a name that was used before is a success: the transfer is in hand', async () => {
  const failure = new ExecutionAlreadyExists({ message: 'Execution Already Exists', $metadata: {} });
  expect(await workflow(failure).workflow.start('t1', transfer)).toBe('already_exists');
});

it('passes on every other failure', async () => {
  await expect(workflow(new Error('ThrottlingException')).workflow.start('t1', transfer)).rejects.toThrow(
    'ThrottlingException',
  );
});
