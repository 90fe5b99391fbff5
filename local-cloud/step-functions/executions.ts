import { randomUUID } from 'node:crypto';
import type { Execution, HistoryEvent } from './execution.ts';
import { openJournal } from './journal.ts';
import type { LocalStateMachine, Run } from './state-machine.ts';
import { StatesError } from './states-error.ts';

/** The executions of all state machines: those under way, and those that ended last. */
export interface Executions {
  /**
   * Starts an execution. Once this returns, it will run to its end even if this process ends and
   * starts again.
   * @param input JSON.
   * @throws StatesError `ExecutionAlreadyExists` for the name of another execution of a Standard
   *   machine; the same input while that one is under way gives it back.
   */
  start(machine: LocalStateMachine, name: string, input: string): Execution;
  /** Ends an execution; one that ended already stays as it is. */
  stop(
    arn: string,
    reason: { readonly error?: string | undefined; readonly cause?: string | undefined },
  ): Execution;
  /** @throws StatesError `ExecutionDoesNotExist` */
  get(arn: string): Execution;
  /**
   * What happened in an execution so far, in order. It is kept in memory, as long as the execution
   * is remembered: nothing of what happened before this process started.
   */
  history(arn: string): readonly HistoryEvent[];
  /** The last one of a name. */
  named(name: string): Execution | undefined;
  /** The newest first. */
  of(stateMachineArn: string): readonly Execution[];
  /**
   * Ends the work. Executions under way stay as they are, and begin anew when the journal is opened
   * again.
   */
  suspend(): void;
}

/**
 * How many ended executions are remembered, with their names and histories: some 35 MB. Step
 * Functions remembers 90 days. One under way takes some 10 KB.
 */
const KEEP_ENDED = 20_000;

/**
 * Opens the executions of a journal, and starts those anew that had not ended: the journal does not
 * know how far they were.
 * @param options.journalDirectory absent: they are gone when the process ends.
 */
export const openExecutions = (options: {
  readonly machines: readonly LocalStateMachine[];
  readonly journalDirectory: string | undefined;
  readonly report: (line: string) => void;
  /** In milliseconds since 1970. */
  readonly clock: () => number;
}): Executions => {
  const journal = openJournal({ directory: options.journalDirectory, keepEnded: KEEP_ENDED });
  const executions = new Map<string, Execution>();
  const runs = new Map<string, Run>();
  const histories = new Map<string, HistoryEvent[]>();
  const endedArns: string[] = [];
  let suspended = false;

  const end = (execution: Execution, ended: NonNullable<Execution['ended']>): Execution => {
    const final = { ...execution, ended };
    runs.delete(execution.arn);
    journal.write(final);
    remember(final);
    return final;
  };

  const remember = (execution: Execution): void => {
    executions.set(execution.arn, execution);
    if (execution.ended === undefined) return;
    endedArns.push(execution.arn);
    const oldest = endedArns.length > KEEP_ENDED ? endedArns.shift() : undefined;
    if (oldest === undefined) return;
    executions.delete(oldest);
    histories.delete(oldest);
  };

  const run = (machine: LocalStateMachine, execution: Execution): void => {
    const history: HistoryEvent[] = [];
    histories.set(execution.arn, history);
    const underWay = machine.run(JSON.parse(execution.input), execution, (event) => {
      history.push(event);
    });
    runs.set(execution.arn, underWay);
    underWay.ended.then((ending) => {
      // It was stopped or suspended meanwhile, which has settled it.
      if (suspended || !runs.has(execution.arn)) return;
      const { status } = ending;
      const at = options.clock();
      if (status === 'FAILED')
        options.report(`${machine.name}: ${execution.name} failed: ${ending.error}`);
      if (status === 'TIMED_OUT')
        options.report(`${machine.name}: ${execution.name} took too long`);
      if (status === 'SUCCEEDED')
        end(execution, { status, at, output: JSON.stringify(ending.output) });
      else if (status === 'FAILED')
        end(execution, { status, at, error: ending.error, cause: ending.cause });
      else end(execution, { status, at });
    });
  };

  const get = (arn: string): Execution => {
    const found = executions.get(arn);
    if (found === undefined)
      throw new StatesError('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`);
    return found;
  };

  for (const execution of journal.executions) {
    remember(execution);
    const machine = options.machines.find(({ arn }) => arn === execution.stateMachineArn);
    if (execution.ended === undefined && machine !== undefined) run(machine, execution);
  }

  return {
    start: (machine, name, input) => {
      const arn = executionArn(machine, name);
      const there = executions.get(arn);
      if (there !== undefined) {
        if (there.ended === undefined && there.input === input) return there;
        throw new StatesError('ExecutionAlreadyExists', `Execution Already Exists: '${arn}'`);
      }
      const execution = {
        arn,
        stateMachineArn: machine.arn,
        name,
        input,
        startedAt: options.clock(),
      };
      journal.write(execution);
      remember(execution);
      run(machine, execution);
      return execution;
    },
    stop: (arn, reason) => {
      const execution = get(arn);
      if (execution.ended !== undefined) return execution;
      const underWay = runs.get(arn);
      const ended = end(execution, { status: 'ABORTED', at: options.clock(), ...reason });
      underWay?.abort();
      return ended;
    },
    get,
    history: (arn) => histories.get(arn) ?? [],
    named: (name) => [...executions.values()].findLast((execution) => execution.name === name),
    of: (stateMachineArn) =>
      [...executions.values()]
        .filter((execution) => execution.stateMachineArn === stateMachineArn)
        .toSorted((one, other) => other.startedAt - one.startedAt),
    suspend: () => {
      suspended = true;
      for (const underWay of runs.values()) underWay.abort();
    },
  };
};

/** Where names are unique, the name makes the ARN. */
const executionArn = ({ arn, type }: LocalStateMachine, name: string): string =>
  type === 'STANDARD'
    ? `${arn.replace(':stateMachine:', ':execution:')}:${name}`
    : `${arn.replace(':stateMachine:', ':express:')}:${name}:${randomUUID()}`;
