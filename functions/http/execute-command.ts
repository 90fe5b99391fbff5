import type { MetricName, Telemetry } from '../runtime/telemetry.ts';
import type { CommandRequest, CommandResult } from '../store/deciding/command-result.ts';
import type { Store } from '../store/store.ts';
import type { Sender } from './chain/http-handler.ts';
import type { Precondition } from './request/if-match.ts';

/** A command as a client sent it, short of the version that only `If-Match` can ask for. */
export type ClientCommand = Omit<CommandRequest, 'expectedVersions'>;

/**
 * Has a client's command decided, and counts what became of it; or, for a dry run, has it rehearsed,
 * which counts as nothing.
 * @param store decides the command.
 * @param request the command, its keys, its sender.
 * @param sender whose telemetry counts the outcome.
 * @param ifMatch the client's `If-Match`. `*` asks for an existing account, which every command on
 *   one needs anyway.
 * @returns what became of it. A precondition that never holds is a `version_mismatch`, unless the
 *   command was decided before.
 */
export const executeCommand = async (
  store: Pick<Store, 'execute' | 'rehearse'>,
  request: ClientCommand,
  { telemetry: { count }, isDryRun }: Pick<Sender, 'telemetry' | 'isDryRun'>,
  ifMatch: Precondition | undefined,
): Promise<CommandResult> => {
  const expectedVersions = ifMatch === 'exists' ? undefined : ifMatch;
  if (isDryRun) return store.rehearse({ ...request, expectedVersions });
  const result = await store.execute({ ...request, expectedVersions });
  countOutcome(result, count);
  return result;
};

/** Counts what became of a client's command. */
export const countOutcome = (result: CommandResult, count: Telemetry['count']): void => {
  const replayed = 'replayed' in result && result.replayed;
  count(replayed ? 'CommandReplayed' : COUNTED_AS[result.outcome], 1);
};

const COUNTED_AS = {
  accepted: 'CommandAccepted',
  rejected: 'CommandRejected',
  version_mismatch: 'CommandVersionMismatch',
  not_theirs: 'CommandNotTheirs',
  key_reused: 'CommandKeyReused',
  pending: 'CommandPending',
  in_progress: 'CommandInProgress',
  undecided: 'CommandUndecided',
} as const satisfies Record<CommandResult['outcome'], MetricName>;
