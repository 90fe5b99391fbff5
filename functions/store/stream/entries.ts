import { type AccountId, Version } from '../../../events/values.ts';
import { balanceBefore, type Entry, entryOf } from '../../ledger/statement.ts';
import { maySucceedLater } from '../../runtime/failure.ts';
import type { Ask } from '../../runtime/patience.ts';
import { type EventsTable, readBackwards, readVersion, tailOf } from './read.ts';

/** A page of an account's statement, newest first. */
export interface EntriesPage {
  readonly entries: readonly Entry[];
  /** The `before` of the page that follows, where there is one. */
  readonly next?: Version;
  /** The version that the stream was at; 0: there is no such account. */
  readonly asOfVersion: number;
}

/**
 * How many commits a page looks at. A transfer's reservation makes no line, so there may be far
 * more commits than lines.
 */
const MOST_COMMITS_A_PAGE = 200;

/**
 * Reads a page of an account's statement from its stream, strongly consistent. No row is kept for
 * it: the commits hold all that a line says but the balance, which the newest commit's snapshot has
 * and which the page walks back from there. So a page is one query, two with a `before`, and one
 * more where the newest commit carries no snapshot.
 * @param ask sends each of the requests.
 * @param page at most `limit` entries, of versions under `before`, which may lie inside a commit.
 *   The page may hold fewer, or none, and still be followed by another: it looks at 200 commits,
 *   and stops before one that it cannot read, with which the next page begins.
 * @throws {Error} where the first commit of the page cannot be read.
 */
export const readEntries = async (
  table: EventsTable,
  ask: Ask,
  accountId: AccountId,
  { limit, before }: { readonly limit: number; readonly before?: Version | undefined },
): Promise<EntriesPage> => {
  // A list that grows must not change the pages that follow, but they still say how far it is.
  const version = before === undefined ? undefined : readVersion(table, ask, accountId);
  const [page, asOfVersion] = await Promise.all([
    pageBefore(table, ask, accountId, limit, before ?? Number.MAX_SAFE_INTEGER),
    version,
  ]);
  const { newest, ...found } = page;
  return { ...found, asOfVersion: asOfVersion ?? newest };
};

const pageBefore = async (
  table: EventsTable,
  ask: Ask,
  accountId: AccountId,
  limit: number,
  before: number,
) => {
  const commits = readBackwards(table, ask, accountId, {
    notAfter: before - 1,
    // Of a transfer out, one of two commits makes a line.
    pageSize: Math.min(2 * limit + 10, MOST_COMMITS_A_PAGE),
  });
  const entries: Entry[] = [];
  let [newest, reached, looked] = [0, before, 0];
  let balance: Entry['balanceAfter'] | undefined;
  const followed = () => ({ entries, next: Version.parse(reached), newest });
  try {
    for await (const commit of commits) {
      newest ||= commit.version + commit.count - 1;
      balance ??= (await tailOf(table, ask, commit)).account?.balance;
      if (balance === undefined) throw new Error(`stream ${accountId} has a commit and no account`);
      for (const event of commit.events.toReversed()) {
        const entry = event.version < before && entryOf(accountId, event, balance);
        if (entry && entries.length === limit) return followed();
        if (entry) entries.push(entry);
        balance = balanceBefore(event, balance);
        if (event.version < before) reached = event.version;
      }
      looked += 1;
      // Before an account's first commit there is nothing.
      if (commit.version === 1) break;
      if (looked === MOST_COMMITS_A_PAGE) return followed();
    }
  } catch (error) {
    if (looked === 0 || maySucceedLater(error)) throw error;
    return followed();
  }
  return { entries, newest };
};
