import { available } from '../../functions/ledger/account.ts';
import { verifyStream } from '../../testing/verify-stream.ts';
import type { Environment } from '../environments.ts';
import { isAtOnce, type Remains } from '../remains.ts';
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
      const areAtOnce = caused.every((event) => isAtOnce({ ...event, accountId: streamId }));
      const write = areAtOnce ? `${writeId} in ${streamId}` : writeId;
      const other = writes.get(write);
      if (other) report('a write is written once', { writeId, places: [other, place] });
      writes.set(write, place);
      for (const event of caused) {
        const { origin } = event;
        // The deposit of a transfer at once: the withdrawal is in the other stream.
        if (event.type === 'MoneyDeposited' && event.data.counterpartyVersion !== undefined)
          continue;
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

  let outside = 0;
  for (const { type, data } of events) {
    if (type === 'MoneyDeposited' && data.transferId === undefined) outside += data.amount;
    if (type === 'MoneyWithdrawn' && data.transferId === undefined) outside -= data.amount;
  }
  if (outside !== balances)
    report('money is neither lost nor made', { balances, fromOutside: outside });
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
