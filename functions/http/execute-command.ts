import type { Version } from '../../events/values.ts';
import type { MetricName, Telemetry } from '../runtime/telemetry.ts';
import type { CommandRequest, CommandResult } from '../store/deciding/command-result.ts';
import type { Store } from '../store/store.ts';
import type { Precondition } from './request/if-match.ts';

/** A command as a client sent it, short of the version that only `If-Match` can ask for. */
export type ClientCommand = Omit<CommandRequest, 'expectedVersion'>;

/**
 * Has a client's command decided, and counts what became of it.
 * @param store who decides.
 * @param request the command, its keys, who asks.
 * @param telemetry where it is counted.
 * @param ifMatch the client's `If-Match`. `*` asks for an account, which no command on one can do without anyway.
 * @returns what became of it. A precondition that never holds is a `version_mismatch`, unless the command was decided before.
 */
export const executeCommand = async (
  store: Pick<Store, 'execute'>,
  request: ClientCommand,
  { count }: Pick<Telemetry, 'count'>,
  ifMatch: Precondition | undefined,
): Promise<CommandResult> => {
  const isFree = ifMatch === undefined || ifMatch === 'exists';
  const result = await (isFree ? store.execute(request) : executeAt(store, request, ifMatch));
  const replayed = 'replayed' in result && result.replayed;
  count(replayed ? 'CommandReplayed' : COUNTED_AS[result.outcome], 1);
  return result;
};

/** A command is decided at one version: of several that the client allows, the one that the account is found to be at. */
const executeAt = async (
  store: Pick<Store, 'execute'>,
  request: ClientCommand,
  versions: readonly Version[],
): Promise<CommandResult> => {
  // An account's version only grows, so each is tried once at the most.
  for (let expectedVersion: Version | 'never' = versions[0] ?? 'never'; ; ) {
    const result = await store.execute({ ...request, expectedVersion });
    const found =
      result.outcome === 'version_mismatch' && versions.find((version) => version === result.currentVersion);
    if (!found) return result;
    expectedVersion = found;
  }
};

const COUNTED_AS = {
  accepted: 'CommandAccepted',
  rejected: 'CommandRejected',
  version_mismatch: 'CommandVersionMismatch',
  key_reused: 'CommandKeyReused',
  pending: 'CommandPending',
  in_progress: 'CommandInProgress',
  undecided: 'CommandUndecided',
} as const satisfies Record<CommandResult['outcome'], MetricName>;
