/** The settings that a worker thread gets once, when it starts. */
export interface WorkerSettings {
  /** URL of the bundle's module, e.g. `file:///…/index.mjs`. */
  readonly module: string;
  /** Name of the exported handler. */
  readonly exportName: string;
  readonly functionName: string;
  /** `$LATEST`, or `$LATEST.PUBLISHED` where an environment takes several invocations at once. */
  readonly functionVersion: string;
  readonly arn: string;
  readonly memoryMb: number;
  readonly logGroupName: string;
  readonly logStreamName: string;
}

/** One invocation, as the worker gets it. */
export interface InvokeMessage {
  readonly requestId: string;
  /** The event as JSON text, as it always is between Lambda and a function. */
  readonly event: string;
  /** When Lambda will end the invocation, in ms since the epoch. */
  readonly deadline: number;
}

/** Asks the worker for the memory that its function still refers to. */
export interface CollectMessage {
  readonly type: 'collect';
}

/** An error in the form in which Lambda hands it to the caller. */
export interface LambdaError {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace?: readonly string[];
  /** The error's other fields, which Lambda writes to the log, and hands to nobody. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/**
 * A worker's messages. `output`: the function has written something; `fatal`: an uncaught error,
 * after which it exits; `collected`: the memory that is in use, once garbage is collected. An answer names its invocation: others may be under way.
 */
export type WorkerMessage =
  | { readonly type: 'output'; readonly text: string }
  | { readonly type: 'ready' }
  | { readonly type: 'init-error'; readonly error: LambdaError }
  | { readonly type: 'result'; readonly requestId: string; readonly payload: string }
  | { readonly type: 'error'; readonly requestId: string; readonly error: LambdaError }
  | { readonly type: 'fatal'; readonly error: LambdaError }
  | { readonly type: 'collected'; readonly bytes: number };
