import type { AccountId } from '../../events/values.ts';
import type { AccountView } from '../ledger/answer.ts';
import { inParallel } from '../runtime/in-parallel.ts';
import type { Store } from '../store/store.ts';
import type { Commit } from '../store/stream/commit.ts';
import { foldCommits, type ViewChanges } from './fold-commits.ts';
import type { ViewWriter } from './view-writer.ts';

/** What projecting takes: where missed commits are read, and where views are written. */
export interface Projection {
  readonly store: Pick<Store, 'history'>;
  readonly writer: ViewWriter;
}

/** How many accounts are read at once. */
const ACCOUNTS_AT_ONCE = 8;

/**
 * About how many events of an account are folded before they are written. The commits of one delivery are far fewer; views that
 * have to catch up from far behind keep what they have reached.
 */
const EVENTS_AT_ONCE = 1_000;

/**
 * Brings accounts' views up to their latest commits among those given, whatever state the views are in: commits that are in them
 * already are passed over, and those that are missing before the given ones are read from the stream. The commits may come in
 * any order and more than once; the order is that of their versions.
 *
 * What the accounts change is written together, so a transfer whose steps lie in streams of two accounts is written once.
 * @param delivered any commits of each account.
 * @returns the accounts whose views stand still, and why. What their summaries count is complete.
 */
export const projectAccounts = async (
  projection: Projection,
  delivered: ReadonlyMap<AccountId, readonly Commit[]>,
): Promise<ReadonlyMap<AccountId, unknown>> => {
  const failed = new Map<AccountId, unknown>();
  for (let left = [...delivered.keys()]; left.length > 0; ) {
    const portions = new Map<AccountId, Portion>();
    await inParallel(left, ACCOUNTS_AT_ONCE, async (accountId) => {
      try {
        const portion = await nextPortion(projection, accountId, delivered.get(accountId) ?? []);
        if (portion) portions.set(accountId, portion);
      } catch (error) {
        failed.set(accountId, error);
      }
    });
    if (portions.size === 0) break;
    try {
      const changes = left.flatMap((accountId) => portions.get(accountId)?.changes ?? []);
      const moved = await projection.writer.write(changes);
      // Where another run has moved the views on, it went forward: beginning again from there comes to an end.
      left = [...portions].filter(([id, { isLast }]) => !isLast || !moved.has(id)).map(([id]) => id);
    } catch (error) {
      for (const accountId of portions.keys()) failed.set(accountId, error);
      break;
    }
  }
  return failed;
};

/** What comes next of one account's views. */
interface Portion {
  readonly changes: ViewChanges;
  /** Whether it goes up to the latest of the commits that were given. */
  readonly isLast: boolean;
}

/** @returns `undefined` where all of the commits are in the views already: that is never taken from memory. */
const nextPortion = async (
  projection: Projection,
  accountId: AccountId,
  delivered: readonly Commit[],
): Promise<Portion | undefined> => {
  const known = projection.writer.known(accountId);
  const next = known && (await portionAfter(projection, known, delivered));
  return next ?? portionAfter(projection, await projection.writer.summary(accountId), delivered);
};

const portionAfter = async (
  { store }: Projection,
  summary: AccountView | undefined,
  delivered: readonly Commit[],
): Promise<Portion | undefined> => {
  const missing = commitsAfter(store, summary?.version ?? 0, delivered);
  const commits: Commit[] = [];
  let events = 0;
  let isLast = true;
  for await (const commit of missing) {
    isLast = events < EVENTS_AT_ONCE;
    if (!isLast) break;
    commits.push(commit);
    events += commit.count;
  }
  return commits.length > 0 ? { changes: foldCommits(summary, commits), isLast } : undefined;
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

const lastVersion = ({ version, count }: Commit): number => version + count - 1;
