import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { throttled } from '../../../../local-cloud/lambda/invocation.ts';
import { intervalOf, startSchedule } from '../../../../local-cloud/schedules/schedules.ts';

describe('the interval of', () => {
  it.each([
    ['rate(1 minute)', 60_000],
    ['rate(5 minutes)', 300_000],
    ['rate(1 hour)', 3_600_000],
    ['rate(12 hours)', 43_200_000],
    ['rate(1 day)', 86_400_000],
  ])('%s is %i ms', (expression, interval) => {
    expect(intervalOf(expression)).toBe(interval);
  });

  it.each([
    'rate(1 minutes)',
    'rate(2 minute)',
    'rate(0 minutes)',
    'rate(30 seconds)',
    'rate(1.5 hours)',
    'rate(30 days)',
    'rate (1 minute)',
    'cron(0 12 * * ? *)',
    'at(2026-11-21T10:00:00)',
    '',
  ])('"%s" is refused, naming it', (expression) => {
    expect(() => intervalOf(expression)).toThrow(expression);
  });
});

describe('a schedule', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: Date.parse('2026-11-21T10:00:00.500Z') });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const everyMinute = { expression: 'rate(1 minute)', maximumEventAgeSeconds: 60 };

  const target = () => ({
    name: 'recover',
    arn: 'arn:aws:lambda:us-east-1:000000000000:function:recover',
    invoke: vi.fn(async () => ({
      ok: false as const,
      errorType: 'Error',
      errorMessage: 'it failed',
    })),
  });

  it('invokes once per interval, not at once, whatever became of the invocation before', () => {
    const recover = target();
    const schedule = startSchedule({ ...everyMinute, target: recover });
    vi.advanceTimersByTime(59_999);
    expect(recover.invoke).toHaveBeenCalledTimes(0);
    vi.advanceTimersByTime(1);
    expect(recover.invoke).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(120_000);
    expect(recover.invoke).toHaveBeenCalledTimes(3);
    schedule.stop();
    vi.advanceTimersByTime(600_000);
    expect(recover.invoke).toHaveBeenCalledTimes(3);
  });

  it('sends the event of EventBridge', () => {
    const recover = target();
    startSchedule({ ...everyMinute, target: recover });
    vi.advanceTimersByTime(60_000);
    expect(recover.invoke).toHaveBeenCalledWith({
      version: '0',
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      'detail-type': 'Scheduled Event',
      source: 'aws.events',
      account: '000000000000',
      time: '2026-11-21T10:01:00Z',
      region: 'us-east-1',
      resources: ['arn:aws:events:us-east-1:000000000000:rule/recover'],
      detail: {},
    });
  });

  it("sends the target's own input where it has one", () => {
    const recover = target();
    startSchedule({ ...everyMinute, target: recover, input: { from: 'streams' } });
    vi.advanceTimersByTime(60_000);
    expect(recover.invoke).toHaveBeenCalledWith({ from: 'streams' });
  });

  it('tries again for a minute what was refused for want of concurrency, with the same event', async () => {
    const recover = { ...target(), invoke: vi.fn(async (_event: unknown) => throttled) };
    const schedule = startSchedule({
      expression: 'rate(1 hour)',
      maximumEventAgeSeconds: 60,
      target: recover,
    });
    await vi.advanceTimersByTimeAsync(3_600_000 + 120_000);
    schedule.stop();
    expect(recover.invoke).toHaveBeenCalledTimes(61);
    expect(new Set(recover.invoke.mock.calls.map(([event]) => JSON.stringify(event))).size).toBe(1);
  });
});
