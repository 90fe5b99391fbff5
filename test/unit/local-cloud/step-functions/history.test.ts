import { expect, it } from 'vitest';
import { openExecutions } from '../../../../local-cloud/step-functions/executions.ts';
import {
  type LocalStateMachine,
  openStateMachine,
} from '../../../../local-cloud/step-functions/state-machine.ts';
import { eventually } from '../../../setup/eventually.ts';
import { functionArn, machineArn, machineWith } from './machines.ts';

const open = (machine: LocalStateMachine) =>
  openExecutions({
    machines: [machine],
    journalDirectory: undefined,
    report: () => {},
    clock: Date.now,
  });

/** Two tasks; the second is tried again at once where it fails. */
const twoTasks = {
  StartAt: 'First',
  States: {
    First: { Type: 'Task', Resource: functionArn, Next: 'Second' },
    Second: {
      Type: 'Task',
      Resource: functionArn,
      End: true,
      Retry: [{ ErrorEquals: ['States.ALL'], MaxAttempts: 1, IntervalSeconds: 1 }],
    },
  },
};

/** A machine whose function fails the calls of these numbers. */
const machineThatFails = (...failing: readonly number[]) => {
  let calls = 0;
  return openStateMachine(machineWith(twoTasks), (arn) => ({
    name: 'f',
    arn,
    invoke: async () => {
      calls += 1;
      return failing.includes(calls)
        ? { ok: false, errorType: 'UndecidedStep', errorMessage: 'not yet' }
        : { ok: true, payload: {} };
    },
  }));
};

const told = async (machine: LocalStateMachine) => {
  const executions = open(machine);
  const { arn } = executions.start(machine, 't1', '{"secret":"data"}');
  await eventually(() => expect(executions.get(arn).ended).toBeDefined());
  return executions
    .history(arn)
    .map(({ type, state = '', error = '' }) => [type, state, error].join(' ').trim());
};

it('an execution tells state by state what happened, attempts and their errors too', async () => {
  expect(await told(machineThatFails(2))).toEqual([
    'ExecutionStarted',
    'StateEntered First',
    'StateExited First',
    'StateEntered Second',
    'StateFailed Second UndecidedStep',
    'StateRetried Second',
    'StateExited Second',
    'ExecutionSucceeded',
  ]);
});

it('and how it failed', async () => {
  expect((await told(machineThatFails(1))).slice(1)).toEqual([
    'StateEntered First',
    'StateFailed First UndecidedStep',
    'ExecutionFailed  UndecidedStep',
  ]);
});

it('of tens of thousands the 20,000 that ended last are remembered, with their histories, and all that are under way', async () => {
  const waiting: (() => void)[] = [];
  let holds = true;
  const machine: LocalStateMachine = {
    arn: machineArn,
    name: 'transfer',
    type: 'STANDARD',
    run: (_, __, note) => {
      note?.({ type: 'ExecutionStarted', at: 1 });
      const ended = holds
        ? new Promise<void>((resolve) => waiting.push(resolve))
        : Promise.resolve();
      return {
        ended: ended.then(() => ({ status: 'SUCCEEDED', output: null }) as const),
        abort: () => {},
      };
    },
  };
  const executions = open(machine);
  const first = executions.start(machine, 'under-way', '{}');
  holds = false;
  for (let n = 0; n < 30_000; n += 1) executions.start(machine, `t${n}`, '{}');
  await eventually(() => expect(executions.named('t29999')?.ended).toBeDefined());

  expect(executions.of(machineArn)).toHaveLength(20_001);
  expect(executions.named('t9999')).toBeUndefined();
  expect(executions.history(first.arn.replace('under-way', 't9999'))).toEqual([]);
  expect(executions.history(first.arn.replace('under-way', 't10000'))).toHaveLength(1);
  expect(executions.get(first.arn)).not.toHaveProperty('ended');
  expect(executions.history(first.arn)).toHaveLength(1);
});
