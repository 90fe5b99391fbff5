import { randomUUID } from 'node:crypto';
import * as z from 'zod/mini';
import type { LocalFunction } from '../lambda/invocation.ts';
import { type Execution, type ExecutionStatus, statusOf } from './execution.ts';
import { checkExecutionName } from './execution-name.ts';
import { type Executions, openExecutions } from './executions.ts';
import {
  type LocalStateMachine,
  openStateMachine,
  type StateMachineTemplate,
} from './state-machine.ts';
import { invalidMember, StatesError } from './states-error.ts';

/** A Step Functions that runs state machines in this process. */
export interface StepFunctions {
  /**
   * Answers a request of the service's JSON 1.0 protocol.
   * @param target the header `X-Amz-Target`, such as `AWSStepFunctions.StartExecution`.
   */
  handle(target: string, body: string): Promise<{ readonly status: number; readonly body: string }>;
  /**
   * The last execution of a name, whatever its machine, and what happened in it: the service's API
   * tells the history in more words than this Step Functions knows.
   */
  execution(name: string): ToldExecution | undefined;
  /** Starts nothing more. With a journal, executions under way begin anew the next time. */
  stop(): void;
}

/** An execution, as people and tests read it. Times are in ISO 8601. */
interface ToldExecution {
  readonly name: string;
  readonly stateMachineArn: string;
  readonly status: ExecutionStatus;
  readonly startedAt: string;
  readonly history: readonly {
    readonly at: string;
    readonly type: string;
    readonly state?: string;
    readonly error?: string;
  }[];
}

/**
 * Starts Step Functions with the state machines of a template.
 * @param options.resolveFunction finds a function by its ARN, as a machine may invoke it.
 * @param options.journalDirectory the directory that keeps executions from one run to the next;
 *   absent: in memory.
 * @param options.report told of executions that failed.
 * @throws Error that names the part of a definition that cannot run here.
 */
export const startStepFunctions = (options: {
  readonly stateMachines: readonly StateMachineTemplate[];
  readonly resolveFunction: (
    arn: string,
    machine: StateMachineTemplate,
  ) => LocalFunction | undefined;
  readonly journalDirectory?: string | undefined;
  readonly report: (line: string) => void;
}): StepFunctions => {
  const machines = options.stateMachines.map((template) =>
    openStateMachine(template, (arn) => options.resolveFunction(arn, template)),
  );
  const { journalDirectory, report } = options;
  const executions = openExecutions({ machines, journalDirectory, report, clock: Date.now });
  const operations = createOperations(machines, executions);
  return {
    handle: async (target, body) => {
      try {
        const operation = operations[target.replace('AWSStepFunctions.', '')];
        if (operation === undefined) {
          const known = Object.keys(operations).join(', ');
          throw new StatesError(
            'UnknownOperationException',
            `${target} is not there. This Step Functions has ${known}.`,
          );
        }
        return { status: 200, body: JSON.stringify(operation(parseBody(body))) };
      } catch (error) {
        if (!(error instanceof StatesError)) throw error;
        return {
          status: 400,
          body: JSON.stringify({ __type: error.code, message: error.message }),
        };
      }
    },
    execution: (name) => {
      const found = executions.named(name);
      if (found === undefined) return undefined;
      const { stateMachineArn, startedAt, arn } = found;
      return {
        name,
        stateMachineArn,
        status: statusOf(found),
        startedAt: toIso(startedAt),
        history: executions.history(arn).map(({ at, ...event }) => ({ at: toIso(at), ...event })),
      };
    },
    stop: () => executions.suspend(),
  };
};

type Operation = (request: unknown) => unknown;

const createOperations = (
  machines: readonly LocalStateMachine[],
  executions: Executions,
): Readonly<Record<string, Operation | undefined>> => ({
  StartExecution: (request) => {
    const { stateMachineArn, name = randomUUID(), input = '{}' } = read(StartExecution, request);
    checkExecutionName(name);
    checkInput(input);
    const { arn, startedAt } = executions.start(machineOf(machines, stateMachineArn), name, input);
    return { executionArn: arn, startDate: toSeconds(startedAt) };
  },
  DescribeExecution: (request) =>
    describe(executions.get(read(OneExecution, request).executionArn)),
  StopExecution: (request) => {
    const { executionArn, error, cause } = read(StopExecution, request);
    const { ended, startedAt } = executions.stop(executionArn, { error, cause });
    return { stopDate: toSeconds(ended?.at ?? startedAt) };
  },
  ListExecutions: (request) => {
    const { stateMachineArn, statusFilter, maxResults, nextToken } = read(ListExecutions, request);
    const machine = machineOf(machines, stateMachineArn);
    if (machine.type === 'EXPRESS')
      throw new StatesError(
        'StateMachineTypeNotSupported',
        'This operation is not supported by this type of state machine',
      );
    const found = executions
      .of(machine.arn)
      .filter((it) => statusFilter === undefined || statusOf(it) === statusFilter);
    const from = nextToken === undefined ? 0 : 1 + found.findIndex(({ arn }) => arn === nextToken);
    const page = found.slice(from, from + (maxResults || 100));
    const more = found.length > from + page.length;
    return { executions: page.map(summarize), ...(more && { nextToken: page.at(-1)?.arn }) };
  },
});

const StartExecution = z.object({
  stateMachineArn: z.string(),
  name: z.optional(z.string()),
  input: z.optional(z.string()),
});
const OneExecution = z.object({ executionArn: z.string() });
const StopExecution = z.object({
  executionArn: z.string(),
  error: z.optional(z.string()),
  cause: z.optional(z.string()),
});
const ListExecutions = z.object({
  stateMachineArn: z.string(),
  statusFilter: z.optional(z.enum(['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'])),
  maxResults: z.optional(z.int().check(z.gte(0), z.lte(1_000))),
  nextToken: z.optional(z.string()),
});

const parseBody = (body: string): unknown => {
  try {
    return JSON.parse(body);
  } catch {
    throw new StatesError('SerializationException', 'The request is no JSON');
  }
};

const read = <Schema extends z.ZodMiniType>(schema: Schema, request: unknown): z.infer<Schema> => {
  const { data, error } = schema.safeParse(request);
  if (error === undefined) return data;
  throw invalidMember(
    error.issues[0]?.path.join('.') ?? '',
    null,
    error.issues[0]?.message ?? 'Invalid input',
  );
};

const machineOf = (machines: readonly LocalStateMachine[], arn: string): LocalStateMachine => {
  const found = machines.find((machine) => machine.arn === arn);
  if (found !== undefined) return found;
  if (!arn.startsWith('arn:'))
    throw new StatesError('InvalidArn', `Invalid Arn: 'Invalid ARN prefix: ${arn}'`);
  throw new StatesError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`);
};

/** Step Functions' limit, in bytes. */
const LONGEST_INPUT_BYTES = 262_144;

const checkInput = (input: string): void => {
  if (Buffer.byteLength(input) > LONGEST_INPUT_BYTES)
    throw invalidMember(
      'input',
      `${input.slice(0, 20)}…`,
      `Member must have length less than or equal to ${LONGEST_INPUT_BYTES}`,
    );
  try {
    JSON.parse(input);
  } catch (error) {
    throw new StatesError(
      'InvalidExecutionInput',
      `Invalid State Machine Execution Input: '${error}'`,
    );
  }
};

const summarize = (execution: Execution) => ({
  executionArn: execution.arn,
  stateMachineArn: execution.stateMachineArn,
  name: execution.name,
  status: statusOf(execution),
  startDate: toSeconds(execution.startedAt),
  ...(execution.ended && { stopDate: toSeconds(execution.ended.at) }),
});

const describe = (execution: Execution) => {
  const { output, error, cause } = execution.ended ?? {};
  return {
    ...summarize(execution),
    input: execution.input,
    inputDetails: { included: true },
    ...(output !== undefined && { output, outputDetails: { included: true } }),
    ...(error !== undefined && { error }),
    ...(cause !== undefined && { cause }),
    redriveCount: 0,
  };
};

const toIso = (milliseconds: number): string => new Date(milliseconds).toISOString();

/** The protocol's times are in seconds. */
const toSeconds = (milliseconds: number): number => milliseconds / 1_000;
