import { rowName } from './view-writer.ts';

/** How views may differ from the streams. */
export type DifferenceKind = 'missing' | 'different' | 'extra';

/** The key of a row. */
export interface RowKey {
  readonly pk: string;
  readonly sk: string;
}

/** What was looked at, and what was found. */
export interface Tally {
  /** Commits of the streams, and rows of the views. */
  readonly commits: number;
  readonly rows: number;
  /**
   * Rows that events ask for and that are not there: a transfer's counts once for each of the two
   * streams, if both have a step of it.
   */
  readonly missing: number;
  /** Rows that do not say what their events say. */
  readonly different: number;
  /** Rows that follow from no event, or are of an older version of the projection. */
  readonly extra: number;
  /** Commits that cannot be read: what follows from them is not known. */
  readonly unreadable: number;
  /** Accounts that were asked for and that there are not. */
  readonly unknown: number;
}

/** Counts what a call looked at, and keeps some of what it found. */
export interface Findings {
  looked(at: 'commits' | 'rows', count: number): void;
  found(kind: DifferenceKind, key: RowKey): void;
  /** Counts a commit once, however many rows come from it. */
  unreadable(commit: string, error: unknown): void;
  unknown(accountId: string): void;
  tally(): Tally;
  examples(): readonly string[];
}

/** How many examples one call names. */
const MOST_EXAMPLES = 20;

/** @param log told of each commit that cannot be read. */
export const createFindings = (
  log: (message: string, context: { readonly commit: string; readonly error: unknown }) => void,
): Findings => {
  const counts = {
    ...{ commits: 0, rows: 0, missing: 0, different: 0, extra: 0 },
    ...{ unreadable: 0, unknown: 0 },
  };
  const told = new Set<string>();
  const named: string[] = [];
  const name = (what: string) => {
    if (named.length < MOST_EXAMPLES) named.push(what);
  };
  return {
    looked: (at, count) => {
      counts[at] += count;
    },
    found: (kind, key) => {
      counts[kind] += 1;
      name(`${kind}: ${rowName(key)}`);
    },
    unreadable: (commit, error) => {
      if (told.has(commit)) return;
      told.add(commit);
      counts.unreadable += 1;
      name(`unreadable: ${commit}`);
      log('a commit cannot be read, and what follows from it is left as it is', { commit, error });
    },
    unknown: (accountId) => {
      counts.unknown += 1;
      name(`unknown: there is no account ${accountId}`);
    },
    tally: () => ({ ...counts }),
    examples: () => named,
  };
};
