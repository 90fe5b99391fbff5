import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { Version } from '../../events/values.ts';
import { answerOf } from '../ledger/answer.ts';
import { decide } from '../ledger/decide.ts';
import { nextCommit, type Origin } from './append.ts';
import { fullJitter } from './backoff.ts';
import { CommandRecord, fingerprint, recordedResult } from './command-record.ts';
import type { CommandRequest, CommandResult } from './command-result.ts';
import { failureOf } from './failure.ts';
import { type EventsTable, loadTail } from './read.ts';
import { follow, type Tail } from './tail.ts';
import { isStoreUnavailable, StoreUnavailable } from './unavailable.ts';
import { type Write, type WriteResult, type WriteTables, write } from './write.ts';

/** What deciding takes besides the tables. All that varies between a Lambda, a test and a simulation is here. */
export interface ExecuteDependencies extends EventsTable, WriteTables {
  /** The time, in milliseconds since 1970. */
  readonly clock: () => number;
  /** A new, unique, time-ordered id. */
  readonly newId: () => string;
  /** A number in 0 … 1. */
  readonly random: () => number;
  /** Waits; milliseconds. */
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** How long one command may take before it is given up as undecided, in milliseconds. */
  readonly budget: number;
}

/** After this many lost races in a row the stream is hot: wait a little and read afresh instead of chasing its writers. */
const LOSSES_BEFORE_BACKOFF = 3;

const BACKOFF_BASE = 20;
const BACKOFF_CAP = 1_000;

/**
 * Decides a command on its account as it stands and appends what follows, once:
 * load the tail, decide, append with the command's records; lose the race, decide again after the winner.
 *
 * A rejection is decided on a tail that was current while this command ran: the one just read, or the commit that has just
 * won the race, which did not exist when the tail was read.
 * @param dependencies the tables, and all that varies.
 * @param request the command, its keys, what version it may be decided at, and who asks.
 * @returns what became of it. Only an `accepted` command has changed anything.
 * @throws {Error} where the stream cannot be read, or DynamoDB refuses the request itself. Nothing was written.
 */
export const execute = async (dependencies: ExecuteDependencies, request: CommandRequest): Promise<CommandResult> => {
  try {
    return await decideAndAppend(dependencies, request);
  } catch (error) {
    if (isStoreUnavailable(error)) return { outcome: 'undecided', reason: error.reason };
    throw error;
  }
};

const decideAndAppend = async (dependencies: ExecuteDependencies, request: CommandRequest): Promise<CommandResult> => {
  const { command, keys = [], expectedVersion, actor, correlationId } = request;
  const { clock } = dependencies;
  const deadline = clock() + dependencies.budget;
  const print = fingerprint(command);
  const origin = { commandId: keys[0]?.commandId ?? dependencies.newId(), actor, correlationId };
  // Whether a write of ours may have landed without our hearing of it: what we then find recorded may be our own.
  let uncertain = false;

  let tail = await patiently(dependencies, deadline, () => loadTail(dependencies, command.accountId));

  for (let losses = 1; ; losses += 1) {
    if (expectedVersion !== undefined && tail.version !== expectedVersion) {
      const found = await patiently(dependencies, deadline, () => findRecords(dependencies, request));
      if (found.length > 0) return recordedResult(found, print, !uncertain);
      return { outcome: 'version_mismatch', currentVersion: tail.version };
    }

    const plan = planFor(tail, request, print, origin, clock());
    if (plan === 'too_large') return { outcome: 'undecided', reason: 'commit_too_large' };
    if (!plan.write) return plan.result;

    const written = await writeUntilKnown(dependencies, deadline, plan.write);
    uncertain ||= written.uncertain;
    const { result } = written;
    switch (result.kind) {
      case 'landed':
        return plan.result;
      case 'recorded':
        return recordedResult(result.records, print, !uncertain);
      case 'lost':
        // Found our own: an earlier attempt landed, and the answer to it was lost on the way.
        if (result.winner.commandId === origin.commandId) return plan.result;
        tail = follow(tail, result.winner);
        break;
      default:
        return { outcome: 'undecided', reason: result.kind === 'conflict' ? 'contention' : result.kind };
    }

    if (losses % LOSSES_BEFORE_BACKOFF === 0) {
      const wait = fullJitter(losses / LOSSES_BEFORE_BACKOFF, dependencies.random, BACKOFF_BASE, BACKOFF_CAP);
      if (clock() + wait >= deadline) return { outcome: 'undecided', reason: 'contention' };
      await dependencies.sleep(wait);
      tail = await patiently(dependencies, deadline, () => loadTail(dependencies, command.accountId));
    }
  }
};

interface Plan {
  /** What to write; absent where the decision changes nothing that has to be kept. */
  readonly write?: Write;
  /** What the caller is told once it is written. */
  readonly result: CommandResult;
}

const planFor = (
  tail: Tail,
  { command, keys = [] }: CommandRequest,
  request: string,
  origin: Origin,
  now: number,
): Plan | 'too_large' => {
  const decision = decide(command, tail.account);
  if (decision.outcome === 'rejected') {
    const { rejection } = decision;
    const at = new Date(now).toISOString();
    const records = keys.map((key) => CommandRecord.parse({ ...key, request, outcome: 'rejected', at, rejection }));
    return withRecords({ outcome: 'rejected', rejection, replayed: false }, records);
  }
  if (decision.events.length === 0) {
    if (tail.at === undefined) throw new Error('a command on no account was accepted without events');
    return { result: { outcome: 'accepted', version: Version.parse(tail.version), at: tail.at, replayed: false } };
  }
  const next = nextCommit(tail, decision.events, origin, now);
  if (next === 'too_large') return next;
  const { at, version: first, count, events } = next.commit;
  const version = Version.parse(first + count - 1);
  const answer = answerOf(command, next.account, events);
  return {
    write: {
      commit: next.item,
      records: keys.map((key) => ({ ...key, request, outcome: 'accepted', version, at, answer })),
    },
    result: { outcome: 'accepted', version, at, answer, replayed: false },
  };
};

const withRecords = (result: CommandResult, records: readonly CommandRecord[]): Plan =>
  records.length > 0 ? { write: { records }, result } : { result };

/** Sends the same write again until its result is known or the time is up. */
const writeUntilKnown = async (
  dependencies: ExecuteDependencies,
  deadline: number,
  content: Write,
): Promise<{ readonly result: WriteResult; readonly uncertain: boolean }> => {
  let uncertain = false;
  for (let attempt = 0; ; attempt += 1) {
    const result = await write(dependencies, content);
    if (result.kind !== 'conflict' && result.kind !== 'throttled' && result.kind !== 'unknown') {
      return { result, uncertain };
    }
    uncertain ||= result.kind === 'unknown';
    // Once a write may have landed, no later refusal takes that back.
    if (!(await pause(dependencies, deadline, attempt)))
      return { result: uncertain ? { kind: 'unknown' } : result, uncertain };
  }
};

/**
 * Reads, again after a passing failure, until the time is up.
 * @param deadline in milliseconds since 1970.
 * @throws {StoreUnavailable} once it is.
 */
export const patiently = async <T>(
  dependencies: Pick<ExecuteDependencies, 'clock' | 'random' | 'sleep'>,
  deadline: number,
  read: () => Promise<T>,
): Promise<T> => {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await read();
    } catch (error) {
      const { kind } = failureOf(error);
      if (kind === 'condition') throw error;
      if (!(await pause(dependencies, deadline, attempt))) {
        throw new StoreUnavailable(kind === 'throttled' ? 'throttled' : 'unavailable', error);
      }
    }
  }
};

const pause = async (
  { clock, random, sleep }: Pick<ExecuteDependencies, 'clock' | 'random' | 'sleep'>,
  deadline: number,
  attempt: number,
): Promise<boolean> => {
  const wait = fullJitter(attempt, random, BACKOFF_BASE, BACKOFF_CAP);
  if (clock() + wait >= deadline) return false;
  await sleep(wait);
  return true;
};

const findRecords = async (
  { client, commandsTable }: ExecuteDependencies,
  { keys = [] }: CommandRequest,
): Promise<readonly CommandRecord[]> => {
  const answers = await Promise.all(
    keys.map(({ streamId, commandId }) =>
      client.send(new GetCommand({ TableName: commandsTable, Key: { streamId, commandId }, ConsistentRead: true })),
    ),
  );
  return answers.flatMap(({ Item }) => (Item ? [CommandRecord.parse(Item)] : []));
};
