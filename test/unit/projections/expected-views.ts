import type { AccountId } from '../../../events/values.ts';
import { type Account, evolve } from '../../../functions/ledger/account.ts';
import { Transfer } from '../../../functions/ledger/transfer.ts';
import type { Commit } from '../../../functions/store/stream/commit.ts';
import type { AccountRow } from '../../../functions/views/account-rows.ts';
import { sorted, type ViewContents } from './memory-views.ts';

/**
 * What the views must hold once the streams are drained, said in another way than the projection
 * says it: over whole streams at once.
 * @param commits all there are, those of one account in order.
 */
export const expectedViews = (commits: readonly Commit[]): ViewContents => {
  const accounts = new Map<AccountId, Account>();
  const rows: AccountRow[] = [];
  const transfers: Transfer[] = [];
  for (const { streamId: accountId, events } of commits) {
    for (const event of events) {
      const account = evolve(accounts.get(accountId), event);
      accounts.set(accountId, account);
      if (event.type === 'AccountOpened') {
        rows.push({ accountId, owner: account.owner, openedAt: account.openedAt });
      }
      const { transferId } = 'transferId' in event.data ? event.data : {};
      const isBegun =
        event.type === 'MoneyReserved' ||
        event.type === 'MoneyHeld' ||
        (event.type === 'MoneyWithdrawn' && event.data.counterpartyVersion !== undefined);
      if (transferId && isBegun)
        transfers.push(transferFrom(accountId, transferId, account.currency, commits));
    }
  }
  const pointers = transfers.flatMap(({ transferId, from, to, requestedAt, reverses }) => [
    ...[from, to].map((id) => `account#${id} transfer#${requestedAt}#${transferId}#${from}`),
    ...(reverses ? [`transfer#${reverses} reversal#${requestedAt}#${transferId}#${from}`] : []),
  ]);
  return {
    accounts: sorted(rows, ({ accountId }) => accountId),
    transfers: sorted(transfers, ({ transferId, from }) => `${transferId} ${from}`),
    pointers: pointers.sort(),
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
  const held = own.find(({ type }) => type === 'MoneyHeld');
  const captured = own.find(({ type }) => type === 'HoldCaptured');
  const reserved = captured ?? own.find(({ type }) => type === 'MoneyReserved');
  const begun = held ?? reserved;
  const credited = about.find(
    ({ type, data }) => type === 'MoneyDeposited' && data.counterparty === from,
  );
  const settled = own.find(({ type }) => type === 'MoneyWithdrawn');
  const released = own.find(
    ({ type, data }) => type === 'ReservationCancelled' && data.reason !== undefined,
  );
  const steps = Object.entries({ held, reserved, credited, settled, released }).flatMap(
    ([step, event]) =>
      event ? [{ step, accountId: event.streamId, version: event.version, at: event.at }] : [],
  );
  const terms =
    begun?.type === 'MoneyReserved' || begun?.type === 'MoneyHeld'
      ? begun.data
      : settled?.type === 'MoneyWithdrawn'
        ? { ...settled.data, to: settled.data.counterparty }
        : undefined;
  if (!terms) throw new Error(`${transferId} was never begun on ${from}`);
  const { to, amount, reference, metadata } = terms;
  const ended = settled ?? released;
  return Transfer.parse({
    transferId,
    from,
    to,
    amount: captured?.type === 'HoldCaptured' ? captured.data.amount : amount,
    currency,
    ...(metadata === undefined ? {} : { metadata }),
    ...(begun?.type === 'MoneyHeld'
      ? { heldAmount: begun.data.amount, expiresAt: begun.data.expiresAt }
      : {}),
    ...(begun?.type === 'MoneyReserved' && begun.data.reverses !== undefined
      ? { reverses: begun.data.reverses }
      : {}),
    status: steps.at(-1)?.step,
    ...(reference === undefined ? {} : { reference }),
    ...(released?.type === 'ReservationCancelled' ? { reason: released.data.reason } : {}),
    requestedAt: (begun ?? settled)?.at,
    ...(ended ? { endedAt: ended.at } : {}),
    steps,
  });
};
