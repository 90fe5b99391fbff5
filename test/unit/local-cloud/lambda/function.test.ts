import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  type FunctionDefinition,
  type FunctionOptions,
  type RunningFunction,
  startFunction,
} from '../../../../local-cloud/lambda/function.ts';
import type { LambdaError } from '../../../../local-cloud/lambda/protocol.ts';
import { eventually } from '../../../setup/eventually.ts';

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0)) await step();
});

const definition: FunctionDefinition = {
  name: 'ledger-test-x',
  arn: 'arn:aws:lambda:eu-west-1:000000000000:function:ledger-test-x',
  region: 'eu-west-1',
  codeDirectory: '',
  handler: 'index.handler',
  timeoutSeconds: 10,
  memoryMb: 256,
  variables: { EVENTS_TABLE: 'events', AWS_REGION: 'wrong' },
};

interface Started {
  readonly run: RunningFunction;
  readonly failures: LambdaError[];
  readonly lines: string[];
}

/** Starts a function out of the source text of its bundle. */
const start = (
  source: string,
  changes: Partial<FunctionDefinition> = {},
  options: Partial<FunctionOptions> = {},
): Started => {
  const codeDirectory = mkdtempSync(join(tmpdir(), 'holdfast-bundle-'));
  writeFileSync(join(codeDirectory, 'index.mjs'), source);
  const failures: LambdaError[] = [];
  const lines: string[] = [];
  const run = startFunction(
    { ...definition, codeDirectory, ...changes },
    {
      endpoints: { dynamodb: 'http://127.0.0.1:1', stepFunctions: 'http://127.0.0.1:2' },
      maxWorkers: 3,
      log: (line) => lines.push(line),
      onFailure: (error) => failures.push(error),
      ...options,
    },
  );
  cleanUp.push(() => run.stop());
  cleanUp.push(() => rmSync(codeDirectory, { recursive: true }));
  return { run, failures, lines };
};

/**
 * Holds the clock that timeouts run by, until the test ends: however slow the machine is, nothing
 * times out by itself.
 * @returns lets the timeout of what is under way pass.
 */
const holdTime = (): (() => void) => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  cleanUp.push(() => vi.useRealTimers());
  return () => void vi.advanceTimersByTime(definition.timeoutSeconds * 1000);
};

/** Answers how often this environment was called; the event says what else to do. */
const scripted = `
  import { setTimeout as sleep } from 'node:timers/promises';
  let calls = 0;
  let running = 0;
  let most = 0;
  export const handler = async (event) => {
    calls += 1;
    most = Math.max(most, ++running);
    try {
      if (event.log) { console.log(event.log); console.error('to stderr'); }
      if (event.sleep) await sleep(event.sleep);
      if (event.spin) for (;;);
      if (event.throw) throw new RangeError(event.throw);
      if ('throwValue' in event) throw event.throwValue;
      if (event.sleepThen) await sleep(event.sleepThen);
      if ('exit' in event) process.exit(event.exit);
      if (event.reject) { Promise.reject(new Error(event.reject)); await sleep(10_000); }
      if (event.crashLater) setTimeout(() => { throw new Error('later'); }, 1);
      if (event.fill) { const all = []; for (;;) all.push(new Array(100_000).fill(calls)); }
      return event.return === 'big' ? 'x'.repeat(7_000_000) : event.return === 'bigint' ? 1n : { calls, most };
    } finally {
      running -= 1;
    }
  };`;

describe('a function that runs', () => {
  it('keeps its environment from one invocation to the next', async () => {
    const { run } = start(scripted);
    expect(await run.invoke({})).toEqual({ ok: true, payload: { calls: 1, most: 1 } });
    expect(await run.invoke({})).toEqual({ ok: true, payload: { calls: 2, most: 1 } });
    expect(run.workers()).toBe(1);
  });

  it('gets plain JSON and gives plain JSON, null for nothing', async () => {
    const { run } = start(
      'export const handler = async (event) => event.give ? { at: new Date(0), no: undefined } : undefined;',
    );
    expect(await run.invoke({ give: true })).toEqual({
      ok: true,
      payload: { at: '1970-01-01T00:00:00.000Z' },
    });
    expect(await run.invoke({})).toEqual({ ok: true, payload: null });
    expect(await run.invoke(undefined)).toMatchObject({ ok: false, errorType: 'TypeError' });
  });

  it('sees the variables of the template and of Lambda, and nothing of this process', async () => {
    vi.stubEnv('HOLDFAST_TEST_SECRET', 'of the parent');
    cleanUp.push(() => vi.unstubAllEnvs());
    const { run } = start('export const handler = async () => process.env;');
    const invocation = await run.invoke({});
    const environment = invocation.ok ? invocation.payload : undefined;
    expect(environment).toMatchObject({
      EVENTS_TABLE: 'events',
      AWS_REGION: 'eu-west-1',
      AWS_LAMBDA_FUNCTION_NAME: 'ledger-test-x',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
      AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:1',
      AWS_ENDPOINT_URL_SFN: 'http://127.0.0.1:2',
      AWS_ACCESS_KEY_ID: 'LOCALledgertestx',
    });
    for (const name of ['HOLDFAST_TEST_SECRET', 'HOME', 'PATH', 'USER'])
      expect(environment).not.toHaveProperty(name);
  });

  it('gets the context of Lambda, with the time that is left', async () => {
    const { run } = start(
      'export const handler = async (event, context) => ({ ...context, left: context.getRemainingTimeInMillis() });',
    );
    expect(await run.invoke({})).toMatchObject({
      ok: true,
      payload: {
        functionName: 'ledger-test-x',
        functionVersion: '$LATEST',
        invokedFunctionArn: definition.arn,
        memoryLimitInMB: '256',
        logGroupName: '/aws/lambda/ledger-test-x',
        awsRequestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        left: expect.toSatisfy((left: number) => left > 0 && left <= 10_000),
      },
    });
  });

  it('shows stack traces by the source map when the template asks for it', async () => {
    const { run } = start('export const handler = async () => process.sourceMapsEnabled;', {
      variables: { NODE_OPTIONS: '--enable-source-maps' },
    });
    expect(await run.invoke({})).toEqual({ ok: true, payload: true });
  });

  it('hands on what it writes, line by line', async () => {
    const { run, lines } = start(scripted);
    await run.invoke({ log: 'one\ntwo' });
    expect(lines).toEqual(['one', 'two', 'to stderr']);
  });

  it('is heard while it still works, and what it said before it ended is not lost', async () => {
    const { run, lines } = start(scripted);
    const working = run.invoke({ log: 'at work', exit: 3, sleepThen: 60_000 });
    await eventually(() => expect(lines).toEqual(['at work', 'to stderr']));
    await run.kill();
    expect(await working).toMatchObject({ ok: false });
    lines.length = 0;
    expect(await run.invoke({ log: 'last words', exit: 3 })).toMatchObject({ ok: false });
    expect(lines).toEqual(['last words', 'to stderr']);
  });

  it('is heard though it never comes to rest after that', async () => {
    const passTimeout = holdTime();
    const { run, lines } = start(scripted);
    const working = run.invoke({ log: 'before the loop', spin: true });
    await eventually(() => expect(lines).toEqual(['before the loop', 'to stderr']));
    passTimeout();
    expect(await working).toMatchObject({ ok: false });
  });
});

describe('invocations at the same time', () => {
  it('get a worker each, up to the limit, and the others wait for their turn', async () => {
    const { run } = start(scripted);
    const invocations = await Promise.all(
      Array.from({ length: 12 }, () => run.invoke({ sleep: 200 })),
    );
    expect(run.workers()).toBe(3);
    for (const invocation of invocations)
      expect(invocation).toMatchObject({ ok: true, payload: { most: 1 } });
  });

  it('never share a worker even where there is only one', async () => {
    const { run } = start(scripted, {}, { maxWorkers: 1 });
    const invocations = await Promise.all(
      Array.from({ length: 5 }, () => run.invoke({ sleep: 5 })),
    );
    expect(invocations.map((invocation) => invocation.ok && invocation.payload)).toEqual(
      [1, 2, 3, 4, 5].map((calls) => ({ calls, most: 1 })),
    );
  });
});

describe('a function with reserved concurrency', () => {
  const refused = {
    ok: false,
    errorType: 'TooManyRequestsException',
    errorMessage: 'Rate Exceeded.',
  };

  it('runs so many invocations at once and refuses the others at once, without having them wait', async () => {
    const { run, failures } = start(scripted, { reservedConcurrency: 2 }, { maxWorkers: 1 });
    const invocations = await Promise.all(
      Array.from({ length: 5 }, () => run.invoke({ sleep: 5 })),
    );
    expect(invocations.map((invocation) => invocation.ok)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
    expect(invocations.slice(2)).toEqual([refused, refused, refused]);
    expect(failures).toEqual([]);
    expect(await run.invoke({})).toMatchObject({ ok: true });
  });

  it('has it back from invocations that failed', async () => {
    const { run } = start(scripted, { reservedConcurrency: 1 });
    for (const event of [{ throw: 'no' }, { exit: 1 }])
      expect(await run.invoke(event)).toMatchObject({ ok: false });
    expect(await run.invoke({})).toMatchObject({ ok: true });
  });

  it('of none is switched off', async () => {
    expect(await start(scripted, { reservedConcurrency: 0 }).run.invoke({})).toEqual(refused);
  });
});

describe('an invocation that fails', () => {
  it.each([
    {
      event: { throw: 'no' },
      error: { errorType: 'RangeError', errorMessage: 'no' },
      survives: true,
    },
    {
      event: { throwValue: 'text' },
      error: { errorType: 'string', errorMessage: 'text' },
      survives: true,
    },
    {
      event: { throwValue: null },
      error: { errorType: 'object', errorMessage: 'null' },
      survives: true,
    },
    { event: { return: 'bigint' }, error: { errorType: 'Runtime.MarshalError' }, survives: true },
    {
      event: { return: 'big' },
      error: { errorType: 'Function.ResponseSizeTooLarge' },
      survives: true,
    },
    {
      event: { reject: 'lost' },
      error: { errorType: 'Runtime.UnhandledPromiseRejection', errorMessage: 'lost' },
      survives: false,
    },
    {
      event: { exit: 3 },
      error: {
        errorType: 'Runtime.ExitError',
        errorMessage: expect.stringMatching(/^RequestId: .* exit status 3$/),
      },
      survives: false,
    },
    {
      event: { exit: 0 },
      error: {
        errorType: 'Runtime.ExitError',
        errorMessage: expect.stringMatching(/exited without providing a reason$/),
      },
      survives: false,
    },
  ])(
    'with $event is reported as Lambda does, and its worker goes on: $survives',
    async ({ event, error, survives }) => {
      const { run, failures } = start(scripted);
      await run.invoke({});
      expect(await run.invoke(event)).toMatchObject({ ok: false, ...error });
      expect(failures).toHaveLength(1);
      expect(await run.invoke({})).toMatchObject({
        ok: true,
        payload: { calls: survives ? 3 : 1 },
      });
    },
  );

  it('carries the stack of what was thrown, and its log has it too', async () => {
    const { run, lines } = start(scripted);
    const invocation = await run.invoke({ throw: 'no' });
    expect(invocation.ok ? [] : invocation.trace?.[0]).toBe('RangeError: no');
    expect(lines).toEqual(invocation.ok ? [] : invocation.trace);
  });

  it.each([{ sleep: 60_000 }, { spin: true }])(
    'by its timeout is ended, and its worker with it (%o)',
    async (event) => {
      const passTimeout = holdTime();
      const { run } = start(scripted);
      await run.invoke({});
      const late = run.invoke(event);
      passTimeout();
      expect(await late).toEqual({
        ok: false,
        errorType: 'Sandbox.Timedout',
        errorMessage: expect.stringMatching(
          /^RequestId: \S+ Error: Task timed out after 10\.00 seconds$/,
        ),
      });
      expect(await run.invoke({})).toMatchObject({ payload: { calls: 1 } });
    },
  );

  it('by using more memory than the template gives it takes only its worker down', async () => {
    const { run } = start(scripted, { memoryMb: 32 });
    expect(await run.invoke({ fill: true })).toMatchObject({
      ok: false,
      errorType: 'Runtime.ExitError',
    });
    expect(await run.invoke({})).toMatchObject({ ok: true });
  });

  it('is refused when the event is larger than Lambda takes', async () => {
    const { run } = start(scripted);
    expect(await run.invoke('x'.repeat(7_000_000))).toMatchObject({
      ok: false,
      errorType: 'RequestTooLargeException',
    });
  });
});

describe('a bundle that cannot be loaded', () => {
  it.each([
    { source: `import 'not-there';`, errorType: 'Runtime.ImportModuleError' },
    { source: 'export const handler = (;', errorType: 'Runtime.UserCodeSyntaxError' },
    { source: 'export const other = 1;', errorType: 'Runtime.HandlerNotFound' },
    { source: `throw new TypeError('at load');`, errorType: 'TypeError' },
    { source: 'process.exit(1);', errorType: 'Runtime.ExitError' },
    {
      source: 'export const handler = (event, context, callback) => callback();',
      errorType: 'Runtime.CallbackHandlerDeprecated',
    },
  ])('fails each invocation with $errorType', async ({ source, errorType }) => {
    const { run } = start(source);
    expect(await run.invoke({})).toMatchObject({ ok: false, errorType });
    expect(await Promise.all([run.invoke({}), run.invoke({})])).toMatchObject([
      { errorType },
      { errorType },
    ]);
  });

  it('is an ImportModuleError when the file is not there', async () => {
    const { run } = start('', { handler: 'other.handler' });
    expect(await run.invoke({})).toMatchObject({ errorType: 'Runtime.ImportModuleError' });
  });
});

describe('kill', () => {
  it('fails the invocation under way as a crash, and those that wait get a new worker', async () => {
    const { run } = start(scripted, {}, { maxWorkers: 1 });
    await run.invoke({});
    const underWay = run.invoke({ sleep: 60_000 });
    const waiting = run.invoke({});
    await run.kill();
    expect(await underWay).toMatchObject({
      errorType: 'Runtime.ExitError',
      errorMessage: expect.stringMatching(/signal: killed$/),
    });
    expect(await waiting).toMatchObject({ ok: true, payload: { calls: 1 } });
  });

  it('does not fail what waits for a worker that was still loading', async () => {
    const { run } = start(scripted);
    const invocation = run.invoke({});
    await run.kill();
    expect(await invocation).toMatchObject({ ok: true, payload: { calls: 1 } });
  });
});

describe('a crash between two invocations', () => {
  it('is reported, and the next invocation starts afresh', async () => {
    const { run, failures } = start(scripted);
    await run.invoke({ crashLater: true });
    await eventually(() =>
      expect(failures).toMatchObject([{ errorType: 'Error', errorMessage: 'later' }]),
    );
    expect(await run.invoke({})).toMatchObject({ ok: true, payload: { calls: 1 } });
  });
});

describe('stop', () => {
  it('fails what runs and what waits, and takes nothing more', async () => {
    const { run, failures } = start(scripted, {}, { maxWorkers: 1 });
    await run.invoke({});
    const invocations = [run.invoke({ sleep: 60_000 }), run.invoke({})];
    await run.stop();
    expect(await Promise.all(invocations)).toMatchObject([{ ok: false }, { ok: false }]);
    expect(await run.invoke({})).toMatchObject({ ok: false, errorType: 'LocalCloud.Stopped' });
    expect(failures).toEqual([]);
  });
});
