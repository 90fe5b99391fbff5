import type { AccountId, Timestamp } from '../../../events/values.ts';
import { type Account, evolve, initialState } from '../../ledger/account.ts';
import type { Commit, SnapshotVersions } from './commit.ts';

/** A stream as it stands after its last commit: all that a decision and an append need. */
export interface Tail {
  readonly streamId: AccountId;
  /** The version of the last event; 0: there is no such stream. */
  readonly version: number;
  readonly account: Account | undefined;
  /** The time of the last commit. */
  readonly at: Timestamp | undefined;
  /** The last commit's hash; empty before the first. */
  readonly hash: string;
  /** How many commands the last commit decided. More than one: they met, so the account was hot. */
  readonly batch: number;
  /** Where the latest snapshot of each schema is; none: no commit carries one. */
  readonly snapshots: SnapshotVersions;
  /** The bytes of the events since the latest snapshot that this code can read. */
  readonly bytesSinceSnapshot: number;
}

/** The tail of a stream that has no commit yet. */
export const emptyTail = (streamId: AccountId): Tail => ({
  streamId,
  version: 0,
  account: initialState,
  at: undefined,
  hash: '',
  batch: 0,
  snapshots: {},
  bytesSinceSnapshot: 0,
});

/**
 * Follows a stream by one commit.
 * @param tail the stream before it.
 * @param commit the next one.
 * @returns the stream after it.
 * @throws {Error} where the commit is not the next one: the stream has a gap or a fork.
 */
export const follow = (tail: Tail, commit: Commit): Tail => {
  if (commit.version !== tail.version + 1) {
    throw new Error(
      `stream ${tail.streamId}: version ${commit.version} does not follow ${tail.version}`,
    );
  }
  const account =
    commit.snapshot ?? commit.events.reduce<Account | undefined>(evolve, tail.account);
  return {
    ...after(commit),
    account,
    bytesSinceSnapshot: commit.snapshot ? 0 : tail.bytesSinceSnapshot + commit.eventBytes,
  };
};

/** The tail at a commit that carries a snapshot: nothing before it needs to be read. */
export const tailAt = (commit: Commit & { snapshot: Account }): Tail => ({
  ...after(commit),
  account: commit.snapshot,
  bytesSinceSnapshot: 0,
});

/** Whether a commit carries a snapshot that this code can read. */
export const hasSnapshot = (commit: Commit): commit is Commit & { snapshot: Account } =>
  commit.snapshot !== undefined;

const after = (commit: Commit) => ({
  streamId: commit.streamId,
  version: commit.version + commit.count - 1,
  at: commit.at,
  hash: commit.hash,
  batch: commit.batch,
  snapshots: commit.snapshots,
});
