import type { AccountId } from '../../events/values.ts';
import type { Commit, CommittedEvent } from '../store/stream/commit.ts';
import type { AccountRow } from '../views/account-rows.ts';
import type { TransferChange } from '../views/transfer-row.ts';

/** What commits change in the views. */
export interface ViewChanges {
  /** The accounts that they open. */
  readonly accounts: readonly AccountRow[];
  /** One per transfer, however many of its steps the commits hold. */
  readonly transfers: readonly TransferChange[];
  /**
   * The names of those that have ended, though the commits do not say how: they are in no index of
   * open ones while their end is not written yet.
   */
  readonly ended?: ReadonlySet<string>;
}

/**
 * Folds commits into what they change in the views. Pure, and free of order: a commit changes the
 * same rows in the same way whatever was folded before it, together with it or twice. So commits
 * may come from any accounts, in any order, divided among calls as the caller likes.
 * @throws {Error} where an event does not say what it must: nothing of its commit may be written
 *   then.
 */
export const foldCommits = (commits: readonly Commit[]): ViewChanges => {
  const accounts = new Map<AccountId, AccountRow>();
  const transfers = new Map<string, TransferChange>();
  for (const { streamId, events } of commits) {
    for (const event of events) {
      if (event.type === 'AccountOpened') {
        const { owner } = event.data;
        accounts.set(streamId, { accountId: streamId, owner, openedAt: event.at });
      }
      const change = transferChange(streamId, event);
      if (!change) continue;
      const name = transferName(change);
      transfers.set(name, { ...transfers.get(name), ...change });
    }
  }
  return { accounts: [...accounts.values()], transfers: [...transfers.values()] };
};

/** The name of a transfer among all: two sources may have chosen the same id. */
export const transferName = ({ transferId, from }: TransferChange): string =>
  `${transferId}/${from}`;

const transferChange = (
  accountId: AccountId,
  event: CommittedEvent,
): TransferChange | undefined => {
  const step = { accountId, version: event.version, at: event.at };
  const { correlationId, actor } = event.origin;
  switch (event.type) {
    case 'MoneyReserved':
      return { ...event.data, from: accountId, correlationId, actor, reserved: step };
    case 'MoneyHeld':
      return { ...event.data, from: accountId, correlationId, actor, held: step };
    case 'HoldCaptured': {
      // Its terms come from the hold, which may be projected later.
      const { transferId, amount } = event.data;
      return { transferId, from: accountId, captured: { ...step, amount } };
    }
    case 'MoneyDeposited': {
      const { transferId, counterparty, counterpartyVersion } = event.data;
      // On the short way the source's event tells all of the transfer, this step too.
      if (!transferId || !counterparty || counterpartyVersion !== undefined) return undefined;
      return { transferId, from: counterparty, credited: step };
    }
    case 'MoneyWithdrawn': {
      const { transferId, counterparty, counterpartyVersion, ...more } = event.data;
      if (!transferId) return undefined;
      const settled = { transferId, from: accountId, settled: step };
      if (counterpartyVersion === undefined) return settled;
      const { postingId: _, currency, ...terms } = more;
      if (!counterparty || !currency)
        throw new Error(`event ${event.version} of ${accountId} does not say all of its transfer`);
      const credited = { accountId: counterparty, version: counterpartyVersion, at: event.at };
      return { ...settled, ...terms, currency, to: counterparty, correlationId, actor, credited };
    }
    case 'ReservationCancelled': {
      const { transferId, reason } = event.data;
      return reason === undefined
        ? undefined
        : { transferId, from: accountId, released: { ...step, reason } };
    }
    default:
      return undefined;
  }
};
