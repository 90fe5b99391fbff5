import type { AccountId } from '../../events/values.ts';
import type { CommandRequest, CommandResult } from './deciding/command-result.ts';
import { submissionOf } from './deciding/plan.ts';
import { type ExecuteDependencies, resultFor } from './execute.ts';
import type { Tail } from './stream/tail.ts';

/**
 * Decides commands of one account that came together, in order, each once: in one commit with all
 * their records, as far as a transaction holds them. So many commands of an account race for it as
 * one writer.
 * @param dependencies the tables, and all that varies.
 * @param accountId the account.
 * @param requests the commands.
 * @param tail the account's stream as it was a moment ago, where that is known: it saves a read.
 * @returns what became of each, in order. An accepted command stays accepted whatever became of the
 *   others.
 * @throws {Error} where a request is not for this account, or all of them failed: the stream cannot
 *   be read, or DynamoDB refuses.
 */
export const executeTogether = async (
  dependencies: ExecuteDependencies,
  accountId: AccountId,
  requests: readonly CommandRequest[],
  tail?: Tail,
): Promise<readonly CommandResult[]> => {
  if (tail && tail.streamId !== accountId)
    throw new Error(`the tail of ${tail.streamId} is not one of ${accountId}`);
  for (const { command } of requests) {
    if (command.accountId === accountId) continue;
    throw new Error(
      `a ${command.type} on ${command.accountId} cannot be decided together with others on ${accountId}`,
    );
  }
  const deadline = dependencies.clock() + dependencies.budget;
  const submissions = requests.map((request) => submissionOf(dependencies, request));
  const verdicts = await dependencies.lanes.decide([accountId], submissions, { deadline, tail });
  const all = submissions.map((submission) => verdicts.get(submission));
  if (all.every((verdict) => verdict?.kind === 'failed')) for (const { error } of all) throw error;
  return Promise.all(
    submissions.map((submission, index): Promise<CommandResult> | CommandResult => {
      const verdict = all[index];
      if (verdict?.kind !== 'failed') return resultFor(dependencies, submission, verdict, deadline);
      const reason = verdict.mayHaveLanded ? 'unknown' : 'unavailable';
      return { outcome: 'undecided', reason, cause: verdict.error };
    }),
  );
};
