import { pause, untilAnswered } from '../runtime/patience.ts';
import { isStoreUnavailable } from '../runtime/unavailable.ts';
import { findRecord } from './deciding/command-record.ts';
import type { CommandRequest, CommandResult } from './deciding/command-result.ts';
import { type Asked, askedFor, planFor } from './deciding/plan.ts';
import { HOT_FOR } from './queueing/hot-accounts.ts';
import { type QueueDependencies, queue, recordedOutcome } from './queueing/queue.ts';
import { loadTail } from './stream/read.ts';
import { follow, type Tail } from './stream/tail.ts';
import { writeUntilKnown } from './writing/until-known.ts';

/** What deciding takes besides the tables. All that varies between a Lambda, a test and a simulation is here. */
export interface ExecuteDependencies extends QueueDependencies {
  /** How long one command may take before it is given up as undecided, in milliseconds. */
  readonly budget: number;
  /** Whether commands queue for a hot account; without, they race until they win or the time is up. */
  readonly queueing: boolean;
}

/** Who has lost this many races has met a hot account, and queues. */
const LOSSES_BEFORE_QUEUE = 2;

/** Who cannot queue, and has lost this many races in a row, waits a little and reads afresh instead of chasing the winners. */
const LOSSES_BEFORE_BACKOFF = 3;

/**
 * Decides a command on its account as it stands and appends what follows, once:
 * load the tail, decide, append with the command's records; lose the race, decide again after the winner; lose again, queue.
 *
 * A rejection is decided on a tail that was current while this command ran: the one just read, or the commit that has just
 * won the race, which did not exist when the tail was read.
 * @param dependencies the tables, and all that varies.
 * @param request the command, its keys, what version it may be decided at, and who asks.
 * @returns what became of it. Only an `accepted` command has changed anything.
 * @throws {Error} where the stream cannot be read, or DynamoDB refuses the request itself. Nothing was written by the request
 * that was refused; of an earlier one, whose result was unknown, only a key can tell.
 */
export const execute = async (dependencies: ExecuteDependencies, request: CommandRequest): Promise<CommandResult> => {
  const asked = askedFor(dependencies, request);
  const deadline = dependencies.clock() + dependencies.budget;
  try {
    if (dependencies.queueing && mayQueue(request)) {
      if (dependencies.hot.has(request.command.accountId))
        return await queue(dependencies, asked, deadline, request.elsewhere);
    }
    return await race(dependencies, request, asked, deadline);
  } catch (error) {
    if (isStoreUnavailable(error)) return { outcome: 'undecided', reason: error.reason };
    throw error;
  }
};

/**
 * `If-Match` is about the version a race would be won at; nobody meets on an account that is not opened yet; and the few
 * commands under two keys are not worth a pending record under each.
 */
const mayQueue = ({ command, keys = [], expectedVersion }: CommandRequest): boolean =>
  command.type !== 'open' && expectedVersion === undefined && keys.length < 2;

const race = async (
  dependencies: ExecuteDependencies,
  request: CommandRequest,
  asked: Asked,
  deadline: number,
): Promise<CommandResult> => {
  const { expectedVersion, command, keys = [] } = request;
  const queueing = dependencies.queueing && mayQueue(request);
  const load = () => untilAnswered(dependencies, deadline, () => loadTail(dependencies, command.accountId));
  const findRecords = async () => {
    const find = () => Promise.all(keys.map((key) => findRecord(dependencies, key)));
    return (await untilAnswered(dependencies, deadline, find)).filter((record) => record !== undefined);
  };
  // Whether a write of ours may have landed without our hearing of it: what we then find recorded may be our own.
  let uncertain = false;
  let tail = await load();
  if (queueing && isHot(tail, dependencies.clock())) {
    dependencies.hot.met(command.accountId, tail.commands);
    return queue(dependencies, asked, deadline, request.elsewhere);
  }

  for (let losses = 1; ; losses += 1) {
    if (expectedVersion !== undefined && tail.version !== expectedVersion) {
      const found = await findRecords();
      if (found.length > 0) return recordedOutcome(dependencies, found, asked, !uncertain, deadline);
      return { outcome: 'version_mismatch', currentVersion: tail.version };
    }

    const plan = planFor(tail, [asked], asked.origin.commandId, dependencies.clock());
    if (plan === 'too_large') return { outcome: 'undecided', reason: 'commit_too_large' };
    const [outcome] = plan.results;
    if (!outcome) throw new Error('a command was planned without an outcome');
    if (!plan.write) return outcome;

    const written = await writeUntilKnown(dependencies, deadline, plan.write);
    uncertain ||= written.uncertain;
    const { result } = written;
    if (result.kind === 'landed') return outcome;
    if (result.kind !== 'refused') {
      return { outcome: 'undecided', reason: result.kind === 'conflict' ? 'contention' : result.kind };
    }
    // A record comes first: it tells the command's outcome, whoever has taken the commit's place since.
    const { winner, records } = result;
    if (!winner || records.length > 0) {
      return recordedOutcome(dependencies, records, asked, !uncertain, deadline);
    }
    if (winner.commandId === asked.origin.commandId) {
      // Without a key nobody else has this id: an earlier try landed, and the answer to it was lost on the way.
      if (keys.length === 0) return outcome;
      return recordedOutcome(dependencies, await findRecords(), asked, !uncertain, deadline);
    }
    tail = follow(tail, winner);

    if (queueing && losses >= LOSSES_BEFORE_QUEUE) return queue(dependencies, asked, deadline, request.elsewhere);
    if (losses % LOSSES_BEFORE_BACKOFF === 0) {
      if (!(await pause(dependencies, deadline, losses / LOSSES_BEFORE_BACKOFF))) {
        return { outcome: 'undecided', reason: 'contention' };
      }
      tail = await load();
    }
  }
};

/** The last commit tells: several commands were decided in it at once, and not long ago. */
const isHot = ({ commands, at }: Tail, now: number): boolean =>
  commands > 1 && at !== undefined && now - Date.parse(at) < HOT_FOR;
