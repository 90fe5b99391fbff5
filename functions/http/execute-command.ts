import type { MetricName, Telemetry } from '../runtime/telemetry.ts';
import type { CommandRequest, CommandResult } from '../store/deciding/command-result.ts';
import type { Store } from '../store/store.ts';
import type { Precondition } from './request/if-match.ts';

/** A command as a client sent it, short of the version that only `If-Match` can ask for. */
export type ClientCommand = Omit<CommandRequest, 'expectedVersions'>;

/**
 * Has a client's command decided, and counts what became of it.
 * @param store decides the command.
 * @param request the command, its keys, its sender.
 * @param telemetry counts the outcome.
 * @param ifMatch the client's `If-Match`. `*` asks for an existing account, which every command on
 *   one needs anyway.
 * @returns what became of it. A precondition that never holds is a `version_mismatch`, unless the
 *   command was decided before.
 */
export const executeCommand = async (
  store: Pick<Store, 'execute'>,
  request: ClientCommand,
  { count }: Pick<Telemetry, 'count'>,
  ifMatch: Precondition | undefined,
): Promise<CommandResult> => {
  const expectedVersions = ifMatch === 'exists' ? undefined : ifMatch;
  const result = await store.execute({ ...request, expectedVersions });
  const replayed = 'replayed' in result && result.replayed;
  count(replayed ? 'CommandReplayed' : COUNTED_AS[result.outcome], 1);
  return result;
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
