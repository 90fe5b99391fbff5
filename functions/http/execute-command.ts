import { MetricUnit } from '@aws-lambda-powertools/metrics';
import type { CommandRequest, CommandResult } from '../store/deciding/command-result.ts';
import type { Store } from '../store/store.ts';
import type { Precondition } from './if-match.ts';
import { metrics } from './observation.ts';

/** A command as a client sent it, short of the version that only `If-Match` can ask for. */
export type ClientCommand = Omit<CommandRequest, 'expectedVersion'>;

/**
 * Has a client's command decided, and counts what became of it.
 * @param store who decides.
 * @param request the command, its keys, who asks.
 * @param ifMatch the client's `If-Match`. `*` asks for an account, which no command on one can do without anyway.
 * @returns what became of it; `version_mismatch` for a precondition that never holds.
 */
export const executeCommand = async (
  store: Pick<Store, 'execute' | 'load'>,
  request: ClientCommand,
  ifMatch: Precondition | undefined,
): Promise<CommandResult> => {
  const result = await decided(store, request, ifMatch);
  const replayed = 'replayed' in result && result.replayed;
  metrics.addMetric(replayed ? 'CommandReplayed' : COUNTED_AS[result.outcome], MetricUnit.Count, 1);
  return result;
};

const COUNTED_AS = {
  accepted: 'CommandAccepted',
  rejected: 'CommandRejected',
  version_mismatch: 'CommandVersionMismatch',
  key_reused: 'CommandKeyReused',
  pending: 'CommandPending',
  in_progress: 'CommandInProgress',
  undecided: 'CommandUndecided',
} as const satisfies Record<CommandResult['outcome'], string>;

const decided = async (
  store: Pick<Store, 'execute' | 'load'>,
  request: ClientCommand,
  ifMatch: Precondition | undefined,
): Promise<CommandResult> => {
  if (ifMatch === 'never') {
    const { version: currentVersion } = await store.load(request.command.accountId);
    return { outcome: 'version_mismatch', currentVersion };
  }
  const expectedVersion = typeof ifMatch === 'object' ? ifMatch.version : undefined;
  return store.execute(expectedVersion === undefined ? request : { ...request, expectedVersion });
};
