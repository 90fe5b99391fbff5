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
 * What projecting takes: where missed commits are read, where views are written, and the time, in
 * milliseconds since 1970.
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
   * `false`: the account's stream or its summary cannot be read or followed by this code, however
   * often it is tried.
   */
  readonly maySucceedLater: boolean;
}

/** How many accounts are read at once. */
const ACCOUNTS_AT_ONCE = 8;

/**
 * About how many events of an account are folded before they are written. The commits of one
 * delivery are far fewer; views that have to catch up from far behind keep what they have reached.
 */
const EVENTS_AT_ONCE = 1_000;

/**
 * Brings accounts' views up to their latest commits among those given, whatever state the views are
 * in: commits that are in them already are passed over, and those that are missing before the given
 * ones are read from the stream. The commits may come in any order and more than once; the order is
 * that of their versions.
 *
 * What the accounts change is written together, so a transfer whose steps lie in streams of two
 * accounts is written once. Before a commit that cannot be read, its account stops; what comes
 * before it is written.
 * @param delivered any commits of each account.
 * @param deadline in milliseconds since 1970: what is not projected by then stands still, and may
 *   be projected later.
 * @returns the accounts whose views stand still, and why. What their summaries count is complete.
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
      // Where another run has moved the views on, it went forward: beginning again from there comes
      // to an end.
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

/** The commits of an account cannot be read, or not be folded: they never will be, by this code. */
class Unprojectable extends Error {
  override readonly name = 'Unprojectable';

  constructor(accountId: AccountId, cause: unknown) {
    super(`the stream of ${accountId} cannot be projected`, { cause });
  }
}

const isUnprojectable = (error: unknown): error is Unprojectable => error instanceof Unprojectable;

/** What comes next of one account's views. */
export interface Portion {
  readonly changes: ViewChanges;
  /** Whether nothing more is known to come. */
  readonly isLast: boolean;
}

/**
 * @returns `undefined` where all of the commits are in the views already: that is never taken from
 * memory.
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
 * Folds as many commits as are written at once.
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
    // What comes before it is written; the next portion begins with it, and says so.
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
