import * as z from 'zod/mini';
import { AccountId, Amount, Currency, TransferId } from '../../events/values.ts';
import { accountsOf, decide } from '../ledger/account.ts';
import { inParallel } from '../runtime/in-parallel.ts';
import { askUntil, untilAnswered } from '../runtime/patience.ts';
import { isStoreUnavailable } from '../runtime/unavailable.ts';
import type { CommandRequest, CommandResult } from './deciding/command-result.ts';
import { resultOf } from './deciding/command-result.ts';
import type { DecidingDependencies } from './deciding/lane.ts';
import { type Plan, planFor, type Submission, submissionOf } from './deciding/plan.ts';
import { verdictOf } from './deciding/verdict.ts';
import type { OwnersDependencies } from './owners.ts';
import { timeOfNext } from './stream/append.ts';
import { loadTail } from './stream/read.ts';
import type { Tail } from './stream/tail.ts';
import { findRecord } from './writing/command-record.ts';
import type { RecordKey } from './writing/record-key.ts';
import { findTotal, type ReversedTotal } from './writing/reversed-total.ts';

/** What rehearsing takes. */
export type RehearseDependencies = DecidingDependencies &
  OwnersDependencies & { readonly budget: number };

/**
 * Decides a command as it would be decided now, and writes nothing: no event, no record, no place in
 * a queue. A key that is taken tells what it was taken for.
 * @param request as for `execute`.
 * @returns what `execute` would return, were nobody in its way: a transfer that may be carried out at
 *   once is settled, another one is reserved. Where its destination could not take it, that is its
 *   rejection: carried out, it would be released for that.
 */
export const rehearse = async (
  dependencies: RehearseDependencies,
  request: CommandRequest,
): Promise<CommandResult> => {
  const deadline = dependencies.clock() + dependencies.budget;
  try {
    return await rehearseUntil(dependencies, request, deadline);
  } catch (error) {
    if (isStoreUnavailable(error)) return { outcome: 'undecided', reason: error.reason };
    throw error;
  }
};

const rehearseUntil = async (
  dependencies: RehearseDependencies,
  request: CommandRequest,
  deadline: number,
): Promise<CommandResult> => {
  const { command, onlyFor } = request;
  const submission = submissionOf(dependencies, request);
  const ask = askUntil(dependencies, deadline);
  const involved = new Set([command.accountId, ...accountsOf(command)]);
  const tails = await Promise.all([...involved].map((id) => loadTail(dependencies, ask, id)));
  const [own, ...others] = tails;
  if (!own) throw new Error('a command is for an account');
  if (onlyFor !== undefined && own.account?.owner !== onlyFor) return { outcome: 'not_theirs' };

  const known = await recorded(dependencies, submission, deadline);
  if (known) return known;
  const planned = await planOn(dependencies, [own, ...others], request, submission, deadline);
  return planned ?? { outcome: 'undecided', reason: 'commit_too_large' };
};

/** What the records under its keys say of a command. */
const recorded = async (
  dependencies: RehearseDependencies,
  submission: Submission,
  deadline: number,
): Promise<CommandResult | undefined> => {
  const find = () => Promise.all(submission.keys.map((key) => findRecord(dependencies, key)));
  const found = await untilAnswered(dependencies, deadline, find);
  const there = found.filter((record) => record !== undefined);
  const verdict = verdictOf(submission, there, new Map());
  switch (verdict?.kind) {
    case 'recorded':
      return resultOf(verdict.record, true);
    case 'pending':
      return { outcome: 'in_progress' };
    case 'reused':
      return { outcome: 'key_reused' };
    case 'undecided':
      return { outcome: 'undecided', reason: verdict.reason };
    default:
      return undefined;
  }
};

/** Plans a command as it would be decided on some streams. @returns `undefined`: it is too large. */
const planOf = async (
  dependencies: RehearseDependencies,
  on: readonly Tail[],
  submission: Submission,
  deadline: number,
): Promise<Plan | undefined> => {
  const plan = (totals?: ReadonlyMap<TransferId, ReversedTotal>) =>
    planFor(on, [submission], new Map(), 'rehearsed', dependencies.clock(), totals);
  let planned = plan();
  if (planned !== 'too_large' && 'missing' in planned) {
    const ask = askUntil(dependencies, deadline);
    const totals = planned.missing.map(async (transferId) => {
      const total = await ask(() => findTotal(dependencies, transferId));
      return [transferId, total] as const;
    });
    planned = plan(new Map(await Promise.all(totals)));
  }
  return planned === 'too_large' || 'missing' in planned ? undefined : planned;
};

/** What becomes of a plan's one command. */
const resultIn = (plan: Plan | undefined): CommandResult | undefined => {
  const [result] = plan?.results ?? [];
  return result?.outcome === 'not_at_once' ? undefined : result;
};

const planOn = async (
  dependencies: RehearseDependencies,
  tails: readonly [Tail, ...Tail[]],
  { command, atOnce }: CommandRequest,
  submission: Submission,
  deadline: number,
): Promise<CommandResult | undefined> => {
  const resultOn = async (on: readonly Tail[]) =>
    resultIn(await planOf(dependencies, on, submission, deadline));
  if (command.type === 'post') return resultOn(tails);
  if (tails.length > 1 && command.type === 'reserve' && atOnce) {
    const settled = await resultOn(tails);
    if (settled) return settled;
  }
  const alone = await resultOn(tails.slice(0, 1));
  return (await refusalOf(dependencies, alone, tails, deadline)) ?? alone;
};

/** How many records are looked up at once. */
const LOOKUPS_AT_ONCE = 16;

/**
 * Decides commands of one account as `executeTogether` would decide them now: in order, each on the
 * account as the one before leaves it. Nothing is written.
 * @param requests commands of that account alone.
 * @returns what `executeTogether` would return, were nobody in its way; of a transfer that its
 *   destination could not take, that is its rejection, and the account is as if it were reserved.
 */
export const rehearseTogether = async (
  dependencies: RehearseDependencies,
  accountId: AccountId,
  requests: readonly CommandRequest[],
): Promise<readonly CommandResult[]> => {
  const deadline = dependencies.clock() + dependencies.budget;
  const submissions = requests.map((request) => submissionOf(dependencies, request));
  const before = new Map<Submission, CommandResult>();
  await inParallel(submissions, LOOKUPS_AT_ONCE, async (submission) => {
    const known = await recorded(dependencies, submission, deadline);
    if (known) before.set(submission, known);
  });
  let tail = await loadTail(dependencies, askUntil(dependencies, deadline), accountId);
  /** What this call would record, by key. */
  const taken = new Map<RecordKey, { readonly fingerprint: string; readonly is: CommandResult }>();
  const results: CommandResult[] = [];
  for (const submission of submissions) {
    const known = before.get(submission) ?? takenBy(submission, taken);
    if (known) {
      results.push(known);
      continue;
    }
    const plan = await planOf(dependencies, [tail], submission, deadline);
    tail = plan?.tails?.[0] ?? tail;
    const decided = resultIn(plan) ?? { outcome: 'undecided', reason: 'commit_too_large' };
    for (const key of submission.keys)
      taken.set(key, { fingerprint: submission.fingerprint, is: decided });
    results.push((await refusalOf(dependencies, decided, [tail], deadline)) ?? decided);
  }
  return results;
};

/** What an earlier command of the same call makes of one that has a key of its. */
const takenBy = (
  { keys, fingerprint }: Submission,
  taken: ReadonlyMap<RecordKey, { readonly fingerprint: string; readonly is: CommandResult }>,
): CommandResult | undefined => {
  const there = keys.flatMap((key) => taken.get(key) ?? []);
  if (there.some((other) => other.fingerprint !== fingerprint)) return { outcome: 'key_reused' };
  const [first] = there;
  return first && ('replayed' in first.is ? { ...first.is, replayed: true } : first.is);
};

/** The answer to a command that sets money aside for a transfer, or has it go on its way. */
const OnItsWay = z.object({
  transferId: TransferId,
  from: AccountId,
  to: AccountId,
  amount: Amount,
  currency: Currency,
  status: z.enum(['held', 'reserved']),
});

/**
 * Why the destination would not take a transfer that the source can pay.
 * @param alone what would become of the source's part.
 * @param tails those that are loaded already.
 */
const refusalOf = async (
  dependencies: RehearseDependencies,
  alone: CommandResult | undefined,
  tails: readonly Tail[],
  deadline: number,
): Promise<CommandResult | undefined> => {
  if (alone?.outcome !== 'accepted') return undefined;
  const { success, data } = OnItsWay.safeParse(alone.answer);
  if (!success) return undefined;
  const { to, status: _, ...credit } = data;
  const destination =
    tails.find(({ streamId }) => streamId === to) ??
    (await loadTail(dependencies, askUntil(dependencies, deadline), to));
  const decision = decide({ type: 'credit', accountId: to, ...credit }, destination.account, {
    at: timeOfNext([destination], dependencies.clock()),
    reversed: 0,
  });
  return decision.outcome === 'rejected'
    ? { outcome: 'rejected', rejection: decision.rejection, replayed: false }
    : undefined;
};
