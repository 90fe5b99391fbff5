import { describe, expect, it } from 'vitest';
import { AccountId, TransferId } from '../../../events/values.ts';
import { foldCommits } from '../../../functions/projections/fold-commits.ts';
import type { FoundRecord } from '../../../functions/store/writing/write.ts';
import { createEndOfHold } from '../../../functions/transfers/holds/end-of-hold.ts';
import { ROW_SCHEMA, UnreadableRow } from '../../../functions/views/row.ts';
import { readTransferRow, transferOf } from '../../../functions/views/transfer-row.ts';
import { createMemoryLedger, type MemoryLedger } from '../projections/memory-ledger.ts';

const [a, t1] = [AccountId.parse('a'), TransferId.parse('t1')];
const hold = { type: 'hold', accountId: 'a', transferId: 't1', to: 'b', amount: 10 };
const capture = { type: 'capture', accountId: 'a', transferId: 't1' };
const deposit = { type: 'deposit', accountId: 'a', amount: 1 };
const settle = { type: 'settle', accountId: 'a', transferId: 't1' };
const release = { ...settle, type: 'release', reason: 'account_not_open' };

const bank = () => {
  const ledger = createMemoryLedger();
  ledger.commit(
    { type: 'open', accountId: 'a', owner: 'alice', currency: 'EUR', overdraftLimit: 0 },
    { type: 'deposit', accountId: 'a', amount: 1_000 },
  );
  return ledger;
};

/** How a story of the hold ends. */
const endings: [string, string, (ledger: MemoryLedger) => void][] = [
  ['captured, and reserved', 'captured', (ledger) => ledger.commit(capture)],
  [
    'captured, and settled',
    'captured',
    (ledger) => [capture, settle].map((command) => ledger.commit(command)),
  ],
  [
    'captured, and released',
    'captured',
    (ledger) => [capture, release].map((command) => ledger.commit(command)),
  ],
  ['voided', 'voided', (ledger) => ledger.endHold('void', 'a', 't1')],
  ['over', 'expired', (ledger) => ledger.endHold('expire', 'a', 't1')],
];

/**
 * Asks how it ended.
 * @param projected how many of the commits the views have; `damaged`: they have a row that cannot
 *   be read.
 */
const ask = (
  ledger: MemoryLedger,
  {
    projected,
    record = 'held',
  }: {
    readonly projected: number | 'damaged';
    readonly record?: 'held' | 'none' | FoundRecord;
  },
) => {
  const commits = ledger.committed.map(({ commit }) => commit);
  const held = foldCommits(commits.slice(0, 2)).transfers[0];
  const rowAfter = (count: number) => {
    const [change] = foldCommits(commits.slice(0, count)).transfers;
    const row = change && readTransferRow({ schema: ROW_SCHEMA, ...change });
    return row && transferOf(row);
  };
  let looked = 0;
  const endOfHold = createEndOfHold({
    views: {
      transfer: async (_, __, passOver) => {
        if (projected !== 'damaged') return rowAfter(projected);
        passOver?.(new UnreadableRow({ pk: 'p', sk: 's' }, 'damaged'));
        return undefined;
      },
    },
    store: {
      recordOf: async () => {
        if (record === 'none') return undefined;
        if (record !== 'held') return record;
        const row = held && readTransferRow({ schema: ROW_SCHEMA, ...held });
        const answer = row && transferOf(row);
        return { outcome: 'accepted', answer } as never;
      },
      latest: async function* () {
        for (const commit of commits.toReversed()) {
          looked += 1;
          yield commit;
        }
      },
    },
  });
  return { end: () => endOfHold(t1, a), looked: () => looked };
};

describe.each(endings)('a hold that was %s', (_, expected, happens) => {
  const story = () => {
    const ledger = bank();
    ledger.commit(hold);
    happens(ledger);
    const ended = ledger.committed.length;
    for (let n = 0; n < 3; n += 1) ledger.commit(deposit);
    return { ledger, ended };
  };

  it('is told so from its row, where that shows it, without the stream', async () => {
    const { ledger, ended } = story();
    const { end, looked } = ask(ledger, { projected: ended });
    expect(await end()).toBe(expected);
    expect(looked()).toBe(0);
  });

  it.each([
    ['shows it as held', 2],
    ['is not there yet', 0],
    ['is damaged', 'damaged'],
  ] as const)('is told so from the stream, where its row %s', async (__, projected) => {
    expect(await ask(story().ledger, { projected }).end()).toBe(expected);
  });
});

describe('what was never held', () => {
  it('is told so from the row of its reservation, however it ended', async () => {
    const ledger = bank();
    ledger.commit({ ...hold, type: 'reserve' });
    ledger.commit(release);
    for (const projected of [2, 3])
      expect(await ask(ledger, { projected }).end()).toBe('never_held');
  });

  it.each<[string, FoundRecord | 'none']>([
    ['there is no record', 'none'],
    ['its record was rejected', { outcome: 'rejected' } as never],
    ['its record is of something else', { outcome: 'accepted', answer: {} } as never],
  ])('is told so where %s', async (_, record) => {
    expect(await ask(bank(), { projected: 0, record }).end()).toBe('never_held');
  });
});

describe('nothing is concluded', () => {
  it.each(['pending', 'unreadable'])('from a record that is %s', async (outcome) => {
    const record = { outcome } as never;
    expect(await ask(bank(), { projected: 0, record }).end()).toBeUndefined();
  });

  it('where the hold is still there: somebody read an older account', async () => {
    const ledger = bank();
    ledger.commit(hold);
    expect(await ask(ledger, { projected: 0 }).end()).toBeUndefined();
  });

  it('where the end lies more than 500 commits back', async () => {
    const ledger = bank();
    ledger.commit(hold);
    ledger.commit(capture);
    for (let n = 0; n < 500; n += 1) ledger.commit(deposit);
    const { end, looked } = ask(ledger, { projected: 2 });
    expect(await end()).toBeUndefined();
    expect(looked()).toBe(500);
  });
});
