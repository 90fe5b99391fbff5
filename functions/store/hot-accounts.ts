import { type ExpectedWait, learnWait } from './expected-wait.ts';

/**
 * What this Lambda environment remembers of hot accounts: those that several commands met on a moment ago. It only chooses the
 * faster way to the same outcome, so it may be wrong, and need not be shared.
 */
export interface HotAccounts {
  has(accountId: string): boolean;
  /** Takes note that `commands` commands were decided on an account at once; one alone means that it has cooled down. */
  met(accountId: string, commands: number): void;
  /** How long a queued command waits until it is decided. */
  readonly wait: ExpectedWait;
}

/** How long after a commit of several commands its account is held for hot by who reads it, in milliseconds. */
export const HOT_FOR = 1_000;

/**
 * How long an environment remembers that an account was hot, in milliseconds. Longer than it is believed of a commit: the
 * first command that finds itself alone in the queue corrects it.
 */
const REMEMBERED_FOR = 10_000;

const MOST_REMEMBERED = 1_000;

/** @param clock the time, in milliseconds since 1970. */
export const rememberHotAccounts = (clock: () => number): HotAccounts => {
  const until = new Map<string, number>();
  return {
    has: (accountId) => (until.get(accountId) ?? 0) > clock(),
    met: (accountId, commands) => {
      // Deleted first, so that the map's order is that of the last signs and the oldest is the first to be forgotten.
      until.delete(accountId);
      if (commands > 1) until.set(accountId, clock() + REMEMBERED_FOR);
      const [oldest] = until.keys();
      if (until.size > MOST_REMEMBERED && oldest !== undefined) until.delete(oldest);
    },
    wait: learnWait(60, { shortest: 20, longest: 1_000 }),
  };
};
