import { type AccountId, type MinorUnits, sum } from '../../../events/values.ts';
import { type Entry, entryOf } from '../../ledger/statement.ts';
import type { Store } from '../../store/store.ts';
import type { CommittedEvent } from '../../store/stream/commit.ts';

/** How many commits a page looks at: a reservation makes no line. */
const MOST_COMMITS_A_PAGE = 5_000;

/** Fewer are not worth a request. */
const FEWEST_COMMITS_A_REQUEST = 25;

/** Some lines of a statement, oldest first. */
export interface Lines {
  readonly entries: readonly Entry[];
  /** The version of the last event that was looked at: the next page begins after it. */
  readonly reached: number;
}

/** Which lines to read. */
interface Wanted {
  /** The version before the first event. */
  readonly after: number;
  /** The version of the last event. */
  readonly until: number;
  /** The balance before the first event, in minor units. */
  readonly balance: MinorUnits;
  readonly limit: number;
}

/**
 * Reads lines from the stream, one page of it at a time, so that the memory it takes does not grow
 * with the account.
 */
export const readLines = async (
  store: Pick<Store, 'history'>,
  accountId: AccountId,
  { after, until, balance, limit }: Wanted,
): Promise<Lines> => {
  const entries: Entry[] = [];
  let [reached, looked, balanceAfter] = [after, 0, balance];
  while (reached < until && entries.length < limit && looked < MOST_COMMITS_A_PAGE) {
    // No more is read than there is room for: most commits make one line.
    const pageSize = Math.max(limit - entries.length, FEWEST_COMMITS_A_REQUEST);
    let left = pageSize;
    for await (const { events } of store.history(accountId, {
      from: reached + 1,
      to: until,
      pageSize,
    })) {
      for (const event of events) {
        if (event.version <= reached || event.version > until) continue;
        if (entries.length === limit && movesMoney(event)) return { entries, reached };
        balanceAfter = moved(event, balanceAfter);
        const entry = entryOf(accountId, event, balanceAfter);
        if (entry) entries.push(entry);
        reached = event.version;
      }
      looked += 1;
      left -= 1;
      if (left === 0) break;
    }
  }
  return { entries, reached };
};

const movesMoney = ({ type }: CommittedEvent): boolean =>
  type === 'MoneyDeposited' || type === 'MoneyWithdrawn';

const moved = (event: CommittedEvent, balance: MinorUnits): MinorUnits => {
  if (event.type !== 'MoneyDeposited' && event.type !== 'MoneyWithdrawn') return balance;
  const { amount } = event.data;
  const after = sum(balance, event.type === 'MoneyDeposited' ? amount : -amount);
  if (after === undefined)
    throw new Error(`the balance after event ${event.version} leaves the safe range`);
  return after;
};
