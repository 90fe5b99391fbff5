import { type ExpectedWait, learnWait } from '../../runtime/expected-wait.ts';
import type { Tail } from '../stream/tail.ts';

/**
 * What this Lambda environment remembers of hot accounts, on which several commands met a moment
 * ago. It only chooses the faster way to the same outcome, so it may be wrong, and need not be
 * shared.
 */
export interface HotAccounts {
  has(accountId: string): boolean;
  /**
   * Takes note that this environment is working on a command of an account.
   * @returns a function to call when that work has ended.
   */
  enter(accountId: string): () => void;
  /** How many commands of an account this environment is working on now. */
  present(accountId: string): number;
  /**
   * Whether commands of an account met here a moment ago: then a commit that decided several may be
   * this environment's own.
   */
  metHere(accountId: string): boolean;
  /**
   * Takes note that `commands` commands were decided on an account at once; several in a row that
   * were alone mean that it has cooled down.
   */
  met(accountId: string, commands: number): void;
  /**
   * Takes note of how a race for an account went.
   * @param way the races that it tells something of: those of commands on this account alone, or of
   *   commands on several accounts at once, this one among them. Who lost twice at once for one account
   *   would lose alone for it, and who won at once would win alone.
   * @param hasWon whether it won at the first try, or lost races.
   */
  raced(accountId: string, way: Way, hasWon: boolean): void;
  /** Whether commands lost such races a moment ago: others should not enter them now. */
  isContended(accountId: string, way: Way): boolean;
  /**
   * How long a command that queues for an account waits for its decision: the busier the account,
   * the longer.
   */
  wait(accountId: string): ExpectedWait;
}

/** For how long after a commit of several commands a reader takes the account for hot. */
const HOT_FOR_MS = 1_000;

/**
 * Whether a stream's last commit tells that its account is hot: it decided several commands at
 * once, and not long ago. Time is a claim: a commit that a fast clock has dated ahead of now tells
 * nothing of when it was written.
 * @param now in milliseconds since 1970.
 */
export const isHot = ({ batch, at }: Tail, now: number): boolean => {
  const age = at === undefined ? Number.NaN : now - Date.parse(at);
  return batch > 1 && age >= 0 && age < HOT_FOR_MS;
};

/**
 * How long an environment remembers that an account was hot, in milliseconds. That is longer than a
 * commit counts as a sign: commands that find themselves alone in the queue correct the memory.
 */
const REMEMBERED_FOR_MS = 10_000;

/**
 * An account has cooled down when this many commands in a row found themselves alone. One or two
 * mean little: a hot account often has them, and a command that then races loses four times of five
 * (measured over HTTP, 100 callers on two accounts).
 */
const ALONE_BEFORE_COLD = 4;

/** On how many accounts a command is decided. */
type Way = 'alone' | 'at once';

/**
 * For how long commands do not race after one has lost, in milliseconds: eight times as long after
 * each further one, and half as long after one that has won. So a moment's meeting costs little, and
 * an account on which fewer than three of four win is left to those who decide its commands
 * together: each who wins alone there makes their batch lose.
 */
const CONTENDED_FOR_MS = { first: 100, longest: 10_000 };
const LONGER_AFTER_LOSS = 8;

const MOST_REMEMBERED = 1_000;

/** The wait expected of the first command, and the bounds of later ones, in milliseconds. */
const FIRST_WAIT_MS = 60;
const BOUNDS_MS = { shortest: 20, longest: 2_000 };

/** @param clock the time, in milliseconds since 1970. */
export const rememberHotAccounts = (clock: () => number): HotAccounts => {
  const accounts = new Map<
    string,
    {
      hotUntil: number;
      alone: number;
      metHereAt: number;
      readonly contended: Record<Way, { until: number; length: number }>;
      readonly wait: ExpectedWait;
    }
  >();
  const remembered = (accountId: string) => {
    const account = accounts.get(accountId) ?? {
      hotUntil: 0,
      alone: 0,
      metHereAt: Number.NEGATIVE_INFINITY,
      contended: { alone: { until: 0, length: 0 }, 'at once': { until: 0, length: 0 } },
      wait: learnWait(FIRST_WAIT_MS, BOUNDS_MS, clock),
    };
    // Deleted first, so that the map is ordered by the last sign and the oldest is forgotten first.
    accounts.delete(accountId);
    accounts.set(accountId, account);
    const [oldest] = accounts.keys();
    if (accounts.size > MOST_REMEMBERED && oldest !== undefined) accounts.delete(oldest);
    return account;
  };
  const present = new Map<string, number>();
  const add = (accountId: string, more: 1 | -1) => {
    const left = (present.get(accountId) ?? 0) + more;
    if (left > 0) present.set(accountId, left);
    else present.delete(accountId);
  };
  return {
    enter: (accountId) => {
      add(accountId, 1);
      if ((present.get(accountId) ?? 0) > 1) remembered(accountId).metHereAt = clock();
      return () => add(accountId, -1);
    },
    metHere: (accountId) =>
      clock() - (accounts.get(accountId)?.metHereAt ?? Number.NEGATIVE_INFINITY) < HOT_FOR_MS,
    present: (accountId) => present.get(accountId) ?? 0,
    has: (accountId) => (accounts.get(accountId)?.hotUntil ?? 0) > clock(),
    met: (accountId, commands) => {
      const account = remembered(accountId);
      account.alone = commands > 1 ? 0 : account.alone + 1;
      if (commands > 1) account.hotUntil = clock() + REMEMBERED_FOR_MS;
      else if (account.alone >= ALONE_BEFORE_COLD) account.hotUntil = 0;
    },
    raced: (accountId, way, hasWon) => {
      if (hasWon && !accounts.has(accountId)) return;
      const contended = remembered(accountId).contended[way];
      // All commands of a lane leave the same race.
      if (!hasWon && contended.until > clock()) return;
      const { first, longest } = CONTENDED_FOR_MS;
      if (hasWon) {
        contended.length = contended.length > first ? contended.length / 2 : 0;
        return;
      }
      const longer = Math.max(first, contended.length * LONGER_AFTER_LOSS);
      contended.length = Math.min(longest, longer);
      contended.until = clock() + contended.length;
    },
    isContended: (accountId, way) => (accounts.get(accountId)?.contended[way].until ?? 0) > clock(),
    wait: (accountId) => remembered(accountId).wait,
  };
};
