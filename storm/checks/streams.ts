import { available } from '../../functions/ledger/account.ts';
import { verifyStream } from '../../testing/verify-stream.ts';
import type { Environment } from '../environments.ts';
import { isAtOnce, isLeg, type Remains } from '../remains.ts';
import type { Report } from '../violation.ts';

/** Streams have no gap and no fork, hold no commit twice, and spend no more than there is. */
export const checkStreams = async (
  { streams, events }: Remains,
  observer: Environment,
  report: Report,
): Promise<void> => {
  let balances = 0;
  for (const accountId of streams.keys()) {
    try {
      const { account } = await verifyStream(observer.store, accountId);
      balances += account.balance;
      const current = await observer.store.load(accountId);
      if (!isSame(current.account, account))
        report('a load is the fold of the stream', { accountId });
      if (available(account) !== account.balance) report('nothing stays reserved', { accountId });
    } catch (error) {
      report('a stream verifies', String(error));
    }
  }

  const writes = new Map<string, string>();
  const commands = new Map<string, string>();
  for (const commits of streams.values()) {
    for (const { streamId, version, writeId, events: caused } of commits) {
      const place = `${streamId}/${version}`;
      // A transaction of several streams is one commit in each.
      const areAtOnce = caused.every(
        (event) => isLeg(event) || isAtOnce({ ...event, accountId: streamId }),
      );
      const write = areAtOnce ? `${writeId} in ${streamId}` : writeId;
      const other = writes.get(write);
      if (other) report('a write is written once', { writeId, places: [other, place] });
      writes.set(write, place);
      for (const event of caused) {
        const { origin } = event;
        // The deposit of a transfer at once: the withdrawal is in the other stream.
        if (event.type === 'MoneyDeposited' && event.data.counterpartyVersion !== undefined)
          continue;
        // A posting happens on all its accounts: `checkPostings` holds its legs together.
        if (isLeg(event)) continue;
        const before = commands.get(origin.commandId);
        if (before && before !== place) {
          report('a command happens once', {
            commandId: origin.commandId,
            places: [before, place],
          });
        }
        commands.set(origin.commandId, place);
      }
    }
  }

  checkPostings(streams, report);

  let outside = 0;
  for (const { type, data } of events) {
    if (type !== 'MoneyDeposited' && type !== 'MoneyWithdrawn') continue;
    // Transfers and postings move money between accounts.
    if (data.transferId !== undefined || data.postingId !== undefined) continue;
    outside += type === 'MoneyDeposited' ? data.amount : -data.amount;
  }
  if (outside !== balances)
    report('money is neither lost nor made', { balances, fromOutside: outside });
};

/** The legs of a posting sum to 0, one on each account, and are of one transaction. */
const checkPostings = (streams: Remains['streams'], report: Report): void => {
  const legs = [...streams.values()].flat().flatMap(({ streamId, writeId, events }) =>
    events.flatMap(({ type, data }) => {
      if ((type !== 'MoneyDeposited' && type !== 'MoneyWithdrawn') || !data.postingId) return [];
      const amount = type === 'MoneyDeposited' ? data.amount : -data.amount;
      return [{ postingId: data.postingId, streamId, writeId, amount }];
    }),
  );
  for (const [postingId, of] of Map.groupBy(legs, (leg) => leg.postingId)) {
    const isWhole =
      of.reduce((sum, { amount }) => sum + amount, 0) === 0 &&
      new Set(of.map(({ streamId }) => streamId)).size === of.length &&
      new Set(of.map(({ writeId }) => writeId)).size === 1;
    if (!isWhole)
      report('the legs of a posting are of one transaction, and sum to 0', { postingId, of });
  }
};

/** Whether two values have the same members with the same values, in whatever order. */
export const isSame = (one: unknown, other: unknown): boolean =>
  JSON.stringify(ordered(one)) === JSON.stringify(ordered(other));

const ordered = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(ordered);
  const members = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(
    members.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => [key, ordered(inner)]),
  );
};
