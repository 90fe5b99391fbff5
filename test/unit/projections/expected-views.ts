import type { AccountId } from '../../../events/values.ts';
import {
  type Account,
  type AccountView,
  accountView,
  evolve,
} from '../../../functions/ledger/account.ts';
import { type Entry, entryOf } from '../../../functions/ledger/statement.ts';
import { Transfer } from '../../../functions/ledger/transfer.ts';
import type { Commit } from '../../../functions/store/stream/commit.ts';
import { sorted, type ViewContents } from './memory-views.ts';

/**
 * What the views must hold once the streams are drained, said in another way than the projection
 * says it: the ledger's own fold, over whole streams at once.
 * @param commits all there are, those of one account in order.
 */
export const expectedViews = (commits: readonly Commit[]): ViewContents => {
  const accounts = new Map<AccountId, Account>();
  const summaries = new Map<AccountId, AccountView>();
  const entries: Entry[] = [];
  const transfers: Transfer[] = [];
  for (const { streamId: accountId, events } of commits) {
    for (const event of events) {
      const account = evolve(accounts.get(accountId), event);
      accounts.set(accountId, account);
      summaries.set(accountId, accountView(accountId, account, event.version));
      const entry = entryOf(accountId, event, account.balance);
      if (entry) entries.push(entry);
      if (event.type === 'MoneyReserved') {
        transfers.push(transferFrom(accountId, event.data.transferId, account.currency, commits));
      }
    }
  }
  return {
    summaries: sorted(summaries.values(), ({ accountId }) => accountId),
    entries: sorted(entries, ({ entryId }) => entryId),
    transfers: sorted(transfers, ({ transferId, from }) => `${transferId} ${from}`),
  };
};

const transferFrom = (
  from: AccountId,
  transferId: string,
  currency: Transfer['currency'],
  commits: readonly Commit[],
): Transfer => {
  const events = commits.flatMap(({ streamId, events }) =>
    events.map((event) => ({ ...event, streamId })),
  );
  const about = events.filter(
    (event) => 'transferId' in event.data && event.data.transferId === transferId,
  );
  const own = about.filter(({ streamId }) => streamId === from);
  const reserved = own.find(({ type }) => type === 'MoneyReserved');
  if (reserved?.type !== 'MoneyReserved')
    throw new Error(`${transferId} was never reserved on ${from}`);
  const credited = about.find(
    ({ type, data }) => type === 'MoneyDeposited' && data.counterparty === from,
  );
  const settled = own.find(({ type }) => type === 'MoneyWithdrawn');
  const released = own.find(
    ({ type, data }) => type === 'ReservationCancelled' && data.reason !== undefined,
  );
  const steps = Object.entries({ reserved, credited, settled, released }).flatMap(
    ([step, event]) =>
      event ? [{ step, accountId: event.streamId, version: event.version, at: event.at }] : [],
  );
  const { to, amount, reference } = reserved.data;
  const ended = settled ?? released;
  return Transfer.parse({
    transferId,
    from,
    to,
    amount,
    currency,
    status: steps.at(-1)?.step,
    ...(reference === undefined ? {} : { reference }),
    ...(released?.type === 'ReservationCancelled' ? { reason: released.data.reason } : {}),
    requestedAt: reserved.at,
    ...(ended ? { endedAt: ended.at } : {}),
    steps,
  });
};
