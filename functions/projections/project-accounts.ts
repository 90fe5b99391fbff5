import type { AccountId } from '../../events/values.ts';
import type { AccountView } from '../ledger/account.ts';
import { maySucceedLater } from '../runtime/failure.ts';
import { inParallel } from '../runtime/in-parallel.ts';
import { StoreUnavailable } from '../runtime/unavailable.ts';
import type { Store } from '../store/store.ts';
import type { Commit } from '../store/stream/commit.ts';
import { isUnreadableRow } from '../views/row.ts';
import { foldCommits, type ViewChanges } from './fold-commits.ts';
import type { ViewWriter } from './view-writer.ts';

/**
 * What projecting takes: the streams to read missed commits from, the writer of the views, and the
 * time, in milliseconds since 1970.
 */
export interface Projection {
  readonly store: Pick<Store, 'history'>;
  readonly writer: ViewWriter;
  readonly clock: () => number;
}

/** Why an account's views stand still, and whether the same may succeed another time. */
export interface Standstill {
  readonly error: unknown;
  /**
   * `false`: this code cannot read or follow the account's stream or its summary, however often it
   * tries.
   */
  readonly maySucceedLater: boolean;
}

/** How many accounts are read at once. */
const ACCOUNTS_AT_ONCE = 8;

/**
 * About how many events of an account are folded before a write. One delivery holds far fewer;
 * views that catch up from far behind keep what they have reached.
 */
const EVENTS_AT_ONCE = 1_000;

/**
 * Brings accounts' views up to the latest of the given commits, whatever state the views are in: it
 * passes over commits that the views have already, and reads those missing before the given ones
 * from the stream. The commits may come in any order and more than once; their versions give the
 * order.
 *
 * All accounts' changes are written together, so a transfer whose steps lie in two accounts'
 * streams is written once. An account stops before a commit that cannot be read; its earlier
 * commits are written.
 * @param delivered commits of any accounts.
 * @param deadline in milliseconds since 1970: views that have not caught up by then stand still,
 *   and may be projected later.
 * @returns the accounts whose views stand still, and why. All that their summaries count is there.
 */
export const projectAccounts = async (
  projection: Projection,
  delivered: ReadonlyMap<AccountId, readonly Commit[]>,
  deadline: number,
): Promise<ReadonlyMap<AccountId, Standstill>> => {
  const failed = new Map<AccountId, Standstill>();
  for (let left = [...delivered.keys()]; left.length > 0; ) {
    const portions = new Map<AccountId, Portion>();
    await inParallel(left, ACCOUNTS_AT_ONCE, async (accountId) => {
      try {
        const portion = await nextPortion(
          projection,
          accountId,
          delivered.get(accountId) ?? [],
          deadline,
        );
        if (portion) portions.set(accountId, portion);
      } catch (error) {
        failed.set(accountId, {
          error,
          maySucceedLater: !isUnprojectable(error) && !isUnreadableRow(error),
        });
      }
    });
    if (portions.size === 0) break;
    try {
      const changes = left.flatMap((accountId) => portions.get(accountId)?.changes ?? []);
      const moved = await projection.writer.write(changes, deadline);
      // Another run may have moved the views on, but only forward, so beginning again comes to an
      // end.
      left = [...portions]
        .filter(([id, { isLast }]) => !isLast || !moved.has(id))
        .map(([id]) => id);
    } catch (error) {
      for (const accountId of portions.keys())
        failed.set(accountId, { error, maySucceedLater: true });
      break;
    }
  }
  return failed;
};

/** This code cannot read or fold an account's commits, and never will. */
class Unprojectable extends Error {
  override readonly name = 'Unprojectable';

  constructor(accountId: AccountId, cause: unknown) {
    super(`the stream of ${accountId} cannot be projected`, { cause });
  }
}

const isUnprojectable = (error: unknown): error is Unprojectable => error instanceof Unprojectable;

/** The next changes of one account's views. */
export interface Portion {
  readonly changes: ViewChanges;
  /** Whether nothing more is known to come. */
  readonly isLast: boolean;
}

/**
 * @returns `undefined` where the stored views, not only this environment's memory, have all of the
 *   commits.
 */
const nextPortion = async (
  projection: Projection,
  accountId: AccountId,
  delivered: readonly Commit[],
  deadline: number,
): Promise<Portion | undefined> => {
  const after = (summary: AccountView | undefined) =>
    portionOf(
      projection,
      accountId,
      summary,
      commitsAfter(projection.store, summary?.version ?? 0, delivered),
      deadline,
    );
  const known = projection.writer.known(accountId);
  const next = known && (await after(known));
  return next ?? after(await projection.writer.summary(accountId, deadline));
};

/**
 * Folds as many commits as one write takes.
 * @param summary the account's, which the commits follow.
 * @param missing the commits that follow it.
 * @returns `undefined` where there are none.
 * @throws {Unprojectable} where the first of them cannot be read, or some cannot be folded.
 * @throws whatever reading the stream throws that may succeed later, and {StoreUnavailable} where
 *   the time is up.
 */
export const portionOf = async (
  { clock }: Pick<Projection, 'clock'>,
  accountId: AccountId,
  summary: AccountView | undefined,
  missing: AsyncIterable<Commit>,
  deadline: number,
): Promise<Portion | undefined> => {
  const inTime = () => {
    if (clock() >= deadline)
      throw new StoreUnavailable('unavailable', new Error('the time for projecting is up'));
  };
  const commits: Commit[] = [];
  let events = 0;
  let isLast = true;
  inTime();
  try {
    for await (const commit of missing) {
      inTime();
      isLast = events < EVENTS_AT_ONCE;
      if (!isLast) break;
      commits.push(commit);
      events += commit.count;
    }
  } catch (error) {
    if (maySucceedLater(error)) throw error;
    if (commits.length === 0) throw new Unprojectable(accountId, error);
    // The commits before it are written; the next portion begins with it, and throws.
    isLast = false;
  }
  if (commits.length === 0) return undefined;
  try {
    return { changes: foldCommits(summary, commits), isLast };
  } catch (error) {
    throw new Unprojectable(accountId, error);
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

const lastVersion = ({ version, count }: Commit): number => version + count - 1;
