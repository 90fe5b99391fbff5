import { beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';

vi.hoisted(() => {
  process.env['POWERTOOLS_SERVICE_NAME'] = 'deposit';
  process.env['POWERTOOLS_METRICS_NAMESPACE'] = 'Holdfast';
  process.env['POWERTOOLS_LOG_LEVEL'] = 'INFO';
  delete process.env['POWERTOOLS_METRICS_DISABLED'];
});

const { json } = await import('../../../functions/http/http-answer.ts');
const { httpHandler } = await import('../../../functions/http/http-handler.ts');
const { send } = await import('./request.ts');

/** The lines that an invocation writes, parsed. */
const lines: Record<string, unknown>[] = [];
const keep = (chunk: unknown): boolean => {
  for (const line of String(chunk).split('\n').filter(Boolean)) lines.push(JSON.parse(line));
  return true;
};
beforeEach(() => {
  lines.length = 0;
  vi.spyOn(process.stdout, 'write').mockImplementation(keep);
  vi.spyOn(process.stderr, 'write').mockImplementation(keep);
  return () => vi.restoreAllMocks();
});

const logged = () => lines.filter((line) => 'level' in line);
const measured = () => lines.filter((line) => '_aws' in line);

const answering = httpHandler(z.object({}), async () => json(200, {}));
const request = { route: '/accounts/{accountId}', path: { accountId: 'a1' }, headers: { 'X-Correlation-Id': 'c1' } };

describe('what an invocation tells', () => {
  it('is one log line, in JSON, with the correlation id, the route and the status', async () => {
    await send(answering, request);
    expect(logged()).toEqual([
      expect.objectContaining({
        level: 'INFO',
        message: 'answered',
        service: 'deposit',
        correlation_id: 'c1',
        route: 'GET /accounts/{accountId}',
        path: '/accounts/a1',
        status: 200,
        caller: 'local',
        milliseconds: expect.any(Number),
        function_request_id: 'lambda-request-id',
      }),
    ]);
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
    const refusing = httpHandler(z.object({}), async () => ({ code: 'forbidden', detail: 'No.' }));
    await send(refusing, request);
    await send(answering, { ...request, headers: { 'X-Correlation-Id': 'c2' } });
    const [refused, answered] = logged();
    expect(refused).toMatchObject({ problem: 'forbidden', status: 403, correlation_id: 'c1' });
    expect(answered).toMatchObject({ status: 200, correlation_id: 'c2' });
    expect(answered).not.toHaveProperty('problem');
  });

  it('has all of an unexpected error, with its stack, and counts it', async () => {
    const failing = httpHandler(z.object({}), async () => {
      throw new Error('the inside', { cause: new Error('its cause') });
    });
    await send(failing, request);
    const [error, answered] = logged();
    expect(error).toMatchObject({
      level: 'ERROR',
      correlation_id: 'c1',
      error: { name: 'Error', message: 'the inside', stack: expect.stringContaining('observation.test.ts') },
    });
    expect(answered).toMatchObject({ level: 'INFO', status: 500 });
    expect(measured()).toEqual([expect.objectContaining({ ServerError: 1 })]);
  });
});
