import { hold } from './rule.ts';
import type { SoundStream } from './streams.ts';

/**
 * The legs of a posting sum to 0, stand on different accounts, and were written by one transaction.
 * @throws {AuditFailure} naming the first posting that breaks a rule.
 */
export const holdPostings = (
  streams: readonly Pick<SoundStream, 'streamId' | 'events' | 'writeIdOf'>[],
): void => {
  const legs = streams.flatMap(({ streamId, events, writeIdOf }) =>
    events.flatMap(({ type, data, version }) => {
      if ((type !== 'MoneyDeposited' && type !== 'MoneyWithdrawn') || !data.postingId) return [];
      const amount = type === 'MoneyDeposited' ? BigInt(data.amount) : -BigInt(data.amount);
      return [{ postingId: data.postingId, streamId, amount, writeId: writeIdOf(version) }];
    }),
  );
  for (const [postingId, of] of Map.groupBy(legs, (leg) => leg.postingId)) {
    const sum = of.reduce((total, { amount }) => total + amount, 0n);
    hold(sum === 0n, `the legs of posting ${postingId} sum to ${sum}`);
    const accounts = new Set(of.map(({ streamId }) => streamId));
    hold(accounts.size === of.length, `posting ${postingId} has two legs on one account`);
    const writes = new Set(of.map(({ writeId }) => writeId));
    hold(writes.size === 1, `posting ${postingId} was written by ${writes.size} transactions`);
  }
};
