import type { AccountId } from '../../events/values.ts';
import { askUntil } from '../runtime/patience.ts';
import { isStoreUnavailable } from '../runtime/unavailable.ts';
import type { CommandRequest, CommandResult } from './deciding/command-result.ts';
import { resultOf } from './deciding/command-result.ts';
import { decideTogether, type Verdict } from './deciding/decide-together.ts';
import { recordedUnder } from './deciding/further-keys.ts';
import { type Submission, submissionOf } from './deciding/plan.ts';
import { isHot } from './queueing/hot-accounts.ts';
import { pendingOutcome, type QueueDependencies, queue } from './queueing/queue.ts';
import { loadTail } from './stream/read.ts';
import type { Tail } from './stream/tail.ts';

/**
 * What deciding takes besides the tables. All that varies between a Lambda, a test and a simulation
 * is here.
 */
export interface ExecuteDependencies extends QueueDependencies {
  /** How long one command may take before it is given up as undecided, in milliseconds. */
  readonly budget: number;
  /**
   * Whether commands queue for a hot account; without, they race until they win or the time is up.
   */
  readonly queueing: boolean;
}

/** Races after whose loss a command queues: the account is hot. */
const LOSSES_BEFORE_QUEUE = 2;

/**
 * Decides a command on its account as it stands and appends what follows, once: load the tail,
 * decide, append with the command's records; lose the race, decide again after the winner; lose
 * again, queue.
 * @param dependencies the tables, and all that varies.
 * @param request the command, its keys, what version it may be decided at, and who asks.
 * @returns what became of it. Only an `accepted` command has changed anything.
 * @throws {Error} where the stream cannot be read, or DynamoDB refuses the request itself, and no
 *   record tells. Nothing was written by the request that was refused; of an earlier one, whose
 *   result was unknown, only a key can tell.
 */
export const execute = async (
  dependencies: ExecuteDependencies,
  request: CommandRequest,
): Promise<CommandResult> => {
  const submission = submissionOf(dependencies, request);
  const { accountId } = request.command;
  const deadline = dependencies.clock() + dependencies.budget;
  const mayQueue = dependencies.queueing && canQueue(request);
  const inQueue = () => queue(dependencies, submission, deadline, request.elsewhere);
  try {
    if (mayQueue && dependencies.hot.has(accountId)) return await inQueue();
    const tail = await readableTail(dependencies, accountId, deadline);
    if (mayQueue && tail && isHot(tail, dependencies.clock())) {
      dependencies.hot.met(accountId, tail.batch);
      return await inQueue();
    }
    const mostLosses = mayQueue ? LOSSES_BEFORE_QUEUE : undefined;
    const options = { deadline, tail, isFresh: tail !== undefined, mostLosses };
    const verdict = (await decideTogether(dependencies, accountId, [submission], options)).get(
      submission,
    );
    return verdict?.kind === 'outraced'
      ? await inQueue()
      : await resultFor(dependencies, submission, verdict, deadline);
  } catch (error) {
    if (isStoreUnavailable(error)) return { outcome: 'undecided', reason: error.reason };
    throw error;
  }
};

/**
 * @returns `undefined` where the stream cannot be read by this code: deciding ends there too, but
 * asks the records before.
 */
const readableTail = async (
  dependencies: QueueDependencies,
  accountId: AccountId,
  deadline: number,
): Promise<Tail | undefined> => {
  try {
    return await loadTail(dependencies, askUntil(dependencies, deadline), accountId);
  } catch (error) {
    if (isStoreUnavailable(error)) throw error;
    return undefined;
  }
};

/**
 * `If-Match` is about the version that a race would be won at, and nobody meets on an account that
 * is not opened yet.
 */
const canQueue = ({ command, expectedVersions }: CommandRequest): boolean =>
  command.type !== 'open' && expectedVersions === undefined;

/**
 * What the sender of a command hears of its verdict.
 * @param deadline until when a pending one may be waited for, in milliseconds since 1970.
 */
export const resultFor = async (
  dependencies: QueueDependencies,
  submission: Submission,
  verdict: Verdict | undefined,
  deadline: number,
): Promise<CommandResult> => {
  switch (verdict?.kind) {
    case undefined:
      throw new Error(
        `nothing is known of a ${submission.command.type} on ${submission.command.accountId}`,
      );
    case 'decided':
      return verdict.result;
    case 'recorded': {
      const { record } = verdict;
      const inTheWay = await recordedUnder(dependencies, record, submission, new Map(), deadline);
      return inTheWay ?? resultOf(record, true);
    }
    case 'pending':
      return pendingOutcome(dependencies, verdict.record, submission, deadline);
    case 'reused':
      return { outcome: 'key_reused' };
    case 'too_large':
      return { outcome: 'undecided', reason: 'commit_too_large' };
    case 'undecided':
      return { outcome: 'undecided', reason: verdict.reason };
    case 'failed':
      throw verdict.error;
    case 'given_up':
    case 'outraced':
      return { outcome: 'undecided', reason: 'contention' };
  }
};
