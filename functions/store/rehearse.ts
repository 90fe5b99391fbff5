import * as z from 'zod/mini';
import { AccountId, Amount, Currency, TransferId } from '../../events/values.ts';
import { accountsOf, decide } from '../ledger/account.ts';
import { askUntil, untilAnswered } from '../runtime/patience.ts';
import { isStoreUnavailable } from '../runtime/unavailable.ts';
import type { CommandRequest, CommandResult } from './deciding/command-result.ts';
import { resultOf } from './deciding/command-result.ts';
import type { DecidingDependencies } from './deciding/lane.ts';
import { planFor, type Submission, submissionOf } from './deciding/plan.ts';
import { verdictOf } from './deciding/verdict.ts';
import type { OwnersDependencies } from './owners.ts';
import { timeOfNext } from './stream/append.ts';
import { loadTail } from './stream/read.ts';
import type { Tail } from './stream/tail.ts';
import { findRecord } from './writing/command-record.ts';
import { findTotal } from './writing/reversed-total.ts';

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

const planOn = async (
  dependencies: RehearseDependencies,
  tails: readonly [Tail, ...Tail[]],
  { command, atOnce }: CommandRequest,
  submission: Submission,
  deadline: number,
): Promise<CommandResult | undefined> => {
  const now = dependencies.clock();
  const plan = async (on: readonly Tail[]) => {
    const first = planFor(on, [submission], new Map(), 'rehearsed', now);
    if (first === 'too_large' || !('missing' in first)) return first;
    const ask = askUntil(dependencies, deadline);
    const totals = first.missing.map(async (transferId) => {
      const total = await ask(() => findTotal(dependencies, transferId));
      return [transferId, total] as const;
    });
    return planFor(
      on,
      [submission],
      new Map(),
      'rehearsed',
      now,
      new Map(await Promise.all(totals)),
    );
  };
  const resultOn = async (on: readonly Tail[]): Promise<CommandResult | undefined> => {
    const planned = await plan(on);
    if (planned === 'too_large' || 'missing' in planned) return undefined;
    const [result] = planned.results;
    return result?.outcome === 'not_at_once' ? undefined : result;
  };
  const isOfSeveral = tails.length > 1;
  if (command.type === 'post') return resultOn(tails);
  if (isOfSeveral && command.type === 'reserve' && atOnce) {
    const settled = await resultOn(tails);
    if (settled) return settled;
  }
  const alone = await resultOn(tails.slice(0, 1));
  const refusal =
    alone?.outcome === 'accepted'
      ? await refusalOf(dependencies, alone.answer, tails, deadline)
      : undefined;
  return refusal ?? alone;
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
 * @param answer what the source's part would be answered.
 * @param tails those that are loaded already.
 */
const refusalOf = async (
  dependencies: RehearseDependencies,
  answer: unknown,
  tails: readonly Tail[],
  deadline: number,
): Promise<CommandResult | undefined> => {
  const { success, data } = OnItsWay.safeParse(answer);
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
