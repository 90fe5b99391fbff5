import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { exited, timedOut } from './errors.ts';
import type { Invocation } from './invocation.ts';
import type {
  CollectMessage,
  InvokeMessage,
  LambdaError,
  WorkerMessage,
  WorkerSettings,
} from './protocol.ts';

/** Lambda gives a function this long to load, outside of its own timeout. */
const INIT_LIMIT_MS = 10_000;

/**
 * The directory where Node.js keeps compiled code by default. Every worker of a function loads the
 * same code, which saves a fifth of the work.
 */
const compileCache = join(tmpdir(), 'node-compile-cache');

/** How a worker is started. */
export interface WorkerOptions {
  readonly settings: WorkerSettings;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
  /**
   * Whether the thread takes several invocations at once. One that exceeds its timeout then fails
   * alone: neither it nor the others are ended, as AWS has it
   * (https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-execution-environment.html).
   */
  readonly shared: boolean;
  /** Told when an invocation has ended that was given up for its timeout. */
  readonly freed: () => void;
  /** Told every line the function writes to stdout or stderr. */
  readonly log: (line: string) => void;
}

/** One execution environment of a function: a thread that loads its bundle once. */
export interface FunctionWorker {
  /** Resolves once the bundle has loaded, to the error if that failed. */
  readonly started: Promise<LambdaError | undefined>;
  /**
   * Resolves when the thread has ended: to an error, if it crashed and no invocation was there to
   * hear of it. A crash fails every invocation under way.
   */
  readonly ended: Promise<LambdaError | undefined>;
  /** False once the thread has ended or is about to: after a crash, a timeout, `kill`. */
  alive(): boolean;
  /** How many invocations it works on, including those given up for their timeout. */
  load(): number;
  /**
   * Runs one invocation, beside those that are under way; never rejects.
   * @param event JSON text.
   */
  invoke(requestId: string, event: string): Promise<Invocation>;
  /** The memory that it still refers to once garbage is collected, in bytes; 0: it has ended. */
  heap(): Promise<number>;
  /** Ends the thread at once, as a crash would: the invocations under way fail. */
  kill(): Promise<void>;
}

/** Starts a thread that loads the function's bundle. */
export const startWorker = (options: WorkerOptions): FunctionWorker => {
  const { settings, timeoutSeconds, shared } = options;
  const thread = new Worker(new URL('./entry.ts', import.meta.url), {
    workerData: settings,
    env: { ...options.environment, NODE_COMPILE_CACHE: compileCache },
    execArgv: [],
    stdout: true,
    stderr: true,
    name: settings.functionName,
    resourceLimits: { maxOldGenerationSizeMb: settings.memoryMb },
  });

  const started = Promise.withResolvers<LambdaError | undefined>();
  const ended = Promise.withResolvers<LambdaError | undefined>();
  /** Receivers of the invocations' ends, by request id. */
  const underWay = new Map<string, (invocation: Invocation) => void>();
  /** Invocations whose callers heard of a timeout while their handlers go on. */
  const overdue = new Set<string>();
  /** The last error that the function threw and nothing caught. */
  let fatal: LambdaError | undefined;
  /** Those who asked for the memory in use. */
  const askedForHeap: ((bytes: number) => void)[] = [];
  /** How else the thread ended, in Node.js's words. */
  let failure: string | undefined;
  let loaded = false;
  let alive = true;
  let ending = false;
  let killed = false;

  const settle = (requestId: string, invocation: Invocation): void => {
    const settled = underWay.get(requestId);
    underWay.delete(requestId);
    settled?.(invocation);
    if (overdue.delete(requestId)) options.freed();
  };

  const giveUp = (requestId: string): void => {
    if (shared) overdue.add(requestId);
    else terminate();
    const late = underWay.get(requestId);
    underWay.delete(requestId);
    late?.({ ok: false, ...timedOut(requestId, timeoutSeconds) });
  };

  const terminate = async (): Promise<void> => {
    alive = false;
    ending = true;
    await thread.terminate();
  };

  const initTimer = setTimeout(
    () => {
      started.resolve(timedOut('init', INIT_LIMIT_MS / 1000 + timeoutSeconds));
      terminate();
    },
    INIT_LIMIT_MS + timeoutSeconds * 1000,
  );
  started.promise.finally(() => clearTimeout(initTimer));

  thread.on('message', (message: WorkerMessage) => {
    if (message.type === 'output') forEachLine(message.text, options.log);
    else if (message.type === 'ready') {
      loaded = true;
      started.resolve(undefined);
    } else if (message.type === 'init-error') started.resolve(message.error);
    else if (message.type === 'result')
      settle(message.requestId, { ok: true, payload: JSON.parse(message.payload) });
    else if (message.type === 'error') settle(message.requestId, { ok: false, ...message.error });
    else if (message.type === 'collected') askedForHeap.shift()?.(message.bytes);
    else fatal = message.error;
  });
  // The thread is out of memory, or failed before entry.ts had set up its own handlers.
  thread.on('error', (error: Error) => {
    failure = error.message;
  });
  thread.on('exit', (status: number) => {
    alive = false;
    const how = killed ? 'signal: killed' : status === 0 ? undefined : `exit status ${status}`;
    const errorOf = (requestId: string) => fatal ?? exited(requestId, failure ?? how);
    const unheard = loaded && underWay.size === 0 && !ending;
    started.resolve(errorOf('init'));
    overdue.clear();
    for (const requestId of [...underWay.keys()])
      settle(requestId, { ok: false, ...errorOf(requestId) });
    for (const tell of askedForHeap.splice(0)) tell(0);
    ended.resolve(unheard ? errorOf('init') : undefined);
  });

  const invoke = (requestId: string, event: string): Promise<Invocation> => {
    const { promise, resolve } = Promise.withResolvers<Invocation>();
    const timer = setTimeout(() => giveUp(requestId), timeoutSeconds * 1000);
    underWay.set(requestId, (invocation) => {
      clearTimeout(timer);
      resolve(invocation);
    });
    const message: InvokeMessage = {
      requestId,
      event,
      deadline: Date.now() + timeoutSeconds * 1000,
    };
    thread.postMessage(message);
    return promise;
  };

  const heap = async (): Promise<number> => {
    await started.promise;
    if (!alive) return 0;
    const { promise, resolve } = Promise.withResolvers<number>();
    askedForHeap.push(resolve);
    const message: CollectMessage = { type: 'collect' };
    thread.postMessage(message);
    return promise;
  };

  const kill = (): Promise<void> => {
    killed = true;
    return terminate();
  };

  return {
    started: started.promise,
    ended: ended.promise,
    alive: () => alive,
    load: () => underWay.size + overdue.size,
    invoke,
    heap,
    kill,
  };
};

const forEachLine = (text: string, log: (line: string) => void): void => {
  for (const line of text.replace(/\r?\n$/, '').split(/\r?\n/)) log(line);
};
