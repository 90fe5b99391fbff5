import { type ExpectedWait, learnWait } from '../../runtime/expected-wait.ts';
import type { Tail } from '../stream/tail.ts';

/**
 * What this Lambda environment remembers of hot accounts: those that several commands met on a
 * moment ago. It only chooses the faster way to the same outcome, so it may be wrong, and need not
 * be shared.
 */
export interface HotAccounts {
  has(accountId: string): boolean;
  /**
   * Takes note that a command of an account is being seen to in this environment.
   * @returns to be called when it no longer is.
   */
  enter(accountId: string): () => void;
  /** How many commands of an account are being seen to in this environment now. */
  present(accountId: string): number;
  /**
   * Takes note that `commands` commands were decided on an account at once; some in a row alone
   * mean that it has cooled down.
   */
  met(accountId: string, commands: number): void;
  /**
   * How long a command that queues for an account waits until it is decided: the more it has to do,
   * the longer.
   */
  wait(accountId: string): ExpectedWait;
}

/** How long after a commit of several commands a reader holds its account for hot. */
const HOT_FOR_MS = 1_000;

/**
 * Whether a stream's last commit tells that its account is hot: several commands were decided in it
 * at once, and not long ago. Time is a claim: a commit that is dated ahead of now, by a clock that
 * was, tells nothing of when it was written.
 * @param now in milliseconds since 1970.
 */
export const isHot = ({ batch, at }: Tail, now: number): boolean => {
  const age = at === undefined ? Number.NaN : now - Date.parse(at);
  return batch > 1 && age >= 0 && age < HOT_FOR_MS;
};

/**
 * How long an environment remembers that an account was hot, in milliseconds. Longer than it is
 * believed of a commit: the commands that find themselves alone in the queue correct it.
 */
const REMEMBERED_FOR_MS = 10_000;

/**
 * An account has cooled down when this many commands in a row found themselves alone. One or two
 * mean little: they are frequent on an account that is hot, and a command that then races loses
 * four times of five (measured over HTTP, 100 callers on two accounts).
 */
const ALONE_BEFORE_COLD = 4;

const MOST_REMEMBERED = 1_000;

/** What is expected of the first command, and the bounds of what is believed, in milliseconds. */
const FIRST_WAIT_MS = 60;
const BOUNDS_MS = { shortest: 20, longest: 1_000 };

/** @param clock the time, in milliseconds since 1970. */
export const rememberHotAccounts = (clock: () => number): HotAccounts => {
  const accounts = new Map<
    string,
    { hotUntil: number; alone: number; readonly wait: ExpectedWait }
  >();
  const remembered = (accountId: string) => {
    const account = accounts.get(accountId) ?? {
      hotUntil: 0,
      alone: 0,
      wait: learnWait(FIRST_WAIT_MS, BOUNDS_MS, clock),
    };
    // Deleted first, so that the map's order is that of the last signs and the oldest is the first
    // to be forgotten.
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
      return () => add(accountId, -1);
    },
    present: (accountId) => present.get(accountId) ?? 0,
    has: (accountId) => (accounts.get(accountId)?.hotUntil ?? 0) > clock(),
    met: (accountId, commands) => {
      const account = remembered(accountId);
      account.alone = commands > 1 ? 0 : account.alone + 1;
      if (commands > 1) account.hotUntil = clock() + REMEMBERED_FOR_MS;
      else if (account.alone >= ALONE_BEFORE_COLD) account.hotUntil = 0;
    },
    wait: (accountId) => remembered(accountId).wait,
  };
};
