/**
 * The end of one invocation of a function: the handler's result, or the error that Lambda would
 * report.
 */
export type Invocation =
  | { readonly ok: true; readonly payload: unknown }
  | {
      readonly ok: false;
      readonly errorType: string;
      readonly errorMessage: string;
      readonly trace?: readonly string[];
      /** The error's other fields, which Lambda writes to the log, and hands to nobody. */
      readonly fields?: Readonly<Record<string, unknown>>;
    };

/**
 * The end of an invocation beyond its function's reserved concurrency: status 429 of Lambda's
 * `Invoke`.
 */
export const throttled = {
  ok: false,
  errorType: 'TooManyRequestsException',
  errorMessage: 'Rate Exceeded.',
} as const satisfies Invocation;

/**
 * Whether an invocation was refused before the function saw it. A caller that tries again later has
 * lost nothing.
 */
export const isThrottled = (invocation: Invocation): boolean => invocation === throttled;

/** A function of the template that can be invoked. */
export interface LocalFunction {
  /** Its `FunctionName`. */
  readonly name: string;
  readonly arn: string;
  /**
   * Invokes it once and waits for the end: never rejects, a crash or a timeout is an `ok: false`.
   * @param event plain JSON.
   */
  invoke(event: unknown): Promise<Invocation>;
}
