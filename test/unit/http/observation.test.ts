import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';
import { json } from '../../../functions/http/answer/http-answer.ts';
import { type HttpHandler, httpHandler } from '../../../functions/http/chain/http-handler.ts';
import type { HttpTelemetry } from '../../../functions/runtime/telemetry.ts';
import { httpTelemetryFromEnvironment } from '../../../functions/runtime/telemetry.ts';
import { eventOf, lambdaContext, send } from './request.ts';

let telemetry: HttpTelemetry;

/** The lines that an invocation writes, parsed. */
const lines: Record<string, unknown>[] = [];
const keep = (chunk: unknown): boolean => {
  for (const line of String(chunk).split('\n').filter(Boolean)) lines.push(JSON.parse(line));
  return true;
};
beforeEach(() => {
  lines.length = 0;
  vi.stubEnv('POWERTOOLS_SERVICE_NAME', 'deposit');
  vi.stubEnv('POWERTOOLS_METRICS_NAMESPACE', 'Holdfast');
  vi.stubEnv('AWS_LAMBDA_INITIALIZATION_TYPE', 'on-demand');
  vi.spyOn(process.stdout, 'write').mockImplementation(keep);
  vi.spyOn(process.stderr, 'write').mockImplementation(keep);
  telemetry = httpTelemetryFromEnvironment();
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const logged = () => lines.filter((line) => 'level' in line);
const measured = () => lines.filter((line) => '_aws' in line);

const answering: HttpHandler = (...invocation) =>
  httpHandler({ telemetry, callers: { by: 'nothing' } }, 'ledger:read', z.object({}), async () =>
    json(200, {}),
  )(...invocation);
const request = {
  route: '/things/{accountId}',
  path: { accountId: 'a1' },
  headers: { 'X-Correlation-Id': 'c1' },
};

describe('what an invocation tells', () => {
  it('is one log line, in JSON, with the correlation id, the route and the status', async () => {
    await send(answering, request);
    expect(logged()).toEqual([
      expect.objectContaining({
        level: 'INFO',
        message: 'answered',
        service: 'deposit',
        correlation_id: 'c1',
        route: 'GET /things/{accountId}',
        accountId: 'a1',
        status: 200,
        caller: 'local',
        milliseconds: expect.any(Number),
        function_request_id: 'lambda-request-id',
        function_name: 'holdfast-test',
        function_arn: expect.stringContaining(':function:holdfast-test'),
        function_memory_size: '512',
        cold_start: true,
      }),
    ]);
  });

  it.each([
    ['a path that is no route’s', { route: '/things/{accountId}', path: { proxy: 'secret' } }],
    ['an id that is none', { route: '/things/{accountId}', path: { accountId: 'se cret' } }],
    ['a query', { ...request, query: { limit: 'secret' } }],
  ])('has nothing of %s, which may be anything', async (_, asked) => {
    await send(answering, asked);
    expect(logged()).toHaveLength(1);
    expect(JSON.stringify(lines)).not.toMatch(/se ?cret/);
  });

  it('is one metrics record in the embedded format, with the latency and the correlation id', async () => {
    await send(answering, request);
    expect(measured()).toEqual([
      expect.objectContaining({
        _aws: expect.objectContaining({
          CloudWatchMetrics: [
            expect.objectContaining({
              Namespace: 'Holdfast',
              Metrics: [{ Name: 'RequestLatency', Unit: 'Milliseconds' }],
            }),
          ],
        }),
        service: 'deposit',
        correlation_id: 'c1',
        RequestLatency: expect.any(Number),
      }),
    ]);
  });

  it('names the problem that was answered, in that request only', async () => {
    const refusing = httpHandler(
      { telemetry, callers: { by: 'nothing' } },
      'ledger:read',
      z.object({}),
      async () => ({
        code: 'forbidden',
        detail: 'No.',
      }),
    );
    await send(refusing, request);
    await send(answering, { ...request, headers: { 'X-Correlation-Id': 'c2' } });
    const [refused, answered] = logged();
    expect(refused).toMatchObject({ problem: 'forbidden', status: 403, correlation_id: 'c1' });
    expect(answered).toMatchObject({ status: 200, correlation_id: 'c2' });
    expect(answered).not.toHaveProperty('problem');
  });

  it('has all of an unexpected error, with its stack, and counts it', async () => {
    const failing = httpHandler(
      { telemetry, callers: { by: 'nothing' } },
      'ledger:read',
      z.object({}),
      async () => {
        throw new Error('the inside', { cause: new Error('its cause') });
      },
    );
    await send(failing, request);
    const [error, answered] = logged();
    expect(error).toMatchObject({
      level: 'ERROR',
      correlation_id: 'c1',
      error: {
        name: 'Error',
        message: 'the inside',
        stack: expect.stringContaining('observation.test.ts'),
      },
    });
    expect(answered).toMatchObject({ level: 'INFO', status: 500 });
    expect(measured()).toEqual([expect.objectContaining({ ServerError: 1 })]);
  });

  it('calls an environment’s first request alone a cold start, and none that found it ready', async () => {
    await send(answering, request);
    await send(answering, request);
    vi.stubEnv('AWS_LAMBDA_INITIALIZATION_TYPE', 'provisioned-concurrency');
    telemetry = httpTelemetryFromEnvironment();
    await send(answering, request);
    expect(logged().map((line) => line['cold_start'])).toEqual([true, false, false]);
  });
});

describe('requests that one environment answers at the same time', () => {
  it('tell each of themselves alone', async () => {
    const gates = new Map(['c1', 'c2'].map((id) => [id, Promise.withResolvers<void>()]));
    const begun: string[] = [];
    const handler = httpHandler(
      { telemetry, callers: { by: 'nothing' } },
      'ledger:read',
      z.object({}),
      async (_, sender) => {
        const { correlationId } = sender;
        begun.push(correlationId);
        sender.telemetry.count(correlationId === 'c1' ? 'CommandPending' : 'CommandAccepted', 1);
        await gates.get(correlationId)?.promise;
        sender.telemetry.logger.warn('half way');
        if (correlationId === 'c1') return { code: 'forbidden', detail: 'No.' };
        throw new Error('the inside');
      },
    );
    const ask = (id: string) =>
      handler(eventOf({ ...request, headers: { 'X-Correlation-Id': id } }), {
        ...lambdaContext(),
        awsRequestId: `request-of-${id}`,
      });
    const answers = [ask('c1'), ask('c2')];
    await expect.poll(() => begun).toEqual(['c1', 'c2']);
    // The second is answered while the first is under way.
    gates.get('c2')?.resolve();
    await answers[1];
    gates.get('c1')?.resolve();
    await answers[0];

    const told = logged().map((line) => [
      line['correlation_id'],
      line['function_request_id'],
      line['message'],
      line['problem'],
      line['status'],
    ]);
    expect(told).toEqual([
      ['c2', 'request-of-c2', 'half way', undefined, undefined],
      ['c2', 'request-of-c2', 'the request failed', undefined, undefined],
      ['c2', 'request-of-c2', 'answered', undefined, 500],
      ['c1', 'request-of-c1', 'half way', undefined, undefined],
      ['c1', 'request-of-c1', 'answered', 'forbidden', 403],
    ]);
    const records = measured().map(({ _aws, service, ...record }) => record);
    expect(records).toEqual([
      {
        correlation_id: 'c2',
        CommandAccepted: 1,
        RequestLatency: expect.any(Number),
        ServerError: 1,
      },
      { correlation_id: 'c1', CommandPending: 1, RequestLatency: expect.any(Number) },
    ]);
  });

  it('count nothing on another’s account once they have been answered at the last moment', async () => {
    const gate = Promise.withResolvers<void>();
    const slow = httpHandler(
      { telemetry, callers: { by: 'nothing' } },
      'ledger:read',
      z.object({}),
      async (_, sender) => {
        await gate.promise;
        sender.telemetry.count('CommandAccepted', 1);
        return json(200, {});
      },
    );
    await slow(eventOf(request), lambdaContext(251));
    gate.resolve();
    await gate.promise;
    await send(answering, request);
    expect(measured()).toHaveLength(2);
    for (const record of measured()) expect(record).not.toHaveProperty('CommandAccepted');
  });
});
