import { expect, it, onTestFinished, vi } from 'vitest';
import { throttled } from '../../../../local-cloud/lambda/invocation.ts';
import { openStateMachine } from '../../../../local-cloud/step-functions/state-machine.ts';
import { functionArn, machineWith, oneTask, runTask } from './machines.ts';

const failure = {
  ok: false,
  errorType: 'TransientError',
  errorMessage: 'not now',
  trace: ['TransientError: not now'],
};
const retry = (fields: Record<string, unknown>) => ({
  Retry: [
    { IntervalSeconds: 1, MaxDelaySeconds: 1, JitterStrategy: 'FULL', MaxAttempts: 2, ...fields },
  ],
});

it("a task gets the state's input, and its answer is the result", async () => {
  expect(await runTask({}, { transferId: 't1' }, (input) => ({ got: input }))).toEqual({
    status: 'SUCCEEDED',
    output: { got: { transferId: 't1' } },
  });
});

it("a function's error has its type as name, and Lambda's whole answer as cause", async () => {
  expect(await runTask({}, {}, () => failure)).toEqual({
    status: 'FAILED',
    error: 'TransientError',
    cause:
      '{"errorType":"TransientError","errorMessage":"not now","trace":["TransientError: not now"]}',
  });
});

it.each(['Runtime.ExitError', 'Sandbox.Timedout'])(
  'the end of a worker is the error %s',
  async (errorType) => {
    expect(
      await runTask({}, {}, () => ({ ok: false, errorType, errorMessage: 'ended' })),
    ).toMatchObject({
      status: 'FAILED',
      error: errorType,
    });
  },
);

it('an invocation that is refused for want of concurrency is an error of Lambda, by its name', async () => {
  expect(await runTask({}, {}, () => throttled)).toMatchObject({
    status: 'FAILED',
    error: 'Lambda.TooManyRequestsException',
  });
});

it('an error without a type is Lambda.Unknown', async () => {
  expect(
    await runTask({}, {}, () => ({ ok: false, errorType: '', errorMessage: 'ended' })),
  ).toMatchObject({
    status: 'FAILED',
    error: 'Lambda.Unknown',
    cause: expect.stringContaining('Lambda did not return an error type'),
  });
});

it.each([
  ['its name', 'TransientError'],
  ['any failure of a task', 'States.TaskFailed'],
  ['any error', 'States.ALL'],
])('a retrier for %s tries again', async (_, name) => {
  // Full jitter: a wait of nothing.
  vi.spyOn(Math, 'random').mockReturnValue(0);
  onTestFinished(() => void vi.restoreAllMocks());
  let attempts = 0;
  const answer = () => {
    attempts += 1;
    return attempts < 2 ? failure : 'done';
  };
  expect(await runTask(retry({ ErrorEquals: [name] }), {}, answer)).toEqual({
    status: 'SUCCEEDED',
    output: 'done',
  });
});

it('a retrier for another error does not', async () => {
  let attempts = 0;
  const answer = () => {
    attempts += 1;
    return failure;
  };
  expect(await runTask(retry({ ErrorEquals: ['OtherError'] }), {}, answer)).toMatchObject({
    error: 'TransientError',
  });
  expect(attempts).toBe(1);
});

it('an execution that is aborted while a task waits for its next attempt calls nothing more', async () => {
  let attempts = 0;
  const invoke = async () => {
    attempts += 1;
    return { ok: false as const, errorType: 'Error', errorMessage: 'not now' };
  };
  const definition = oneTask({
    Retry: [{ ErrorEquals: ['States.ALL'], IntervalSeconds: 60, MaxAttempts: 5 }],
  });
  const machine = openStateMachine(machineWith(definition), (arn) => ({ name: 'f', arn, invoke }));
  const run = machine.run({}, { arn: 'arn:execution', name: 'one' });
  await expect.poll(() => attempts).toBe(1);

  run.abort();

  expect(await run.ended).toEqual({ status: 'ABORTED' });
  await new Promise((resolve) => setImmediate(resolve));
  expect(attempts).toBe(1);
});

it('an execution that is longer than its definition allows times out', async () => {
  const definition = { ...oneTask({}), TimeoutSeconds: 1 };
  const invoke = () => new Promise<never>(() => {});
  const machine = openStateMachine(machineWith(definition), (arn) => ({ name: 'f', arn, invoke }));
  expect(await machine.run({}, { arn: 'arn:execution', name: 'one' }).ended).toEqual({
    status: 'TIMED_OUT',
  });
});

it('a Fail state ends it with its error and cause', async () => {
  const definition = {
    StartAt: 'End',
    States: { End: { Type: 'Fail', Error: 'Unknown', Cause: 'nobody knows' } },
  };
  const machine = openStateMachine(machineWith(definition), () => undefined);
  expect(await machine.run({}, { arn: 'arn:execution', name: 'one' }).ended).toEqual({
    status: 'FAILED',
    error: 'Unknown',
    cause: 'nobody knows',
  });
});

it('the choice follows what a task answered', async () => {
  const task = { Type: 'Task', Resource: functionArn };
  const definition = {
    StartAt: 'Credit',
    States: {
      Credit: { ...task, ResultPath: '$.credit', Next: 'WasCredited' },
      WasCredited: {
        Type: 'Choice',
        Choices: [{ Variable: '$.credit.outcome', StringEquals: 'credited', Next: 'Settle' }],
        Default: 'Release',
      },
      Settle: { ...task, ResultPath: '$.settle', End: true },
      Release: { ...task, ResultPath: '$.release', End: true },
    },
  };
  const outcomeOf = (outcome: string) =>
    openStateMachine(machineWith(definition), (arn) => ({
      name: 'f',
      arn,
      invoke: async () => ({ ok: true, payload: { outcome } }),
    })).run({ id: 't1' }, { arn: 'arn:execution', name: 'one' }).ended;

  expect(await outcomeOf('credited')).toMatchObject({
    output: { id: 't1', settle: { outcome: 'credited' } },
  });
  expect(await outcomeOf('rejected')).toMatchObject({
    output: { id: 't1', release: { outcome: 'rejected' } },
  });
});
