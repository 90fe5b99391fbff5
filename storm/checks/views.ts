import type { AccountId } from '../../events/values.ts';
import { accountView } from '../../functions/ledger/account.ts';
import { entryOf } from '../../functions/ledger/statement.ts';
import { readEntry, readSummary } from '../../functions/views/account-rows.ts';
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
  const kind = (prefix: string) => rows.filter(({ sk }) => String(sk).startsWith(prefix));

  const summaries = new Map(
    kind('summary')
      .map(readSummary)
      .map((summary) => [summary.accountId, summary]),
  );
  for (const [accountId, commits] of streams) {
    const last = commits.at(-1)?.events.at(-1);
    const account = histories.get(accountId)?.at(-1);
    if (!last || !account) continue;
    const expected = accountView(accountId, account, last.version);
    const summary = summaries.get(accountId);
    if (!isSame(summary, expected))
      report('an account’s view is the fold of its stream', { expected, summary });
  }

  const entries = new Map(
    kind('entry#')
      .map(readEntry)
      .map((entry) => [entry.entryId, entry]),
  );
  for (const { accountId, ...event } of events) {
    const account = histories.get(accountId)?.[event.version];
    const expected = account && entryOf(accountId, event, account.balance);
    if (!expected) continue;
    const entry = entries.get(expected.entryId);
    if (!isSame(entry, expected)) report('every movement has its entry', { expected, entry });
    entries.delete(expected.entryId);
  }
  if (entries.size > 0) report('no entry is of nothing', { entries: [...entries.keys()] });

  const transfers = kind('from#')
    .flatMap((row) => readTransferRow(row) ?? [])
    .map(transferOf);
  const statuses = new Map(
    transfers.map(({ transferId, from, status }) => [`${transferId} ${from}`, status]),
  );
  for (const event of events) {
    if (event.type !== 'MoneyReserved') continue;
    const { transferId } = event.data;
    const isSettled = events.some(
      ({ type, accountId, data }) =>
        type === 'MoneyWithdrawn' &&
        accountId === event.accountId &&
        data.transferId === transferId,
    );
    const status = statuses.get(`${transferId} ${event.accountId}`);
    const expected = isSettled ? 'settled' : 'released';
    if (status !== expected)
      report('a transfer’s view is what became of it', { transferId, status, expected });
  }
};
