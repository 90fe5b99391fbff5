import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  lambdaEnvironment,
  logGroupName,
  type ServiceEndpoints,
  versionOf,
} from './environment.ts';
import { type Invocation, type LocalFunction, throttled } from './invocation.ts';
import type { LambdaError } from './protocol.ts';
import { type FunctionWorker, startWorker, type WorkerOptions } from './worker.ts';

/** A worker beyond the first ends after this long without work. */
const IDLE_MS = 60_000;

/**
 * How long an invocation waits for a free worker before another one is started. Lambda starts one
 * at once, on a machine of its own; here a start takes the others about this long, and a new worker
 * is slow at first. A function that does not wait for others then needs few workers, however many
 * callers come at once.
 */
const PATIENCE_MS = 100;

/**
 * Loading a bundle is all work and no waiting: more at once than processors would only delay each
 * other.
 */
const startsAtOnce = availableParallelism();

/** Lambda's limit for an event. */
const REQUEST_LIMIT_BYTES = 6 * 1024 * 1024;

/** Environments that take several invocations at once: Lambda Managed Instances. */
export interface SharedEnvironments {
  /** Invocations that one environment takes at once, at most. */
  readonly invocationsAtOnce: number;
  /** Environments that are always there, and over which invocations are spread. */
  readonly least: number;
  /** The most environments; 0 switches the function off. */
  readonly most: number;
}

/** A function as the template describes it. */
export interface FunctionDefinition {
  readonly name: string;
  readonly arn: string;
  readonly region: string;
  /** The directory that would be zipped. */
  readonly codeDirectory: string;
  /** E.g. `index.handler`: the file without its ending, then the export. */
  readonly handler: string;
  readonly timeoutSeconds: number;
  readonly memoryMb: number;
  /**
   * How many invocations run at once, at most: Lambda refuses more. Absent: as many as there are
   * workers, and more wait.
   */
  readonly reservedConcurrency?: number | undefined;
  /** Absent: on demand, an environment takes one invocation at a time. */
  readonly shared?: SharedEnvironments | undefined;
  readonly variables: Readonly<Record<string, string>>;
}

/** How the local cloud runs a function. */
export interface FunctionOptions {
  readonly endpoints: ServiceEndpoints;
  /** How many environments there are at once, at most. On demand further invocations wait. */
  readonly maxWorkers: number;
  /** Told every line the function writes. */
  readonly log: (line: string) => void;
  /** Told of every failed invocation, from any caller, and of crashes between two invocations. */
  readonly onFailure: (error: LambdaError) => void;
}

/** A function that runs. */
export interface RunningFunction extends LocalFunction {
  /**
   * Ends its workers at once, as a crash would: invocations under way fail, waiting ones get new
   * workers.
   */
  kill(): Promise<void>;
  /** How many workers there are now. */
  workers(): number;
  /**
   * The memory that its workers still refer to once garbage is collected, in bytes, worker by worker.
   */
  heaps(): Promise<readonly number[]>;
  /** Ends it for good. Invocations under way or waiting fail. */
  stop(): Promise<void>;
}

interface Waiting {
  readonly requestId: string;
  readonly event: string;
  /** By `performance.now()`. */
  readonly since: number;
  readonly settle: (invocation: Invocation) => void;
}

/**
 * Runs a function as Lambda does. A worker that failed to load or crashed is never used again. The
 * first invocation starts the first worker.
 *
 * - On demand: one invocation at a time per worker, and more workers when all are busy. A timeout
 *   ends the worker. An invocation beyond the reserved concurrency is refused at once, as Lambda
 *   does with status 429. Those that wait for a worker count: on AWS they would run.
 * - Shared: the first invocation starts the least number of workers, which AWS has from the start,
 *   and each goes to the worker with the least to do. Where all are full, the invocation is refused
 *   at once with status 429, and one more worker starts: AWS scales behind the load, and queues
 *   nothing. Invocations wait only while the least number is loading. One that exceeds its timeout
 *   keeps its place until its handler has ended: AWS does not document whether it would give that
 *   place away.
 */
export const startFunction = (
  definition: FunctionDefinition,
  options: FunctionOptions,
): RunningFunction => {
  const { shared } = definition;
  const places = shared?.invocationsAtOnce ?? 1;
  const most = Math.min(shared?.most ?? options.maxWorkers, options.maxWorkers);
  const least = shared ? Math.min(shared.least, most) : 0;
  const workers = new Set<FunctionWorker>();
  /**
   * The workers that have loaded. The one used last is on top: with little to do, the others can
   * end.
   */
  const ready: FunctionWorker[] = [];
  const idleTimers = new Map<FunctionWorker, NodeJS.Timeout>();
  const waiting: Waiting[] = [];
  let starting = 0;
  /** Invocations that run, or wait for a worker. */
  let underWay = 0;
  let growth: NodeJS.Timeout | undefined;
  let stopped = false;

  const dispatch = (): void => {
    const isAsked = waiting.length > 0;
    while (waiting.length > 0) {
      const worker = withPlace();
      if (!worker) break;
      const next = waiting.shift();
      if (next) run(worker, next);
    }
    if (isAsked && shared) fill();
    if (shared || !mayGrow()) return;
    if (workers.size === 0) start();
    else growth ??= setTimeout(grow, PATIENCE_MS);
  };

  /** A worker that can take one more invocation. */
  const withPlace = (): FunctionWorker | undefined => {
    const found = ready.filter((worker) => worker.alive() && worker.load() < places);
    if (!shared) return found.at(-1);
    return found.sort((one, other) => one.load() - other.load())[0];
  };

  /** Starts the environments that are missing from the least number of shared ones. */
  const fill = (): void => {
    while (workers.size < least && starting < startsAtOnce && !stopped) start();
  };

  const mayGrow = (): boolean =>
    waiting.length > starting && starting < startsAtOnce && workers.size < most && !stopped;

  const grow = (): void => {
    growth = undefined;
    const waitsSince = waiting[0]?.since ?? Number.POSITIVE_INFINITY;
    if (mayGrow() && performance.now() - waitsSince >= PATIENCE_MS) start();
    dispatch();
  };

  const start = async (): Promise<void> => {
    starting += 1;
    const worker = startWorker(workerOptions(definition, options, dispatch));
    workers.add(worker);
    const error = await worker.started;
    starting -= 1;
    // A `kill` discards workers meanwhile: that is no reason to fail the invocations that wait.
    if (workers.has(worker)) {
      worker.ended.then((crash) => {
        remove(worker);
        if (crash) options.onFailure(crash);
      });
      if (error) fail(worker, error);
      else {
        rest(worker);
        fill();
      }
    }
    dispatch();
  };

  /**
   * The caller that caused the start hears why it failed, as in Lambda; the next invocation tries
   * again.
   */
  const fail = (worker: FunctionWorker, error: LambdaError): void => {
    discard(worker);
    const next = waiting.shift();
    if (next) finish(next, { ok: false, ...error });
  };

  const run = async (worker: FunctionWorker, next: Waiting): Promise<void> => {
    clearTimeout(idleTimers.get(worker));
    const invocation = await worker.invoke(next.requestId, next.event);
    rest(worker);
    finish(next, invocation);
    dispatch();
  };

  const finish = (next: Waiting, invocation: Invocation): void => {
    underWay -= 1;
    if (!invocation.ok && !stopped) {
      options.onFailure(invocation);
      // Lambda logs the stack too, and all that is in the error; `onFailure` is for one line.
      for (const line of invocation.trace ?? []) options.log(line);
      if (invocation.fields) options.log(JSON.stringify(invocation.fields));
    }
    next.settle(invocation);
  };

  const rest = (worker: FunctionWorker): void => {
    // A handler that threw leaves its worker as good as before; a crash ends the worker, and so
    // does a timeout where it is not shared.
    if (!worker.alive()) {
      remove(worker);
      return;
    }
    takeAway(worker);
    ready.push(worker);
    if (worker.load() > 0) return;
    const end = () => workers.size > Math.max(1, least) && discard(worker);
    idleTimers.set(worker, setTimeout(end, IDLE_MS).unref());
  };

  const remove = (worker: FunctionWorker): void => {
    workers.delete(worker);
    takeAway(worker);
  };

  const takeAway = (worker: FunctionWorker): void => {
    clearTimeout(idleTimers.get(worker));
    idleTimers.delete(worker);
    const position = ready.indexOf(worker);
    if (position >= 0) ready.splice(position, 1);
  };

  const discard = (worker: FunctionWorker): Promise<void> => {
    remove(worker);
    return worker.kill();
  };

  const kill = async (): Promise<void> => {
    await Promise.all([...workers].map(discard));
    dispatch();
  };

  const invoke = (event: unknown): Promise<Invocation> => {
    if (stopped) return Promise.resolve({ ok: false, ...stoppedError });
    const text = JSON.stringify(event) ?? 'null';
    if (isFull()) {
      if (shared && starting === 0 && workers.size < most) start();
      return Promise.resolve(throttled);
    }
    if (Buffer.byteLength(text) > REQUEST_LIMIT_BYTES)
      return Promise.resolve({ ok: false, ...tooLargeError });
    const { promise, resolve } = Promise.withResolvers<Invocation>();
    underWay += 1;
    waiting.push({
      requestId: randomUUID(),
      event: text,
      since: performance.now(),
      settle: resolve,
    });
    dispatch();
    return promise;
  };

  const isFull = (): boolean => {
    if (!shared) return underWay >= (definition.reservedConcurrency ?? Number.POSITIVE_INFINITY);
    const taken = ready.reduce((sum, worker) => sum + worker.load(), waiting.length);
    return taken >= places * Math.max(least, ready.length);
  };

  const stop = async (): Promise<void> => {
    stopped = true;
    clearTimeout(growth);
    for (const next of waiting.splice(0)) finish(next, { ok: false, ...stoppedError });
    await kill();
  };

  return {
    name: definition.name,
    arn: definition.arn,
    invoke,
    kill,
    workers: () => workers.size,
    heaps: () => Promise.all([...workers].map((worker) => worker.heap())),
    stop,
  };
};

const tooLargeError: LambdaError = {
  errorType: 'RequestTooLargeException',
  errorMessage: `Request must be smaller than ${REQUEST_LIMIT_BYTES} bytes for the InvokeFunction operation`,
};

const stoppedError: LambdaError = {
  errorType: 'LocalCloud.Stopped',
  errorMessage: 'The local cloud was stopped',
};

const workerOptions = (
  definition: FunctionDefinition,
  options: FunctionOptions,
  freed: () => void,
): WorkerOptions => {
  const { name, arn, memoryMb, shared } = definition;
  const invocationsAtOnce = shared?.invocationsAtOnce;
  const functionVersion = versionOf(invocationsAtOnce);
  const logStreamName = `local/[${functionVersion}]${randomUUID().replaceAll('-', '')}`;
  const separator = definition.handler.lastIndexOf('.');
  const file = join(definition.codeDirectory, `${definition.handler.slice(0, separator)}.mjs`);
  return {
    settings: {
      module: pathToFileURL(file).href,
      exportName: definition.handler.slice(separator + 1),
      functionName: name,
      functionVersion,
      arn,
      memoryMb,
      logGroupName: logGroupName(name),
      logStreamName,
    },
    environment: lambdaEnvironment(
      { ...definition, logStreamName, invocationsAtOnce },
      options.endpoints,
    ),
    timeoutSeconds: definition.timeoutSeconds,
    shared: shared !== undefined,
    freed,
    log: options.log,
  };
};
