import { beforeEach, describe, expect, it } from 'vitest';
import { createHandler } from '../../../functions/projections/project-views.ts';
import type { ViewWriter } from '../../../functions/projections/view-writer.ts';
import { recordedTelemetry } from '../runtime/recorded-telemetry.ts';
import {
  type Committed,
  createMemoryLedger,
  failureOf,
  type MemoryLedger,
  streamRecord,
} from './memory-ledger.ts';
import { createMemoryViews } from './memory-views.ts';

let ledger: MemoryLedger;
let views: ReturnType<typeof createMemoryViews>;
let told: ReturnType<typeof recordedTelemetry>;

beforeEach(() => {
  ledger = createMemoryLedger();
  views = createMemoryViews();
  told = recordedTelemetry();
});

const project = (records: ReturnType<typeof streamRecord>[], writer: ViewWriter = views.writer) =>
  createHandler({ writer, telemetry: told.telemetry, clock: () => 7, budget: 10 })({
    Records: records,
  });

/** Opens an account with money and reserves some of it for transfers, one commit each. */
const account = (accountId: string, transfers: number): Committed[] => [
  ...[
    ledger.commit(
      { type: 'open', accountId, owner: 'alice', currency: 'EUR', overdraftLimit: 0 },
      { type: 'deposit', accountId, amount: 1_000 },
    ),
  ].flatMap((committed) => committed ?? []),
  ...Array.from({ length: transfers }, (_, index) =>
    ledger.commit({
      type: 'reserve',
      accountId,
      to: 'z',
      transferId: `${accountId}${index + 1}`,
      amount: 1,
    }),
  ).flatMap((committed) => committed ?? []),
];

const recordsOf = (committed: readonly Committed[]) =>
  committed.map(({ item }) => streamRecord(item));

const shown = () => {
  const { accounts, transfers } = views.contents();
  return [
    ...accounts.map(({ accountId }) => accountId),
    ...transfers.map(({ transferId }) => transferId),
  ];
};

it('writes a batch at once, within the time that it has', async () => {
  const written: unknown[] = [];
  const writer: ViewWriter = {
    write: async (changes, deadline) => {
      written.push([changes.accounts.length, changes.transfers.length, deadline]);
      return views.writer.write(changes, deadline);
    },
  };
  expect(await project(recordsOf([...account('a', 3), ...account('b', 2)]), writer)).toEqual({
    batchItemFailures: [],
  });
  expect(written).toEqual([[2, 5, 17]]);
});

it('needs neither the commits before nor their order', async () => {
  const records = recordsOf(account('a', 4));
  await project(records.slice(3).reverse());
  expect(shown()).toEqual(['a3', 'a4']);
  await project(records.slice(0, 2));
  expect(shown()).toEqual(['a', 'a1', 'a3', 'a4']);
});

describe('a stream record that can never be projected is passed over in its first delivery', () => {
  it('with an event that nobody knows: all others are projected, those of its account too', async () => {
    const a = account('a', 3);
    const unknown = { ...a[2]?.item, events: [{ type: 'MoneyBurnt', v: 1, data: {} }] };
    const records = recordsOf([...a, ...account('b', 1)]).with(2, streamRecord(unknown));
    expect(await project(records)).toEqual({ batchItemFailures: [] });
    expect(shown()).toEqual(['a', 'b', 'a1', 'a3', 'b1']);
    expect(told.counts).toEqual({ UnreadableRecords: 1 });
    expect(told.logger.error).toHaveBeenCalledExactlyOnceWith('a stream record is passed over', {
      accountId: 'a',
      version: 4,
      error: expect.objectContaining({ message: 'a/4 is no commit' }),
      remedy: expect.stringContaining('npm run rebuild -- --accounts a'),
    });
  });

  it('with an event that says half of its transfer', async () => {
    account('a', 0);
    account('b', 0);
    const [source] = ledger.transferAtOnce('t1', 'a', 'b', 5);
    const events = JSON.parse(JSON.stringify(source?.item['events']));
    delete events[0].data.currency;
    const records = [streamRecord({ ...source?.item, events }), ...recordsOf(account('c', 1))];
    expect(await project(records)).toEqual({ batchItemFailures: [] });
    expect(shown()).toEqual(['c', 'c1']);
    expect(told.counts).toEqual({ UnreadableRecords: 1 });
  });

  it.each(['MODIFY', 'REMOVE'] as const)(
    'as a %s, for commits never change; what follows goes on',
    async (eventName) => {
      const [opening, first, second] = account('a', 2);
      const [before, after] = recordsOf([opening, second].flatMap((committed) => committed ?? []));
      const changed = streamRecord(first?.item ?? {}, eventName);
      const records = [before, changed, after].flatMap((record) => record ?? []);
      expect(await project(records)).toEqual({ batchItemFailures: [] });
      expect(shown()).toEqual(['a', 'a2']);
      expect(told.counts).toEqual({ UnreadableRecords: 1 });
    },
  );

  it('but one that does not say where it stands fails the whole batch', async () => {
    expect(await project([...recordsOf(account('whole', 1)), {}])).toEqual({
      batchItemFailures: [{ itemIdentifier: '' }],
    });
    expect(await project([{}])).toEqual({ batchItemFailures: [{ itemIdentifier: '' }] });
    const [record] = recordsOf(account('a', 0));
    const { SequenceNumber: _, ...placeless } = record?.dynamodb ?? {};
    expect(await project([{ ...record, dynamodb: placeless }])).toEqual({
      batchItemFailures: [{ itemIdentifier: '' }],
    });
  });
});

it('reports the records whose rows could not be written, and no others', async () => {
  const records = recordsOf([...account('a', 2), ...account('b', 1)]);
  const writer: ViewWriter = {
    write: async () =>
      new Map([
        ['transfer#a2 from#a', new Error('throttled')],
        ['account#b account', new Error('throttled')],
      ]),
  };
  const failures = [records[2], records[3]].map((record) => record && failureOf(record));
  expect(await project(records, writer)).toEqual({ batchItemFailures: failures });
  expect(told.counts).toEqual({ ProjectionFailures: 2 });
  expect(told.logger.error).toHaveBeenCalledWith('a commit could not be projected', {
    accountId: 'a',
    version: 4,
    error: new Error('throttled'),
  });
});

it("reports both accounts' records of a transfer whose row could not be written", async () => {
  const opened = [...account('a', 1), ...account('z', 0)];
  const credit = { type: 'credit', accountId: 'z', from: 'a', transferId: 'a1', amount: 1 };
  const credited = ledger.commit({ ...credit, currency: 'EUR' });
  const records = recordsOf([...opened, ...(credited ? [credited] : [])]);
  const writer: ViewWriter = {
    write: async () => new Map([['transfer#a1 from#a', new Error('throttled')]]),
  };
  const failures = [records[1], records[3]].map((record) => record && failureOf(record));
  expect(await project(records, writer)).toEqual({ batchItemFailures: failures });
});
