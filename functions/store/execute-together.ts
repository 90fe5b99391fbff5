import type { AccountId } from '../../events/values.ts';
import { isStoreUnavailable } from '../runtime/unavailable.ts';
import type { CommandRequest, CommandResult } from './deciding/command-result.ts';
import { decideTogether, type Fate } from './deciding/decide-together.ts';
import { type Asked, askedFor } from './deciding/plan.ts';
import type { ExecuteDependencies } from './execute.ts';
import { recordedOutcome } from './queueing/queue.ts';
import type { Tail } from './stream/tail.ts';

/**
 * Decides commands of one account that came together, in order, each once: in one commit with all their records, as far as a
 * transaction holds them. Whoever brings many commands of an account at once uses this: they race for it as one writer.
 * @param dependencies the tables, and all that varies.
 * @param accountId the account.
 * @param requests the commands, each with at most one key and without an expected version.
 * @param tail the account's stream as it was a moment ago, where that is known: it saves reading it.
 * @returns what became of each, in order. Those that are accepted are so whatever became of the others.
 * @throws {Error} where a request is not for this, the stream cannot be read, or DynamoDB refuses a request itself.
 */
export const executeTogether = async (
  dependencies: ExecuteDependencies,
  accountId: AccountId,
  requests: readonly CommandRequest[],
  tail?: Tail,
): Promise<readonly CommandResult[]> => {
  if (tail && tail.streamId !== accountId) throw new Error(`the tail of ${tail.streamId} is not one of ${accountId}`);
  for (const { command, keys = [], expectedVersion } of requests) {
    if (command.accountId !== accountId || keys.length > 1 || expectedVersion !== undefined) {
      throw new Error(
        `a ${command.type} on ${command.accountId} cannot be decided together with others on ${accountId}`,
      );
    }
  }
  const deadline = dependencies.clock() + dependencies.budget;
  const asked = requests.map((request) => askedFor(dependencies, request));
  const fates = await decideTogether(dependencies, accountId, asked, { waiting: false, tail, deadline });
  return Promise.all(asked.map((command) => resultOf(dependencies, command, fates.get(command), deadline)));
};

const resultOf = async (
  dependencies: ExecuteDependencies,
  asked: Asked,
  fate: Fate | undefined,
  deadline: number,
): Promise<CommandResult> => {
  switch (fate?.kind) {
    case undefined:
      throw new Error(`nothing is known of a ${asked.command.type} on ${asked.command.accountId}`);
    case 'decided':
      return fate.result;
    case 'too_large':
      return { outcome: 'undecided', reason: 'commit_too_large' };
    case 'undecided':
      return { outcome: 'undecided', reason: fate.reason };
    case 'refused': {
      // The key was taken when it was tried and is free again: its holder was given it back, and it may be tried again.
      if (!fate.record) return { outcome: 'undecided', reason: 'contention' };
      try {
        return await recordedOutcome(dependencies, [fate.record], asked, !fate.uncertain, deadline);
      } catch (error) {
        if (isStoreUnavailable(error)) return { outcome: 'undecided', reason: error.reason };
        throw error;
      }
    }
  }
};
