import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';
import {
  type FunctionDefinition,
  type FunctionOptions,
  type RunningFunction,
  startFunction,
} from '../../../../local-cloud/lambda/function.ts';
import type { Invocation } from '../../../../local-cloud/lambda/invocation.ts';
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
      endpoints: {
        dynamodb: 'http://127.0.0.1:1',
        stepFunctions: 'http://127.0.0.1:2',
        accessKeyId: 'LOCALkey',
      },
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
      AWS_ACCESS_KEY_ID: 'LOCALkey',
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

/** Answers which environment it is in, and with how many others; the event says what else to do. */
const meeting = `
  import { randomUUID } from 'node:crypto';
  import { setTimeout as sleep } from 'node:timers/promises';
  const environment = randomUUID();
  const stored = () => globalThis.awslambda.InvokeStore.getRequestId();
  let running = 0;
  export const handler = async (event, context) => {
    running += 1;
    const others = running - 1;
    try {
      if (event.log) console.log(event.log);
      if (event.sleep) await sleep(event.sleep);
      if (event.throw) throw new RangeError(event.throw);
      if ('exit' in event) process.exit(event.exit);
      if (event.crash) { setTimeout(() => { throw new Error(event.crash); }); await sleep(60_000); }
      return { environment, others, knowsItself: stored() === context.awsRequestId, version: context.functionVersion };
    } finally {
      running -= 1;
    }
  };`;

describe('environments that take several invocations at once', () => {
  const startShared = (
    shared: FunctionDefinition['shared'],
    options: Partial<FunctionOptions> = {},
    source = meeting,
  ) => start(source, { shared }, options);
  const one = { invocationsAtOnce: 4, least: 1, most: 1 };

  const environments = (invocations: readonly Invocation[]) =>
    invocations.map((invocation) => {
      if (!invocation.ok) throw new Error(`${invocation.errorType}: ${invocation.errorMessage}`);
      return Environment.parse(invocation.payload);
    });
  const several = (run: RunningFunction, count: number, event: unknown = { sleep: 200 }) =>
    Promise.all(Array.from({ length: count }, () => run.invoke(event)));

  it('take as many as they may, and each finds itself in the store of its invocation', async () => {
    const { run } = startShared(one);
    const met = environments(await several(run, 4));
    expect(met.map(({ others }) => others)).toEqual([0, 1, 2, 3]);
    expect(new Set(met.map(({ environment }) => environment)).size).toBe(1);
    expect(met).toMatchObject(Array(4).fill({ knowsItself: true, version: '$LATEST.PUBLISHED' }));
    expect(run.workers()).toBe(1);
  });

  it('are told how many that is, as Lambda tells them', async () => {
    const { run } = startShared(one, {}, 'export const handler = async () => process.env;');
    expect(await run.invoke({})).toMatchObject({
      payload: {
        AWS_LAMBDA_INITIALIZATION_TYPE: 'lambda-managed-instances',
        AWS_LAMBDA_MAX_CONCURRENCY: '4',
        AWS_LAMBDA_FUNCTION_VERSION: '$LATEST.PUBLISHED',
      },
    });
  });

  it('refuse at once what is beyond that, and take more when it is over', async () => {
    const { run, failures } = startShared(one);
    const invocations = await several(run, 6);
    expect(invocations.map(({ ok }) => ok)).toEqual([true, true, true, true, false, false]);
    expect(invocations[5]).toMatchObject({ errorType: 'TooManyRequestsException' });
    expect(failures).toEqual([]);
    expect(await run.invoke({})).toMatchObject({ ok: true });
  });

  it('are as many as the least number from the first invocation on, and share what comes', async () => {
    const { run } = startShared({ invocationsAtOnce: 4, least: 2, most: 2 });
    await several(run, 8);
    expect(run.workers()).toBe(2);
    const met = environments(await several(run, 6)).map(({ environment }) => environment);
    const perEnvironment = [...Map.groupBy(met, (environment) => environment).values()];
    expect(perEnvironment.map((of) => of.length)).toEqual([3, 3]);
  });

  it('become more only after some were refused, and no more than the most', async () => {
    const { run } = startShared({ invocationsAtOnce: 1, least: 1, most: 2 });
    expect((await several(run, 2)).map(({ ok }) => ok)).toEqual([true, false]);
    await eventually(async () =>
      expect((await several(run, 2)).map(({ ok }) => ok)).toEqual([true, true]),
    );
    expect((await several(run, 3)).filter(({ ok }) => ok)).toHaveLength(2);
    expect(run.workers()).toBe(2);
  });

  it('are never more than there may be workers, and none where there may be none', async () => {
    const few = startShared({ invocationsAtOnce: 2, least: 3, most: 10 }, { maxWorkers: 1 }).run;
    expect((await several(few, 3)).map(({ ok }) => ok)).toEqual([true, true, false]);
    expect(few.workers()).toBe(1);
    const none = startShared({ invocationsAtOnce: 2, least: 0, most: 0 }).run;
    expect(await none.invoke({})).toMatchObject({ errorType: 'TooManyRequestsException' });
    expect(none.workers()).toBe(0);
  });

  it('go on where a handler throws, which fails its own invocation alone', async () => {
    const { run, failures } = startShared(one);
    const [thrown, other] = await Promise.all([
      run.invoke({ throw: 'no' }),
      run.invoke({ sleep: 200 }),
    ]);
    expect(thrown).toMatchObject({ ok: false, errorType: 'RangeError', errorMessage: 'no' });
    expect(other).toMatchObject({ ok: true });
    expect(failures).toHaveLength(1);
    expect(run.workers()).toBe(1);
  });

  it('go on after a timeout, which fails its own invocation alone and keeps its place', async () => {
    const passTimeout = holdTime();
    const { run, lines } = startShared({ ...one, invocationsAtOnce: 2 });
    const late = run.invoke({ log: 'late', sleep: 3_000 });
    await eventually(() => expect(lines).toEqual(['late']));
    passTimeout();
    expect(await late).toMatchObject({ ok: false, errorType: 'Sandbox.Timedout' });
    const after = await several(run, 2, {});
    expect(after).toMatchObject([
      { ok: true, payload: { others: 1 } },
      { ok: false, errorType: 'TooManyRequestsException' },
    ]);
    vi.useRealTimers();
    await eventually(async () =>
      expect(await run.invoke({})).toMatchObject({ ok: true, payload: { others: 0 } }),
    );
    expect(run.workers()).toBe(1);
  });

  it.each([
    { event: { exit: 3 }, error: { errorType: 'Runtime.ExitError' } },
    { event: { crash: 'later' }, error: { errorType: 'Error', errorMessage: 'later' } },
  ])(
    'fail all that they work on by a crash ($event), and are replaced',
    async ({ event, error }) => {
      const { run } = startShared(one);
      const [before] = environments([await run.invoke({})]);
      const invocations = [run.invoke({ sleep: 60_000 }), run.invoke({ sleep: 60_000 })];
      expect(await Promise.all([...invocations, run.invoke(event)])).toMatchObject(
        Array(3).fill({ ok: false, ...error }),
      );
      const [after] = environments([await run.invoke({})]);
      expect(after?.environment).not.toBe(before?.environment);
    },
  );

  it('fail all that they work on when they are killed', async () => {
    const { run } = startShared(one);
    await run.invoke({});
    const invocations = several(run, 4, { sleep: 60_000 });
    await run.kill();
    expect(await invocations).toMatchObject(
      Array(4).fill({ ok: false, errorMessage: expect.stringMatching(/signal: killed$/) }),
    );
    expect(await run.invoke({})).toMatchObject({ ok: true });
  });

  it('that cannot load fail as many invocations as were waiting for them, and end', async () => {
    const { run } = startShared({ ...one, least: 2, most: 2 }, {}, 'process.exit(1);');
    expect(await several(run, 3)).toMatchObject(
      Array(3).fill({ ok: false, errorType: 'Runtime.ExitError' }),
    );
    await eventually(() => expect(run.workers()).toBe(0));
  });
});

const Environment = z.object({
  environment: z.string(),
  others: z.number(),
  knowsItself: z.boolean(),
  version: z.string(),
});
