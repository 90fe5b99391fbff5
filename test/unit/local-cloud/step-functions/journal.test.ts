import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { Invocation } from '../../../../local-cloud/lambda/invocation.ts';
import { startStepFunctions } from '../../../../local-cloud/step-functions/endpoint.ts';
import { openJournal } from '../../../../local-cloud/step-functions/journal.ts';
import { eventually } from '../../../setup/eventually.ts';
import { machineArn, machineWith, oneTask } from './machines.ts';

const directory = () => {
  const made = mkdtempSync(join(tmpdir(), 'journal-'));
  onTestFinished(() => rmSync(made, { recursive: true }));
  return join(made, 'executions');
};

const started = (journalDirectory: string, invoke: (event: unknown) => Promise<Invocation>) => {
  const stepFunctions = startStepFunctions({
    stateMachines: [machineWith(oneTask({}))],
    resolveFunction: (arn) => ({ name: 'f', arn, invoke }),
    journalDirectory,
    report: () => {},
  });
  const call = async (operation: string, request: object) => {
    const { status, body } = await stepFunctions.handle(
      `AWSStepFunctions.${operation}`,
      JSON.stringify(request),
    );
    return { status, ...JSON.parse(body) };
  };
  const start = (name: string, input = '{}') =>
    call('StartExecution', { stateMachineArn: machineArn, name, input });
  const running = async (): Promise<number> =>
    (await call('ListExecutions', { stateMachineArn: machineArn, statusFilter: 'RUNNING' }))
      .executions.length;
  return { ...stepFunctions, start, running };
};

const never = () => new Promise<never>(() => {});
const succeed = vi.fn(async (): Promise<Invocation> => ({ ok: true, payload: null }));

it('what was under way begins anew, with its own input, and ends', async () => {
  const kept = directory();
  const before = started(kept, never);
  await before.start('t1', '{"transferId":"t1"}');
  before.stop();

  const inputs: unknown[] = [];
  const after = started(kept, async (event) => {
    inputs.push(event);
    return { ok: true, payload: null };
  });

  await eventually(async () => expect(await after.running()).toBe(0));
  expect(inputs).toEqual([{ transferId: 't1' }]);
});

it('what happened before is not in the history of what begins anew; what happens now is', async () => {
  const kept = directory();
  const before = started(kept, never);
  await before.start('t1');
  await eventually(() => expect(typesOf(before, 't1')).toHaveLength(2));
  before.stop();

  const after = started(kept, succeed);
  await eventually(() => expect(after.execution('t1')?.status).toBe('SUCCEEDED'));
  await eventually(() =>
    expect(typesOf(after, 't1')).toEqual([
      'ExecutionStarted',
      'StateEntered',
      'StateExited',
      'ExecutionSucceeded',
    ]),
  );
  after.stop();
  expect(started(kept, succeed).execution('t1')).toMatchObject({
    status: 'SUCCEEDED',
    history: [],
  });
});

const typesOf = ({ execution }: ReturnType<typeof started>, name: string) =>
  execution(name)?.history.map(({ type }) => type);

it('a name stays taken, and what has ended does not run again', async () => {
  const kept = directory();
  const before = started(kept, succeed);
  await before.start('t1');
  await eventually(async () => expect(await before.running()).toBe(0));
  before.stop();

  succeed.mockClear();
  const after = started(kept, succeed);

  expect(await after.start('t1')).toMatchObject({ status: 400, __type: 'ExecutionAlreadyExists' });
  expect(succeed).not.toHaveBeenCalled();
});

it('what a stopped process was doing is not taken for its end', async () => {
  const kept = directory();
  let fail: (invocation: Invocation) => void = () => {};
  const before = started(kept, () => new Promise((resolve) => (fail = resolve)));
  await before.start('t1');
  await eventually(() =>
    expect(readFileSync(join(kept, 'executions.jsonl'), 'utf8')).toContain('t1'),
  );
  before.stop();
  fail({ ok: false, errorType: 'Runtime.ExitError', errorMessage: 'the worker was ended' });
  await new Promise((resolve) => setImmediate(resolve));

  expect(openJournal({ directory: kept, keepEnded: 10 }).executions).toMatchObject([
    { name: 't1' },
  ]);
  expect(openJournal({ directory: kept, keepEnded: 10 }).executions[0]).not.toHaveProperty('ended');
});

const execution = (name: string, ended: boolean) => ({
  arn: `arn:${name}`,
  stateMachineArn: machineArn,
  name,
  input: '{}',
  startedAt: 1,
  ...(ended && { ended: { status: 'SUCCEEDED' as const, at: 2 } }),
});

it('the oldest that ended are forgotten, and none that is under way', () => {
  const kept = directory();
  const journal = openJournal({ directory: kept, keepEnded: 2 });
  for (const name of ['a', 'b', 'c', 'd']) journal.write(execution(name, false));
  for (const name of ['b', 'c', 'd']) journal.write(execution(name, true));

  const names = () =>
    openJournal({ directory: kept, keepEnded: 2 }).executions.map(({ name }) => name);
  expect(names()).toEqual(['a', 'c', 'd']);
  expect(names()).toEqual(['a', 'c', 'd']);
});

it('a line that a crash cut off is dropped', () => {
  const kept = directory();
  openJournal({ directory: kept, keepEnded: 2 }).write(execution('a', true));
  appendFileSync(join(kept, 'executions.jsonl'), '{"arn":"arn:b","sta');

  expect(openJournal({ directory: kept, keepEnded: 2 }).executions.map(({ name }) => name)).toEqual(
    ['a'],
  );
});

it('a file of something else is left alone', () => {
  const kept = directory();
  openJournal({ directory: kept, keepEnded: 2 });
  const file = join(kept, 'executions.jsonl');
  writeFileSync(file, 'my notes\n');

  expect(() => openJournal({ directory: kept, keepEnded: 2 })).toThrow('Line 1 of');
  expect(readFileSync(file, 'utf8')).toBe('my notes\n');
});
