import { beforeEach, describe, expect, it } from 'vitest';
import { createHandler } from '../../../functions/projections/project-views.ts';
import type { ViewWriter } from '../../../functions/projections/view-writer.ts';
import { recordedTelemetry } from '../runtime/recorded-telemetry.ts';
import { expectedViews } from './expected-views.ts';
import { createMemoryLedger, type MemoryLedger, streamRecord } from './memory-ledger.ts';
import { createMemoryViews } from './memory-views.ts';

let ledger: MemoryLedger;
let views: ReturnType<typeof createMemoryViews>;
let told: ReturnType<typeof recordedTelemetry>;

beforeEach(() => {
  ledger = createMemoryLedger();
  views = createMemoryViews();
  told = recordedTelemetry();
  for (const accountId of ['a', 'b']) {
    ledger.commit({ type: 'open', accountId, owner: 'alice', currency: 'EUR', overdraftLimit: 0 });
    ledger.commit({ type: 'deposit', accountId, amount: 100 });
  }
  ledger.commit({ type: 'reserve', accountId: 'a', transferId: 't1', to: 'b', amount: 5 });
  ledger.commit({ type: 'settle', accountId: 'a', transferId: 't1' });
});

const handlerWith = (
  writer: ViewWriter = views.writer,
  store: Pick<MemoryLedger, 'history'> = ledger,
  clock = () => 0,
) => createHandler({ store, writer, telemetry: told.telemetry, clock, budget: 10 });

const expected = () => expectedViews(ledger.committed.map(({ commit }) => commit));

describe('asked for by hand, the views of accounts are made anew from their streams', () => {
  it('where there are none, and the answer says how far each is', async () => {
    const handle = handlerWith();
    expect(await handle({ accounts: ['a', 'b'] })).toEqual({
      accounts: [
        { accountId: 'a', version: 5 },
        { accountId: 'b', version: 2 },
      ],
    });
    expect(views.contents()).toEqual(expected());
  });

  it('where their rows are wrong, though the summary says that they are there', async () => {
    await handlerWith()({ Records: ledger.committed.map(({ item }) => streamRecord(item)) });
    views.spoil();
    await handlerWith()({ Records: ledger.committed.map(({ item }) => streamRecord(item)) });
    expect(views.contents()).not.toEqual(expected());
    await handlerWith()({ accounts: ['a', 'b'] });
    expect(views.contents()).toEqual(expected());
  });

  it('in portions, of which the summary tells none before the last', async () => {
    for (let n = 1; n <= 2_000; n += 1)
      ledger.commit({ type: 'deposit', accountId: 'a', amount: n });
    const portions: number[] = [];
    const writer: ViewWriter = {
      ...views.writer,
      writeRows: async (changes, deadline) => {
        portions.push(...changes.map(({ summary, follows }) => summary.version - follows));
        expect(
          await views.writer.standing(changes[0]?.summary.accountId ?? never(), deadline),
        ).toBe(0);
        await views.writer.writeRows(changes, deadline);
      },
    };
    expect(await handlerWith(writer)({ accounts: ['a'] })).toEqual({
      accounts: [{ accountId: 'a', version: 2_005 }],
    });
    // A portion ends with the commit that fills it.
    expect(portions).toEqual([1_000, 1_000, 5]);
  });

  it('and begun again where another run moves them on meanwhile, which is not taken back', async () => {
    let overtaken = false;
    const writer: ViewWriter = {
      ...views.writer,
      writeRows: async (changes, deadline) => {
        await views.writer.writeRows(changes, deadline);
        if (overtaken) return;
        overtaken = true;
        ledger.commit({ type: 'deposit', accountId: 'a', amount: 7 });
        await handlerWith()({ Records: ledger.committed.map(({ item }) => streamRecord(item)) });
      },
    };
    expect(await handlerWith(writer)({ accounts: ['a'] })).toEqual({
      accounts: [{ accountId: 'a', version: 6 }],
    });
    expect(views.contents()).toEqual(expected());
  });

  it('and given up where other runs keep moving them on: those follow the stream', async () => {
    let asked = 0;
    const writer: ViewWriter = {
      ...views.writer,
      standing: async (accountId, deadline) => {
        asked += 1;
        return views.writer.standing(accountId, deadline);
      },
      replaceSummary: async () => false,
    };
    expect(await handlerWith(writer)({ accounts: ['a'] })).toEqual({
      accounts: [
        { accountId: 'a', problem: 'other runs kept moving the views of a on: they are followed' },
      ],
    });
    expect(asked).toBe(3);
  });

  it('and the answer says what the cause is of what failed', async () => {
    const writer: ViewWriter = {
      ...views.writer,
      standing: async () => {
        throw new Error('no answer', { cause: new Error('throttled', { cause: 'too fast' }) });
      },
    };
    expect(await handlerWith(writer)({ accounts: ['a'] })).toEqual({
      accounts: [{ accountId: 'a', problem: 'no answer: throttled: too fast' }],
    });
  });

  it('what cannot be made is said of its account, and the others are made', async () => {
    const store: Pick<MemoryLedger, 'history'> = {
      history: (accountId, range) => {
        if (accountId === 'a') throw new Error('not an event of this ledger');
        return ledger.history(accountId, range);
      },
    };
    expect(await handlerWith(views.writer, store)({ accounts: ['a', 'nobody', 'b'] })).toEqual({
      accounts: [
        { accountId: 'a', problem: 'not an event of this ledger' },
        { accountId: 'nobody', problem: 'there is no account nobody' },
        { accountId: 'b', version: 2 },
      ],
    });
    expect(told.counts).toEqual({ ProjectionFailures: 2 });
  });

  it('what is not done in time is said', async () => {
    let now = 0;
    const writer: ViewWriter = {
      ...views.writer,
      replaceSummary: async (summary, standing, deadline) => {
        now = deadline;
        return views.writer.replaceSummary(summary, standing, deadline);
      },
    };
    expect(await handlerWith(writer, ledger, () => now)({ accounts: ['a', 'b'] })).toEqual({
      accounts: [
        { accountId: 'a', version: 5 },
        { accountId: 'b', problem: expect.stringContaining('the time for projecting is up') },
      ],
    });
  });

  it.each([
    [{ accounts: [] }],
    [{ accounts: 'a' }],
    [{ accounts: ['no id!'] }],
    [{ accounts: ['a'], from: 3 }],
    [{}],
    [null],
    ['a'],
    [{ accounts: Array(101).fill('a') }],
  ])('%j is refused, and nothing is done', async (input) => {
    await expect(handlerWith()(input)).rejects.toThrow('not an input of this function');
    expect(views.contents().summaries).toEqual([]);
  });
});

const never = (): never => {
  throw new Error('nothing was written');
};
