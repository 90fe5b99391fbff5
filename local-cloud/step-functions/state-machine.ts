import {
  ExecutionAbortedError,
  ExecutionTimeoutError,
  StateMachine,
} from 'aws-local-stepfunctions';
import { isRefused } from '../iam/on-behalf.ts';
import { type Invocation, isThrottled, type LocalFunction } from '../lambda/invocation.ts';
import { readDefinition } from './definition.ts';
import type { HistoryEvent } from './execution.ts';

/** A state machine of the template. */
export interface StateMachineTemplate {
  readonly arn: string;
  readonly name: string;
  readonly type: 'STANDARD' | 'EXPRESS';
  /** Of the role that it acts under. */
  readonly roleArn: string;
  /** In Amazon States Language, as JSON. */
  readonly definition: unknown;
}

/** A state machine that can be executed. */
export interface LocalStateMachine {
  readonly arn: string;
  readonly name: string;
  readonly type: 'STANDARD' | 'EXPRESS';
  /**
   * Starts one execution, which the context object will name.
   * @param note takes what happens, in order.
   */
  run(
    input: unknown,
    execution: { readonly arn: string; readonly name: string },
    note?: (event: HistoryEvent) => void,
  ): Run;
}

/** An execution under way. */
export interface Run {
  /** How it ends; never rejects. */
  readonly ended: Promise<Ending>;
  /** Ends it now. A task under way goes on, but nothing follows from it. */
  abort(): void;
}

/** How an execution ended. */
export type Ending =
  | { readonly status: 'SUCCEEDED'; readonly output: unknown }
  | { readonly status: 'FAILED'; readonly error: string; readonly cause: string }
  | { readonly status: 'TIMED_OUT' }
  | { readonly status: 'ABORTED' };

/**
 * Makes a state machine executable.
 * @param resolveFunction finds the function of a task by its ARN.
 * @throws Error that names the part of the definition that cannot run here.
 */
export const openStateMachine = (
  { arn, name, type, definition }: Omit<StateMachineTemplate, 'roleArn'>,
  resolveFunction: (arn: string) => LocalFunction | undefined,
): LocalStateMachine => {
  const read = readOrName(name, () =>
    readDefinition(definition, {
      isFunction: (resource) => resolveFunction(resource) !== undefined,
      longestSeconds: type === 'EXPRESS' ? LONGEST_EXPRESS_SECONDS : undefined,
    }),
  );
  const machine = readOrName(name, () => new StateMachine(read.definition));
  return {
    arn,
    name,
    type,
    run: (input, execution, note = () => {}) => {
      let aborted = false;
      const call = (resource: string) => async (taskInput: unknown) => {
        // The library goes on after a wait, or to the next attempt, even if the execution was
        // aborted meanwhile.
        if (aborted) throw new Aborted();
        const called = resolveFunction(resource);
        if (called === undefined) throw new Error(`${resource} is not there any more`);
        return resultOf(await called.invoke(taskInput));
      };
      const { result, abort, eventLogs } = machine.run(asJson(input), {
        overrides: {
          taskResourceLocalHandlers: Object.fromEntries(
            [...read.resources].map(([state, resource]) => [state, call(resource)]),
          ),
        },
        context: {
          Execution: { Id: execution.arn, Name: execution.name },
          StateMachine: { Id: arn, Name: name },
        },
      });
      void follow(eventLogs, note);
      return {
        ended: result.then((output): Ending => ({ status: 'SUCCEEDED', output }), endingOf),
        abort: () => {
          aborted = true;
          abort();
        },
      };
    },
  };
};

/**
 * Hands on what the library tells of an execution, without the data that goes through it: that is
 * in its input, its output and the tables.
 */
const follow = async (
  events: AsyncIterable<LibraryEvent>,
  note: (event: HistoryEvent) => void,
): Promise<void> => {
  for await (const event of events) {
    const { type, timestamp: at } = event;
    note({
      type,
      at,
      ...('state' in event && { state: event.state.name }),
      ...('Error' in event && { error: event.Error }),
    });
  }
};

type LibraryEvent =
  ReturnType<StateMachine['run']>['eventLogs'] extends AsyncIterable<infer Event> ? Event : never;

/** Step Functions ends an Express execution after five minutes. */
const LONGEST_EXPRESS_SECONDS = 300;

const readOrName = <Result>(name: string, read: () => Result): Result => {
  try {
    return read();
  } catch (error) {
    throw new Error(
      `The state machine ${name} cannot be run: ${error instanceof Error ? error.message : error}`,
    );
  }
};

type Json = Parameters<StateMachine['run']>[0];

const isJson = (value: unknown): value is Json => value !== undefined;

const asJson = (value: unknown): Json => (isJson(value) ? value : null);

const resultOf = (invocation: Invocation): Json => {
  if (invocation.ok) return asJson(invocation.payload);
  // Of what the function was not even asked, there is no answer to tell.
  if (isRefused(invocation))
    throw Object.assign(new Error(invocation.errorMessage), { name: invocation.errorType });
  // Lambda's own errors, unlike a function's, bear its name.
  throw new TaskFailed(
    isThrottled(invocation)
      ? { ...invocation, errorType: `Lambda.${invocation.errorType}` }
      : invocation,
  );
};

/**
 * A function's error, as a task that names the function reports it: `Error` is the type that Lambda
 * gives, for a crash or a timeout too, or `Lambda.Unknown` without one, and `Cause` is Lambda's
 * whole answer.
 */
class TaskFailed extends Error {
  constructor({ errorType, errorMessage, trace }: Extract<Invocation, { ok: false }>) {
    const answer = JSON.stringify({ errorType, errorMessage, ...(trace && { trace }) });
    super(
      errorType === ''
        ? `Lambda did not return an error type. Returned payload: ${answer}`
        : answer,
    );
    this.name = errorType === '' ? 'Lambda.Unknown' : errorType;
  }
}

/** Ends an execution that is aborted already: no retrier and no catcher may have it. */
class Aborted extends Error {
  readonly isRetryable = false;
  readonly isCatchable = false;
}

const endingOf = (error: unknown): Ending => {
  if (error instanceof ExecutionAbortedError) return { status: 'ABORTED' };
  if (error instanceof ExecutionTimeoutError) return { status: 'TIMED_OUT' };
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error
    ? { status: 'FAILED', error: cause.name, cause: cause.message }
    : { status: 'FAILED', error: 'States.Runtime', cause: String(cause) };
};
