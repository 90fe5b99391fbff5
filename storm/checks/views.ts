import type { AccountId } from '../../events/values.ts';
import { readAccountRow } from '../../functions/views/account-rows.ts';
import { isPointer, positionAt } from '../../functions/views/pointer-row.ts';
import { readTransferRow, transferOf } from '../../functions/views/transfer-row.ts';
import type { LedgerDatabase } from '../../testing/ledger-database.ts';
import type { Environment } from '../environments.ts';
import { type Remains, scan } from '../remains.ts';
import type { Report } from '../violation.ts';
import type { History } from './decisions.ts';
import { isSame } from './streams.ts';

/** The views are the fold of the streams. */
export const checkViews = async (
  { streams, events }: Remains,
  histories: ReadonlyMap<AccountId, History>,
  observer: Environment,
  { tables }: LedgerDatabase,
  report: Report,
): Promise<void> => {
  const rows = await scan(observer, tables.views);

  const accounts = new Map(
    rows
      .filter(({ sk }) => sk === 'account')
      .map(readAccountRow)
      .map((row) => [row.accountId, row]),
  );
  for (const accountId of streams.keys()) {
    const account = histories.get(accountId)?.at(-1);
    if (!account) continue;
    const { owner, openedAt } = account;
    const expected = { accountId, owner, openedAt };
    const row = accounts.get(accountId);
    if (!isSame(row, expected)) report('an account has its row', { expected, row });
  }

  const pointers = new Set<string>(
    rows.filter(isPointer).map((item) => `${item['pk']} ${positionAt(item)}`),
  );
  const transfers = new Map(
    rows
      .filter(({ sk }) => String(sk).startsWith('from#'))
      .flatMap((row) => readTransferRow(row) ?? [])
      .map((row) => [`${row.transferId} ${row.from}`, row]),
  );
  for (const event of events) {
    const { type, accountId: from, data } = event;
    const isAtOnce = type === 'MoneyWithdrawn' && data.counterpartyVersion !== undefined;
    const isBegun = type === 'MoneyReserved' || type === 'MoneyHeld' || isAtOnce;
    if (!isBegun || !data.transferId) continue;
    const { transferId } = data;
    const isSettled = events.some(
      (other) =>
        other.type === 'MoneyWithdrawn' &&
        other.accountId === from &&
        other.data.transferId === transferId,
    );
    const expected = isSettled ? 'settled' : 'released';
    const row = transfers.get(`${transferId} ${from}`);
    const status = row && transferOf(row).status;
    if (status !== expected)
      report('a transfer’s view is what became of it', { transferId, status, expected });
    transfers.delete(`${transferId} ${from}`);
    for (const accountId of row ? [row.from, row.to] : []) {
      const place = `account#${accountId} ${event.at}#${transferId}#${from}`;
      if (!pointers.delete(place)) report('a transfer is in the lists of its accounts', { place });
    }
    if (type === 'MoneyReserved' && data.reverses !== undefined) {
      const place = `transfer#${data.reverses} ${event.at}#${transferId}#${from}`;
      if (!pointers.delete(place)) report('a transfer shows what takes it back', { place });
    }
  }
  if (transfers.size > 0) report('no transfer is of nothing', { transfers: [...transfers.keys()] });
  if (pointers.size > 0) report('no list shows nothing', { pointers: [...pointers] });
  const open = rows.filter(({ openShard }) => openShard !== undefined);
  if (open.length > 0) report('a transfer that has ended is not open', { open });
};
