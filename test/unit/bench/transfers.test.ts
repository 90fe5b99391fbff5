import { describe, expect, it } from 'vitest';
import type { RecordOfCommand } from '../../../bench/audit/commands.ts';
import { holdPostings } from '../../../bench/audit/postings.ts';
import type { SoundStream } from '../../../bench/audit/streams.ts';
import { holdTransfers } from '../../../bench/audit/transfers.ts';
import { readEvent } from '../../../events/event.ts';
import { AccountId } from '../../../events/values.ts';
import { createMemoryLedger } from '../projections/memory-ledger.ts';

const hold = { type: 'hold', accountId: 'a', transferId: 't1', to: 'b', amount: 10 };
const capture = { type: 'capture', accountId: 'a', transferId: 't1', amount: 7 };
const settle = { type: 'settle', accountId: 'a', transferId: 't1' };
const credit = (accountId: string, from: string, transferId: string, amount: number) => ({
  ...{ type: 'credit', accountId, from, transferId, amount, currency: 'EUR' },
});
const reverse = (transferId: string, amount: number, paid = 7) => ({
  ...{ type: 'reverse', accountId: 'b', to: 'a', transferId, amount, currency: 'EUR' },
  reverses: { transferId: 't1', amount: paid },
});

/** Audits what follows from these commands, and the records of those that begin or credit. */
const audit = (
  commands: readonly object[],
  change: (type: string, data: Record<string, unknown>) => object | undefined = () => undefined,
) => {
  const ledger = createMemoryLedger();
  for (const accountId of ['a', 'b']) {
    ledger.commit(
      { type: 'open', accountId, owner: 'alice', currency: 'EUR', overdraftLimit: 0 },
      { type: 'deposit', accountId, amount: 100 },
    );
  }
  for (const command of commands) ledger.commit(command);
  const streams = ['a', 'b'].map((streamId): SoundStream => {
    const { account } = ledger.tailOf(AccountId.parse(streamId));
    if (!account) throw new Error('it is open');
    const events = ledger.committed
      .filter(({ commit }) => commit.streamId === streamId)
      .flatMap(({ commit }) => commit.events)
      .map((event) => ({ ...event, data: { ...event.data, ...change(event.type, event.data) } }));
    return {
      ...{ streamId, account, opening: 0, commitsOf: new Map(), writeIdOf: () => undefined },
      events: events as never,
    };
  });
  const records = commands.flatMap((command): RecordOfCommand[] => {
    const { type, accountId, transferId } = command as Record<string, string>;
    const name = type === 'credit' ? 'credit' : 'command';
    return [{ accountId, key: `${name}:${transferId}`, outcome: 'accepted' } as never];
  });
  return () => holdTransfers(streams, records, new Map());
};

describe('the audit passes', () => {
  it.each([
    ['a hold that rests', [hold]],
    ['one that was voided', [hold, { type: 'void', accountId: 'a', transferId: 't1' }]],
    [
      'one that was captured in part and settled',
      [hold, capture, credit('b', 'a', 't1', 7), settle],
    ],
    [
      'reversals that are together as much as the transfer',
      [hold, capture, credit('b', 'a', 't1', 7), settle, reverse('v1', 3), reverse('v2', 4)],
    ],
    [
      'more than that, where one was released',
      [
        ...[hold, capture, credit('b', 'a', 't1', 7), settle, reverse('v1', 3)],
        { type: 'release', accountId: 'b', transferId: 'v1', reason: 'account_not_open' },
        reverse('v2', 7),
      ],
    ],
  ])('%s', (_, commands) => {
    expect(audit(commands)).not.toThrow();
  });
});

describe('the audit catches', () => {
  it('a capture of more than was held', () => {
    const more = (type: string) => (type === 'HoldCaptured' ? { amount: 11 } : undefined);
    expect(audit([hold, capture], more)).toThrow('was captured, and not held so');
  });

  it('a credit of what was held and not of what was captured', () => {
    expect(audit([hold, capture, credit('b', 'a', 't1', 10)])).toThrow('is of 7 and of 10');
  });

  it('a hold that was carried out without a capture', () => {
    expect(audit([hold, credit('b', 'a', 't1', 10)])).toThrow('never reserved');
  });

  it('a hold that is not recorded', () => {
    const other = (type: string) => (type === 'MoneyHeld' ? { transferId: 't9' } : undefined);
    expect(audit([hold], other)).toThrow('the hold of t9 is not recorded');
  });

  it('reversals that are together more than the transfer', () => {
    const story = [hold, capture, credit('b', 'a', 't1', 7), settle];
    expect(audit([...story, reverse('v1', 4), reverse('v2', 4)])).toThrow('8 went back');
  });
});

describe('of postings the audit', () => {
  const leg = (streamId: string, amount: number, writeId = 'w') => {
    const event = readEvent({
      type: amount > 0 ? 'MoneyDeposited' : 'MoneyWithdrawn',
      v: 1,
      data: { amount: Math.abs(amount), postingId: 'p1' },
    });
    return { streamId, events: [{ ...event, version: 2 }] as never, writeIdOf: () => writeId };
  };

  it('passes one whose legs sum to 0', () => {
    expect(() => holdPostings([leg('a', -5), leg('b', 3), leg('c', 2)])).not.toThrow();
  });

  it.each([
    ['a sum that is not 0', [leg('a', -5), leg('b', 3)], 'sum to -2'],
    ['legs of two transactions', [leg('a', -5), leg('b', 5, 'other')], '2 transactions'],
    ['two legs on one account', [leg('a', -5), leg('a', 5)], 'two legs on one account'],
  ])('catches %s', (_, streams, why) => {
    expect(() => holdPostings(streams)).toThrow(why);
  });
});
