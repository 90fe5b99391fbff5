import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { lambdaEnvironment, logGroupName, type ServiceEndpoints } from './environment.ts';
import { type Invocation, type LocalFunction, throttled } from './invocation.ts';
import type { LambdaError } from './protocol.ts';
import { type FunctionWorker, startWorker } from './worker.ts';

/** A worker beyond the first that nobody needed for this long is ended. */
const IDLE_MS = 60_000;

/**
 * How long an invocation waits for a worker to become free before another one is started. Lambda
 * starts one at once, on a machine of its own; here a start takes the others about this long, and a
 * new worker is slow at first. A function that does not wait for others needs few workers then,
 * however many callers come at once.
 */
const PATIENCE_MS = 100;

/**
 * Loading a bundle is all work and no waiting: more at once than processors would only make each of
 * them late.
 */
const startsAtOnce = availableParallelism();

/** Lambda's limit for an event. */
const REQUEST_LIMIT_BYTES = 6 * 1024 * 1024;

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
   * How many invocations run at once, at most: others are refused. Absent: as many as there are
   * workers, and others wait.
   */
  readonly reservedConcurrency?: number | undefined;
  readonly variables: Readonly<Record<string, string>>;
}

/** How the local cloud runs a function. */
export interface FunctionOptions {
  readonly endpoints: ServiceEndpoints;
  /** How many invocations run at once, at most; the rest wait for their turn. */
  readonly maxWorkers: number;
  /** Told every line the function writes. */
  readonly log: (line: string) => void;
  /**
   * Told of every invocation that failed, whoever called, and of crashes between two invocations.
   */
  readonly onFailure: (error: LambdaError) => void;
}

/** A function that runs. */
export interface RunningFunction extends LocalFunction {
  /**
   * Ends its workers at once, as a crash: invocations under way fail, waiting ones get new workers.
   */
  kill(): Promise<void>;
  /** How many workers there are now. */
  workers(): number;
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
 * Runs a function as Lambda does: one invocation at a time per worker, more workers when all are
 * busy, and a worker that failed to load, crashed or timed out is never used again. The first
 * invocation starts the first worker.
 *
 * Where concurrency is reserved, an invocation beyond it is refused at once, as Lambda does with
 * status 429. Those that wait for a worker count: on AWS they would run.
 */
export const startFunction = (
  definition: FunctionDefinition,
  options: FunctionOptions,
): RunningFunction => {
  const workers = new Set<FunctionWorker>();
  /** The one used last is on top: with little to do, the others can be ended. */
  const idle: FunctionWorker[] = [];
  const idleTimers = new Map<FunctionWorker, NodeJS.Timeout>();
  const waiting: Waiting[] = [];
  let starting = 0;
  /** Invocations that run, or wait for a worker. */
  let underWay = 0;
  let growth: NodeJS.Timeout | undefined;
  let stopped = false;

  const dispatch = (): void => {
    while (waiting.length > 0) {
      const worker = idle.pop();
      if (!worker) break;
      clearTimeout(idleTimers.get(worker));
      const next = waiting.shift();
      if (next) run(worker, next);
    }
    if (!mayGrow()) return;
    if (workers.size === 0) start();
    else growth ??= setTimeout(grow, PATIENCE_MS);
  };

  const mayGrow = (): boolean =>
    waiting.length > starting &&
    starting < startsAtOnce &&
    workers.size < options.maxWorkers &&
    !stopped;

  const grow = (): void => {
    growth = undefined;
    const waitsSince = waiting[0]?.since ?? Number.POSITIVE_INFINITY;
    if (mayGrow() && performance.now() - waitsSince >= PATIENCE_MS) start();
    dispatch();
  };

  const start = async (): Promise<void> => {
    starting += 1;
    const worker = startWorker(workerOptions(definition, options));
    workers.add(worker);
    const error = await worker.started;
    starting -= 1;
    // Discarded meanwhile (`kill`): that is no reason to fail those who wait.
    if (workers.has(worker)) {
      worker.ended.then((crash) => {
        remove(worker);
        if (crash) options.onFailure(crash);
      });
      if (error) fail(worker, error);
      else rest(worker);
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
    const invocation = await worker.invoke(next.requestId, next.event);
    rest(worker);
    finish(next, invocation);
    dispatch();
  };

  const finish = (next: Waiting, invocation: Invocation): void => {
    underWay -= 1;
    if (!invocation.ok && !stopped) {
      options.onFailure(invocation);
      // As in the log of Lambda; `onFailure` is for one line.
      for (const line of invocation.trace ?? []) options.log(line);
    }
    next.settle(invocation);
  };

  const rest = (worker: FunctionWorker): void => {
    // A handler that threw leaves its worker as good as before; a crash or a timeout has ended it.
    if (worker.alive()) {
      idle.push(worker);
      idleTimers.set(
        worker,
        setTimeout(() => workers.size > 1 && discard(worker), IDLE_MS).unref(),
      );
    } else {
      remove(worker);
    }
  };

  const remove = (worker: FunctionWorker): void => {
    workers.delete(worker);
    clearTimeout(idleTimers.get(worker));
    idleTimers.delete(worker);
    const position = idle.indexOf(worker);
    if (position >= 0) idle.splice(position, 1);
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
    if (underWay >= (definition.reservedConcurrency ?? Number.POSITIVE_INFINITY))
      return Promise.resolve(throttled);
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

const workerOptions = (definition: FunctionDefinition, options: FunctionOptions) => {
  const { name, arn, memoryMb } = definition;
  const logStreamName = `local/[$LATEST]${randomUUID().replaceAll('-', '')}`;
  const separator = definition.handler.lastIndexOf('.');
  const file = join(definition.codeDirectory, `${definition.handler.slice(0, separator)}.mjs`);
  return {
    settings: {
      module: pathToFileURL(file).href,
      exportName: definition.handler.slice(separator + 1),
      functionName: name,
      arn,
      memoryMb,
      logGroupName: logGroupName(name),
      logStreamName,
    },
    environment: lambdaEnvironment({ ...definition, logStreamName }, options.endpoints),
    timeoutSeconds: definition.timeoutSeconds,
    log: options.log,
  };
};
