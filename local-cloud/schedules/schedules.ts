import { randomUUID } from 'node:crypto';
import { isThrottled, type LocalFunction } from '../lambda/invocation.ts';

/** A rule of EventBridge that invokes a function again and again. */
export interface Schedule {
  /** Starts no further invocation, and does not wait for one under way. */
  stop(): void;
}

/** What is invoked, and when. */
export interface ScheduleOptions {
  /** `rate(VALUE UNIT)`, such as `rate(1 minute)`. */
  readonly expression: string;
  readonly target: LocalFunction;
  /** The target's own input; absent: it gets the event of EventBridge. */
  readonly input?: unknown;
  /** For how long to retry an invocation that was refused for want of concurrency, in seconds. */
  readonly maximumEventAgeSeconds: number;
}

/**
 * Starts a schedule. As with EventBridge the first invocation comes one interval from now, and each
 * comes on time whether or not the one before has ended. A failed one is not retried: the template
 * has Lambda's own retries off. One that was refused for want of concurrency is retried as long as
 * its event is young enough.
 * @throws Error for an expression that is no rate.
 */
export const startSchedule = ({
  expression,
  target,
  input,
  maximumEventAgeSeconds,
}: ScheduleOptions): Schedule => {
  let stopped = false;
  const invoke = async (event: unknown, latest: number): Promise<void> => {
    if (stopped || !isThrottled(await target.invoke(event))) return;
    if (performance.now() + THROTTLED_PAUSE_MS <= latest)
      setTimeout(invoke, THROTTLED_PAUSE_MS, event, latest).unref();
  };
  const timer = setInterval(() => {
    const event = input === undefined ? scheduledEvent(target) : input;
    invoke(event, performance.now() + maximumEventAgeSeconds * 1_000);
  }, intervalOf(expression));
  return {
    stop: () => {
      stopped = true;
      clearInterval(timer);
    },
  };
};

/** Lambda waits for one second at first, and for up to five minutes later. */
const THROTTLED_PAUSE_MS = 1_000;

/**
 * The interval of a rate expression, in milliseconds.
 * @throws Error that says what is wrong with it; a `cron` expression is not supported on this
 *   machine.
 */
export const intervalOf = (expression: string): number => {
  const [, amount, unit, plural] =
    /^rate\(([1-9]\d*) (minute|hour|day)(s?)\)$/.exec(expression) ?? [];
  // EventBridge takes `1 minute` and `5 minutes`, and nothing else.
  if (amount === undefined || unit === undefined || (amount === '1') === (plural === 's'))
    throw new Error(
      `A schedule has to be a rate such as rate(1 minute) or rate(6 hours), and this is ${expression}`,
    );
  const interval = Number(amount) * (unitMs[unit] ?? Number.NaN);
  if (interval > longestTimerMs)
    throw new Error(`The interval of ${expression} is longer than this machine can wait`);
  return interval;
};

const unitMs: Readonly<Record<string, number>> = {
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
};

/** Node's timers end at 2^31 − 1 ms, some 24 days. */
const longestTimerMs = 2 ** 31 - 1;

const scheduledEvent = (target: LocalFunction) => {
  const [, partition, , region, account] = target.arn.split(':');
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'Scheduled Event',
    source: 'aws.events',
    account,
    // To the second, as EventBridge does.
    time: `${new Date().toISOString().slice(0, 19)}Z`,
    region,
    resources: [`arn:${partition}:events:${region}:${account}:rule/${target.name}`],
    detail: {},
  };
};
