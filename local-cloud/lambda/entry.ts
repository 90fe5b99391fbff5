/**
 * Runs inside a worker thread: the part of Lambda's Node.js runtime that a function can see. It
 * loads the bundle, then takes invocations, as many at once as it gets, until the thread is ended
 * from outside.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { collectGarbage } from './collect-garbage.ts';
import { createContext } from './context.ts';
import { toInitError, toLambdaError } from './errors.ts';
import { openInvokeStore } from './invoke-store.ts';
import type {
  CollectMessage,
  InvokeMessage,
  LambdaError,
  WorkerMessage,
  WorkerSettings,
} from './protocol.ts';

type Handler = (event: unknown, context: unknown) => unknown;

/** Lambda's limit for an answer. */
const RESPONSE_LIMIT_BYTES = 6_291_556;

const settings: WorkerSettings = workerData;

// worker.ts sets it for this thread's own start; it is none of the function's variables.
delete process.env['NODE_COMPILE_CACHE'];

const say = (message: WorkerMessage): void => parentPort?.postMessage(message);

/**
 * A worker's own stdout would cost both threads a wake-up for every line, and as much again for its
 * receipt. Each line is sent at once: after it may come an endless loop, or the end of memory.
 */
const write: typeof process.stdout.write = (chunk, encoding?: unknown, callback?: unknown) => {
  say({ type: 'output', text: typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString() });
  const done = typeof encoding === 'function' ? encoding : callback;
  if (typeof done === 'function') queueMicrotask(() => done());
  return true;
};
process.stdout.write = write;
process.stderr.write = write;

const die = (error: LambdaError, status: number): void => {
  say({ type: 'fatal', error });
  process.exit(status);
};

// The exit statuses are those of Lambda's runtime.
process.on('uncaughtException', (thrown) => die(toLambdaError(thrown), 129));
process.on('unhandledRejection', (reason) =>
  die({ ...toLambdaError(reason), errorType: 'Runtime.UnhandledPromiseRejection' }, 128),
);

const loadHandler = async (): Promise<Handler | LambdaError> => {
  let loaded: Record<string, unknown>;
  try {
    loaded = await import(settings.module);
  } catch (thrown) {
    return toInitError(thrown);
  }
  const handler = loaded[settings.exportName];
  if (!isHandler(handler)) {
    const name = `${settings.exportName} of ${settings.module.split('/').at(-1)}`;
    return {
      errorType: 'Runtime.HandlerNotFound',
      errorMessage: `${name} is undefined or not a function`,
    };
  }
  if (handler.length > 2) {
    return {
      errorType: 'Runtime.CallbackHandlerDeprecated',
      errorMessage:
        'Lambda has no callback-based handlers from Node.js 24 on: return a promise instead',
    };
  }
  return handler;
};

const isHandler = (value: unknown): value is Handler => typeof value === 'function';

const invoke = async (handler: Handler, message: InvokeMessage): Promise<void> => {
  const { requestId } = message;
  try {
    const call = () => handler(JSON.parse(message.event), createContext(settings, message));
    say(toResult(requestId, await inInvocation(requestId, call)));
  } catch (thrown) {
    say({ type: 'error', requestId, error: toLambdaError(thrown) });
  }
};

const toResult = (requestId: string, answer: unknown): WorkerMessage => {
  const failed = (errorType: string, errorMessage: string): WorkerMessage => ({
    type: 'error',
    requestId,
    error: { errorType, errorMessage },
  });
  try {
    const payload = JSON.stringify(answer) ?? 'null';
    if (Buffer.byteLength(payload) <= RESPONSE_LIMIT_BYTES)
      return { type: 'result', requestId, payload };
    return failed(
      'Function.ResponseSizeTooLarge',
      `Response payload size exceeded maximum allowed payload size (${RESPONSE_LIMIT_BYTES} bytes).`,
    );
  } catch (thrown) {
    return failed(
      'Runtime.MarshalError',
      `Unable to stringify response body: ${toLambdaError(thrown).errorMessage}`,
    );
  }
};

// The store comes before the bundle, which may look for it while it loads.
const inInvocation = await openInvokeStore();
const handler = await loadHandler();
if (typeof handler === 'function') {
  parentPort?.on('message', async (message: InvokeMessage | CollectMessage) => {
    if ('type' in message) say({ type: 'collected', bytes: await collectGarbage() });
    else await invoke(handler, message);
  });
  say({ type: 'ready' });
} else {
  say({ type: 'init-error', error: handler });
}
