import type { AccountId } from '../../events/values.ts';
import { accountsOf } from '../ledger/account.ts';
import { askUntil } from '../runtime/patience.ts';
import { isStoreUnavailable } from '../runtime/unavailable.ts';
import type { CommandRequest, CommandResult } from './deciding/command-result.ts';
import { resultOf } from './deciding/command-result.ts';
import { recordedUnder } from './deciding/further-keys.ts';
import type { Race } from './deciding/lane.ts';
import { type Submission, submissionOf } from './deciding/plan.ts';
import type { Verdict } from './deciding/verdict.ts';
import type { OwnersDependencies } from './owners.ts';
import { isHot } from './queueing/hot-accounts.ts';
import { pendingOutcome, type QueueDependencies, queue } from './queueing/queue.ts';
import { loadTail } from './stream/read.ts';
import type { Tail } from './stream/tail.ts';

/**
 * What deciding takes besides the tables: all that varies between a Lambda, a test and a
 * simulation.
 */
export interface ExecuteDependencies extends QueueDependencies, OwnersDependencies {
  /** How long one command may take before it is answered as undecided, in milliseconds. */
  readonly budget: number;
  /**
   * Whether commands queue for a hot account; if not, they race until they win or the time is up.
   */
  readonly queueing: boolean;
}

/** Races after whose loss a command queues: the account is hot. */
const LOSSES_BEFORE_QUEUE = 2;

/**
 * This many commands of one account in one environment begin to race together, however hot the
 * account is: a lost race costs all of them one request, and going another way costs each of them a
 * transaction. They race on until the requests of the lost races come to as many.
 */
const ENOUGH_FOR_A_LANE = 4;

/**
 * However many race together: by then others win all the time, and each lost race costs the
 * partitions its write units too.
 */
const MOST_LOSSES = 6;

/**
 * Decides a command on its account as it stands and appends its events, once: in the account's
 * lane, together with the others that are there. Where the account is hot and few of its commands
 * are in this environment, it queues instead.
 *
 * A command that may be carried out at once on several accounts is, in one transaction, where
 * nobody is in its way: none of the accounts refuses, is throttled, is hot, has its own lane busy, or
 * has many of its commands decided together elsewhere, and not too many races are lost. Otherwise it is
 * decided on its account alone. Both ways write the same
 * records under the same conditions, so no command goes both.
 *
 * A command that is only for an account's owner is asked after its account first: where that is
 * another's or not there, nothing else is done. What is read for it is what deciding reads anyway.
 * @param dependencies the tables, the lanes, and all that varies.
 * @param request the command, its keys, the versions it may be decided at, and its sender.
 * @returns what became of it. Only an `accepted` command has changed anything.
 * @throws {Error} where the stream cannot be read, or DynamoDB refuses the request itself, and no
 *   record tells. The refused request wrote nothing; whether an earlier one with an unknown result
 *   did, only a key can tell.
 */
export const execute = async (
  dependencies: ExecuteDependencies,
  request: CommandRequest,
): Promise<CommandResult> => {
  const { clock, budget, hot, lanes } = dependencies;
  const submission = submissionOf(dependencies, request);
  const { accountId } = request.command;
  const deadline = clock() + budget;
  const mayQueue = dependencies.queueing && canQueue(request);
  /** Whether few commands of the account are in this environment now. */
  const areFew = () => hot.present(accountId) < ENOUGH_FOR_A_LANE;
  let lost = 0;
  const hasToQueue = ({ tails: [tail], losses, present }: Race) => {
    if (!mayQueue) return false;
    lost = losses;
    if (losses > 0) return hasLostTooMany(losses, present);
    if (!areFew() || !tail || !isHot(tail, clock())) return false;
    hot.met(accountId, tail.batch);
    return true;
  };
  const leave = hot.enter(accountId);
  try {
    if (request.command.type === 'post')
      return await decidePosting(dependencies, submission, deadline);
    // Without a key nothing would keep what was done at once from being done again.
    const mayBeAtOnce = request.atOnce && submission.keys.length > 0;
    const accounts = mayBeAtOnce ? accountsOf(request.command) : [accountId];
    const read = isAnybodys(dependencies, request)
      ? undefined
      : await readForOwner(dependencies, request, accounts, deadline);
    if (read === 'not_theirs') return { outcome: read };
    const atOnce = mayBeAtOnce
      ? await decideAtOnce(dependencies, submission, accounts, read, deadline - budget / 2)
      : OTHERWISE;
    if (atOnce?.kind !== 'outraced')
      return await resultFor(dependencies, submission, atOnce, deadline);
    const inQueue = () => queue(dependencies, submission, deadline, request.elsewhere);
    const isKnownHot = (hot.has(accountId) && areFew()) || hot.isContended(accountId, 'alone');
    if (mayQueue && isKnownHot) return await inQueue();
    // What another way has learnt since is newer than what was read first.
    const tails = atOnce.tail ? { tail: atOnce.tail } : { read: read?.slice(0, 1) };
    const options = { deadline, ...tails, mayLeave: hasToQueue };
    const areMany = !areFew();
    const verdict = (await lanes.decide([accountId], [submission], options)).get(submission);
    if (areMany && verdict?.kind === 'outraced') hot.raced(accountId, 'alone', false);
    if (lost === 0 && verdict?.kind !== 'outraced') hot.raced(accountId, 'alone', true);
    return verdict?.kind === 'outraced'
      ? await inQueue()
      : await resultFor(dependencies, submission, verdict, deadline);
  } catch (error) {
    if (isStoreUnavailable(error)) return { outcome: 'undecided', reason: error.reason };
    throw error;
  } finally {
    leave();
  }
};

const OTHERWISE: Verdict = { kind: 'outraced' };

/** Whether nothing has to be asked of whose a command's account is: then it enters its lane at once. */
const isAnybodys = (
  { owners }: ExecuteDependencies,
  { command: { accountId }, onlyFor }: CommandRequest,
): boolean => onlyFor === undefined || owners.areKnown(accountId, onlyFor);

/**
 * Reads the accounts of a command that is for an account's owner alone.
 * @param accounts the account that it is for first.
 * @returns the streams, in order; `not_theirs` where the account belongs to somebody else, or to
 *   nobody.
 */
const readForOwner = async (
  dependencies: ExecuteDependencies,
  { onlyFor }: CommandRequest,
  accounts: readonly AccountId[],
  deadline: number,
): Promise<readonly Tail[] | 'not_theirs'> => {
  const ask = askUntil(dependencies, deadline);
  const tails = await Promise.all(accounts.map((id) => loadTail(dependencies, ask, id)));
  const [own] = tails;
  return own && onlyFor && dependencies.owners.tell(own, onlyFor) ? tails : 'not_theirs';
};

/** The races a command may lose: see {@link ENOUGH_FOR_A_LANE}. */
const hasLostTooMany = (losses: number, present: number): boolean =>
  losses >= (present < ENOUGH_FOR_A_LANE ? LOSSES_BEFORE_QUEUE : Math.min(present, MOST_LOSSES));

/**
 * Has a command decided on all its accounts at once, unless something is in its way.
 * @param read their streams, where they were read for it already.
 * @param deadline in milliseconds since 1970: what is undecided by then, and not written, has time
 *   left to be decided on its account alone, whose DynamoDB partition may be in better health.
 * @returns its verdict; `outraced` where it is to be decided on its account alone.
 */
const decideAtOnce = async (
  { lanes, hot, clock }: ExecuteDependencies,
  submission: Submission,
  accounts: readonly AccountId[],
  read: readonly Tail[] | undefined,
  deadline: number,
): Promise<Verdict | undefined> => {
  const isInTheWay = (id: AccountId) =>
    lanes.isBusy(id) ||
    hot.isContended(id, 'at once') ||
    (hot.has(id) && hot.present(id) < ENOUGH_FOR_A_LANE);
  if (accounts.length < 2 || accounts.some(isInTheWay)) return OTHERWISE;
  const leave = accounts.slice(1).map(hot.enter);
  let lost = 0;
  let areMany = false;
  const lostFor = countLosses(accounts);
  /** Others decide many of its commands together: they would win. */
  const isCrowdedElsewhere = (tail: Tail) =>
    tail.batch >= ENOUGH_FOR_A_LANE && isHot(tail, clock()) && !hot.metHere(tail.streamId);
  const mayLeave = ({ tails, losses, present }: Race) => {
    lostFor.look(tails, losses > lost);
    lost = losses;
    areMany = present >= ENOUGH_FOR_A_LANE;
    if (losses > 0) return hasLostTooMany(losses, present);
    const crowded = tails.find(isCrowdedElsewhere);
    if (crowded) hot.met(crowded.streamId, crowded.batch);
    return crowded !== undefined;
  };
  // The lane has its accounts in their own order.
  const inOrder = read?.toSorted((one, other) => (one.streamId < other.streamId ? -1 : 1));
  const options = { deadline, read: inOrder, mayLeave };
  const verdicts = await lanes.decide(accounts, [submission], options).finally(() => {
    for (const left of leave) left();
  });
  const verdict = verdicts.get(submission);
  if (verdict?.kind === 'undecided' && verdict.reason !== 'unknown') return OTHERWISE;
  const isDecided = verdict?.kind === 'decided';
  const hasWon = isDecided && lost === 0;
  // Many share the price of a lost race, and may well win the next one.
  const hasLost = lost > 0 && !(isDecided && areMany);
  const source = submission.command.accountId;
  if (hasWon) {
    for (const id of accounts) hot.raced(id, 'at once', true);
    hot.raced(source, 'alone', true);
  }
  if (hasLost) for (const id of lostFor.suspected()) hot.raced(id, 'at once', false);
  // It would go on to lose races for the same account alone.
  if (hasLost && !areMany && lostFor.times(source) >= LOSSES_BEFORE_QUEUE)
    hot.raced(source, 'alone', false);
  return verdict;
};

/**
 * Counts for which of several accounts races were lost: the stream that has gone on was in the way.
 * Where none is known to have, as after a conflict with another transaction, any of them may have been.
 */
const countLosses = (accounts: readonly AccountId[]) => {
  const known = new Map<AccountId, number>();
  const suspected = new Set<AccountId>();
  let seen: readonly Tail[] = [];
  const hasMoved = ({ streamId, version }: Tail) =>
    seen.some((before) => before.streamId === streamId && before.version < version);
  return {
    /** Takes note of how the streams stand, and whether a race was lost since. */
    look: (tails: readonly Tail[], isLoss: boolean) => {
      const moved = tails.filter(hasMoved).map(({ streamId }) => streamId);
      seen = tails;
      if (!isLoss) return;
      for (const id of moved.length > 0 ? moved : accounts) suspected.add(id);
      for (const id of moved) known.set(id, (known.get(id) ?? 0) + 1);
    },
    /** All that may have been in the way. */
    suspected: () => suspected,
    /** How often an account is known to have been. */
    times: (accountId: AccountId) => known.get(accountId) ?? 0,
  };
};

/** Races after whose loss a posting gives way to those who meet on its accounts. */
const MOST_LOSSES_OF_A_POSTING = 8;

/**
 * Has a posting decided on all its accounts. It has no other way to go: where its accounts are too
 * hot, its sender hears that nothing was done.
 */
const decidePosting = async (
  dependencies: ExecuteDependencies,
  submission: Submission,
  deadline: number,
): Promise<CommandResult> => {
  const mayLeave = ({ losses }: Race) => losses >= MOST_LOSSES_OF_A_POSTING;
  const accounts = accountsOf(submission.command);
  const verdicts = await dependencies.lanes.decide(accounts, [submission], { deadline, mayLeave });
  return resultFor(dependencies, submission, verdicts.get(submission), deadline);
};

/**
 * A command with `If-Match` depends on the version at which it would win a race.
 */
const canQueue = ({ command, expectedVersions }: CommandRequest): boolean =>
  !NEVER_QUEUED.has(command.type) && expectedVersions === undefined;

/**
 * Nobody meets on an account that is not opened yet; a description goes out of date; what an operator
 * does is rare enough to race; and a posting is of several accounts.
 */
const NEVER_QUEUED: ReadonlySet<string> = new Set([
  'open',
  'amend',
  'freeze',
  'unfreeze',
  'close',
  'post',
]);

/**
 * What the sender of a command hears of its verdict.
 * @param deadline until when to wait for a pending command, in milliseconds since 1970.
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
