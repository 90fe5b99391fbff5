import type { RecordedEvent } from '../../events/event.ts';
import type { AccountId } from '../../events/values.ts';
import { type AccountView, accountView, evolveSummary } from '../ledger/account.ts';
import { type Entry, entryOf } from '../ledger/statement.ts';
import type { Commit, CommittedEvent } from '../store/stream/commit.ts';
import type { TransferChange } from '../views/transfer-row.ts';

/** What some commits of one account change in the views. */
export interface ViewChanges {
  /** The version of the summary that they follow; 0: there was none. */
  readonly follows: number;
  readonly summary: AccountView;
  readonly entries: readonly Entry[];
  /** One per transfer, however many of its steps the commits hold. */
  readonly transfers: readonly TransferChange[];
}

/**
 * Folds commits into the views of their account. Pure: the same commits after the same summary
 * change the same rows in the same way, so callers may repeat it, and divide the commits among
 * calls as they like.
 * @param before the account's summary; `undefined` where its views do not exist yet.
 * @param commits at least one, in order, the first of them the one that follows the summary.
 * @throws {Error} where a version is missing or repeated, or an event cannot follow: nothing may be
 *   written then.
 */
export const foldCommits = (
  before: AccountView | undefined,
  commits: readonly Commit[],
): ViewChanges => {
  let summary = before;
  const entries: Entry[] = [];
  const transfers = new Map<string, TransferChange>();
  for (const commit of commits) {
    for (const event of commit.events) {
      summary = follow(commit.streamId, summary, event);
      const entry = entryOf(commit.streamId, event, summary.balance);
      if (entry) entries.push(entry);
      const change = transferChange(commit.streamId, event, summary);
      if (change) {
        const key = `${change.transferId}/${change.from}`;
        transfers.set(key, { ...transfers.get(key), ...change });
      }
    }
  }
  if (!summary) throw new Error('there is nothing to fold');
  return { follows: before?.version ?? 0, summary, entries, transfers: [...transfers.values()] };
};

/** The summary after one more event. */
const follow = (
  accountId: AccountId,
  summary: AccountView | undefined,
  event: RecordedEvent,
): AccountView => {
  const expected = (summary?.version ?? 0) + 1;
  if (event.version !== expected) {
    throw new Error(
      `the views of ${accountId} need version ${expected} next, not ${event.version}`,
    );
  }
  return accountView(accountId, evolveSummary(summary, event), event.version);
};

const transferChange = (
  accountId: AccountId,
  event: CommittedEvent,
  { currency }: AccountView,
): TransferChange | undefined => {
  const step = { accountId, version: event.version, at: event.at };
  switch (event.type) {
    case 'MoneyReserved': {
      const { correlationId, actor } = event.origin;
      return { ...event.data, currency, from: accountId, correlationId, actor, reserved: step };
    }
    case 'MoneyDeposited': {
      const { transferId, counterparty } = event.data;
      return transferId && counterparty
        ? { transferId, from: counterparty, credited: step }
        : undefined;
    }
    case 'MoneyWithdrawn': {
      const { transferId } = event.data;
      return transferId ? { transferId, from: accountId, settled: step } : undefined;
    }
    case 'ReservationCancelled': {
      const { transferId, reason } = event.data;
      return reason === undefined
        ? undefined
        : { transferId, from: accountId, released: { ...step, reason } };
    }
    case 'AccountOpened':
      return undefined;
  }
};
