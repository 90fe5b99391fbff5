import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  InvalidExecutionInput,
  InvalidName,
  ListExecutionsCommand,
  ListStateMachinesCommand,
  SFNClient,
  StartExecutionCommand,
  StateMachineDoesNotExist,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Invocation } from '../../../../local-cloud/lambda/invocation.ts';
import { startStepFunctions } from '../../../../local-cloud/step-functions/endpoint.ts';
import { eventually } from '../../../setup/eventually.ts';
import { machineArn, machineWith, oneTask } from './machines.ts';

/**
 * A Step Functions behind HTTP with one machine of one task, which waits until the test answers it.
 */
const started = async (type: 'STANDARD' | 'EXPRESS' = 'STANDARD') => {
  const waiting: ((invocation: Invocation) => void)[] = [];
  const stepFunctions = startStepFunctions({
    stateMachines: [machineWith(oneTask({}), type)],
    resolveFunction: (arn) => ({
      name: 'f',
      arn,
      invoke: () => new Promise((resolve) => waiting.push(resolve)),
    }),
    report: () => {},
  });
  const server = createServer(async (request, response) => {
    const { status, body } = await stepFunctions.handle(
      String(request.headers['x-amz-target']),
      await text(request),
    );
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const client = new SFNClient({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'key', secretAccessKey: 'local' },
    maxAttempts: 1,
  });
  onTestFinished(() => {
    client.destroy();
    server.closeAllConnections();
    server.close();
    stepFunctions.stop();
  });
  const start = (name?: string, input?: string) =>
    client.send(new StartExecutionCommand({ stateMachineArn: machineArn, name, input }));
  const describeExecution = (executionArn: string | undefined) =>
    client.send(new DescribeExecutionCommand({ executionArn }));
  const answer = async (invocation: Invocation) => {
    await eventually(() => expect(waiting).not.toHaveLength(0));
    waiting.shift()?.(invocation);
  };
  return { client, waiting, start, describeExecution, answer };
};

const succeeded: Invocation = { ok: true, payload: { done: true } };

afterEach(() => {
  vi.restoreAllMocks();
});

it('an execution runs, and can be looked at before and after it ends', async () => {
  const { start, describeExecution, answer } = await started();
  const { executionArn, startDate } = await start('t1', '{"transferId":"t1"}');
  expect(executionArn).toBe('arn:aws:states:us-east-1:000000000000:execution:transfer:t1');
  expect(startDate).toBeInstanceOf(Date);
  expect(await describeExecution(executionArn)).toMatchObject({
    executionArn,
    stateMachineArn: machineArn,
    name: 't1',
    status: 'RUNNING',
    input: '{"transferId":"t1"}',
    startDate,
  });
  expect(await describeExecution(executionArn)).not.toHaveProperty('stopDate');

  await answer(succeeded);

  await eventually(async () =>
    expect(await describeExecution(executionArn)).toMatchObject({
      status: 'SUCCEEDED',
      output: '{"done":true}',
      stopDate: expect.any(Date),
    }),
  );
});

it('an execution whose task fails has the error and the cause', async () => {
  const { start, describeExecution, answer } = await started();
  const { executionArn } = await start();
  await answer({ ok: false, errorType: 'Error', errorMessage: 'it failed' });
  await eventually(async () =>
    expect(await describeExecution(executionArn)).toMatchObject({
      status: 'FAILED',
      error: 'Error',
      cause: '{"errorType":"Error","errorMessage":"it failed"}',
    }),
  );
});

describe('the name of an execution of a Standard machine', () => {
  it('with the same input, while it is under way, is that execution', async () => {
    const { start, waiting } = await started();
    const first = await start('t1', '{"a":1}');
    const second = await start('t1', '{"a":1}');
    expect(second.executionArn).toBe(first.executionArn);
    expect(second.startDate).toEqual(first.startDate);
    await eventually(() => expect(waiting).toHaveLength(1));
  });

  it('with another input is taken', async () => {
    const { start } = await started();
    await start('t1', '{"a":1}');
    await expect(start('t1', '{"a":2}')).rejects.toThrow(ExecutionAlreadyExists);
  });

  it('is taken once it has ended', async () => {
    const { start, describeExecution, answer } = await started();
    const { executionArn } = await start('t1');
    await answer(succeeded);
    await eventually(async () =>
      expect((await describeExecution(executionArn)).status).toBe('SUCCEEDED'),
    );
    await expect(start('t1')).rejects.toThrow(ExecutionAlreadyExists);
  });

  it('is made up when there is none', async () => {
    const { start } = await started();
    const [one, another] = await Promise.all([start(), start()]);
    expect(one.executionArn).not.toBe(another.executionArn);
  });
});

it('the name of an execution of an Express machine may be used again', async () => {
  const { start, waiting } = await started('EXPRESS');
  const [one, another] = await Promise.all([start('t1', '{"a":1}'), start('t1', '{"a":2}')]);
  expect(one.executionArn).toMatch(/:express:transfer:t1:[0-9a-f-]{36}$/);
  expect(another.executionArn).not.toBe(one.executionArn);
  await eventually(() => expect(waiting).toHaveLength(2));
});

it('an execution can be stopped, with a reason, and what its task answers later changes nothing', async () => {
  const { client, start, describeExecution, answer } = await started();
  const { executionArn } = await start('t1');
  await client.send(
    new StopExecutionCommand({ executionArn, error: 'Tired', cause: 'it was late' }),
  );
  await answer(succeeded);
  const stopped = await describeExecution(executionArn);
  expect(stopped).toMatchObject({ status: 'ABORTED', error: 'Tired', cause: 'it was late' });
  await client.send(new StopExecutionCommand({ executionArn, error: 'Again' }));
  const { $metadata: _, ...same } = await describeExecution(executionArn);
  expect(same).toEqual(expect.objectContaining({ error: 'Tired', stopDate: stopped.stopDate }));
});

it('executions are listed, the newest first, by status and in pages', async () => {
  const { client, start, answer } = await started();
  const list = (more: Partial<ListExecutionsCommand['input']>) =>
    client.send(new ListExecutionsCommand({ stateMachineArn: machineArn, ...more }));
  const namesOf = ({ executions }: Awaited<ReturnType<typeof list>>) =>
    executions?.map(({ name }) => name);
  const now = vi.spyOn(Date, 'now');
  for (const [index, name] of ['t1', 't2', 't3'].entries()) {
    now.mockReturnValue(1_795_255_200_000 + index);
    await start(name);
  }
  now.mockRestore();
  await answer(succeeded);
  await eventually(async () =>
    expect(namesOf(await list({ statusFilter: 'SUCCEEDED' }))).toEqual(['t1']),
  );

  expect(namesOf(await list({ statusFilter: 'RUNNING' }))).toEqual(['t3', 't2']);
  const first = await list({ maxResults: 2 });
  expect(namesOf(first)).toEqual(['t3', 't2']);
  const second = await list({ maxResults: 2, nextToken: first.nextToken });
  expect(namesOf(second)).toEqual(['t1']);
  expect(second.nextToken).toBeUndefined();
});

describe('a request is refused as Step Functions does:', () => {
  it.each([
    ['a name with a space', { name: 'a b' }, InvalidName],
    ['an input that is no JSON', { input: '{' }, InvalidExecutionInput],
    [
      'a machine that is not there',
      { stateMachineArn: `${machineArn}2` },
      StateMachineDoesNotExist,
    ],
  ])('%s', async (_, changed, error) => {
    const { client } = await started();
    const command = new StartExecutionCommand({ stateMachineArn: machineArn, ...changed });
    await expect(client.send(command)).rejects.toThrow(error);
  });

  it.each([
    ['a machine that is no ARN', { stateMachineArn: 'transfer' }, 'InvalidArn'],
    ['no machine', { stateMachineArn: undefined }, 'ValidationException'],
    ['a long name', { name: 'x'.repeat(81) }, 'ValidationException'],
    ['a long input', { input: JSON.stringify('x'.repeat(262_144)) }, 'ValidationException'],
  ])('%s', async (_, changed, name) => {
    const { client } = await started();
    const command = new StartExecutionCommand({ stateMachineArn: machineArn, ...changed });
    await expect(client.send(command)).rejects.toMatchObject({ name });
  });

  it('an execution that is not there', async () => {
    const { describeExecution } = await started();
    await expect(describeExecution(`${machineArn}:no`)).rejects.toThrow(ExecutionDoesNotExist);
  });

  it('an operation that is not there, by name', async () => {
    const { client } = await started();
    await expect(client.send(new ListStateMachinesCommand({}))).rejects.toMatchObject({
      name: 'UnknownOperationException',
      message: expect.stringContaining('AWSStepFunctions.ListStateMachines is not there'),
    });
  });

  it('executions of an Express machine, which nobody keeps', async () => {
    const { client } = await started('EXPRESS');
    await expect(
      client.send(new ListExecutionsCommand({ stateMachineArn: machineArn })),
    ).rejects.toMatchObject({
      name: 'StateMachineTypeNotSupported',
    });
  });
});
