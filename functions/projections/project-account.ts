import type { AccountId } from '../../events/values.ts';
import type { Commit } from '../store/commit.ts';
import type { Store } from '../store/store.ts';
import { foldCommits } from './fold-commits.ts';
import type { ViewWriter } from './view-writer.ts';

/** What projecting takes: where missed commits are read, and where views are written. */
export interface Projection {
  readonly store: Pick<Store, 'history'>;
  readonly writer: ViewWriter;
}

/**
 * About how many events are folded before they are written. The commits of one delivery are far fewer; views that have
 * to catch up from far behind keep what they have reached.
 */
const EVENTS_AT_ONCE = 1_000;

/**
 * Brings an account's views up to its latest commit among those given, whatever state the views are in: commits that
 * are in them already are passed over, and those that are missing before the given ones are read from the stream. The
 * commits may come in any order and more than once; the order is that of their versions.
 * @param accountId whose commits they are.
 * @param delivered any commits of that account.
 * @throws {Error} where the stream cannot be read or the views cannot be written. What the summary counts is complete.
 */
export const projectAccount = async (
  projection: Projection,
  accountId: AccountId,
  delivered: readonly Commit[],
): Promise<void> => {
  const { store, writer } = projection;
  let summary = await writer.summary(accountId);
  const missing = commitsAfter(store, summary?.version ?? 0, delivered);
  for await (const commits of inPortions(missing)) {
    const changes = foldCommits(summary, commits);
    // Another run has moved the views on. It went forward, so beginning again from where they are now comes to an end.
    if (!(await writer.write(changes))) return projectAccount(projection, accountId, delivered);
    summary = changes.summary;
  }
};

async function* commitsAfter(
  store: Pick<Store, 'history'>,
  version: number,
  delivered: readonly Commit[],
): AsyncGenerator<Commit> {
  let reached = version;
  for (const commit of delivered.toSorted((a, b) => a.version - b.version)) {
    if (lastVersion(commit) <= reached) continue;
    if (commit.version > reached + 1) {
      yield* store.history(commit.streamId, { from: reached + 1, to: commit.version - 1 });
    }
    yield commit;
    reached = lastVersion(commit);
  }
}

async function* inPortions(commits: AsyncIterable<Commit>): AsyncGenerator<readonly Commit[]> {
  let portion: Commit[] = [];
  let events = 0;
  for await (const commit of commits) {
    portion.push(commit);
    events += commit.count;
    if (events < EVENTS_AT_ONCE) continue;
    yield portion;
    portion = [];
    events = 0;
  }
  if (portion.length > 0) yield portion;
}

const lastVersion = ({ version, count }: Commit): number => version + count - 1;
