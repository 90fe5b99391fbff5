import { beforeEach, describe, expect, it } from 'vitest';
import { Version } from '../../../events/values.ts';
import { createHandler } from '../../../functions/projections/project-views.ts';
import type { ViewWriter } from '../../../functions/projections/view-writer.ts';
import { StoreUnavailable } from '../../../functions/runtime/unavailable.ts';
import { UnreadableRow } from '../../../functions/views/row.ts';
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
  createHandler({ store: ledger, writer, telemetry: told.telemetry, clock: () => 0, budget: 1 })({
    Records: records,
  });

/** Opens an account and pays in 1, 2, 3 …: one commit each. */
const account = (accountId: string, deposits: number): Committed[] =>
  [
    { type: 'open', accountId, owner: 'alice', currency: 'EUR', overdraftLimit: 0 },
    ...Array.from({ length: deposits }, (_, index) => ({
      type: 'deposit',
      accountId,
      amount: index + 1,
    })),
  ].flatMap((command) => ledger.commit(command) ?? []);

const recordsOf = (committed: readonly Committed[]) =>
  committed.map(({ item }) => streamRecord(item));

const versions = () =>
  Object.fromEntries(
    views.contents().summaries.map(({ accountId, version }) => [accountId, version]),
  );

it('writes a batch at once, with one summary per account', async () => {
  const written: string[] = [];
  const writer: ViewWriter = {
    ...views.writer,
    write: async (changes, deadline) => {
      written.push(
        changes
          .map(({ summary, follows }) => `${summary.accountId} ${follows}-${summary.version}`)
          .join(),
      );
      return views.writer.write(changes, deadline);
    },
  };
  await project(recordsOf([...account('a', 3), ...account('b', 2)]), writer);
  expect(written).toEqual(['a 0-4,b 0-3']);
});

it('reads the stream for what a batch leaves out, and only for that', async () => {
  const asked: unknown[] = [];
  const records = recordsOf(account('a', 5));
  const store: Pick<MemoryLedger, 'history'> = {
    history: (accountId, range) => {
      asked.push(range);
      return ledger.history(accountId, range);
    },
  };
  const handle = createHandler({
    store,
    writer: views.writer,
    telemetry: told.telemetry,
    clock: () => 0,
    budget: 1,
  });
  await handle({ Records: records.slice(0, 2) });
  await handle({ Records: [records[5], records[3]].flatMap((record) => record ?? []) });
  expect(asked).toEqual([
    { from: 3, to: 3 },
    { from: 5, to: 5 },
  ]);
  expect(versions()).toEqual({ a: 6 });
});

it('begins again from where the views are when another run has moved them on', async () => {
  const records = recordsOf(account('a', 3));
  let overtaken = false;
  const writer: ViewWriter = {
    ...views.writer,
    write: async (changes, deadline) => {
      if (!overtaken) {
        overtaken = true;
        await project(records.slice(0, 2));
      }
      return views.writer.write(changes, deadline);
    },
  };
  expect(await project(records, writer)).toEqual({ batchItemFailures: [] });
  expect(versions()).toEqual({ a: 4 });
});

describe('a stream record that can never be projected is passed over in its first delivery', () => {
  const unknown = (committed: Committed | undefined) => ({
    ...committed?.item,
    events: [{ type: 'MoneyBurnt', v: 1, data: {} }],
  });
  /** A ledger that holds a commit of which this code does not know the event. */
  const storeWith = (
    unreadable: Committed | undefined,
    error: Error = new Error('not an event of this ledger'),
  ) => ({
    history: async function* (...[accountId, range]: Parameters<MemoryLedger['history']>) {
      for await (const commit of ledger.history(accountId, range)) {
        if (commit === unreadable?.commit) throw error;
        yield commit;
      }
    },
  });
  const projectFrom = (
    store: Pick<MemoryLedger, 'history'>,
    Records: ReturnType<typeof streamRecord>[],
  ) =>
    createHandler({
      store,
      writer: views.writer,
      telemetry: told.telemetry,
      clock: () => 0,
      budget: 1,
    })({ Records });

  it('with an event that nobody knows: its account stands still just before it, and the others go on', async () => {
    const a = account('a', 3);
    const records = recordsOf([...a, ...account('b', 1)]).with(2, streamRecord(unknown(a[2])));
    expect(await projectFrom(storeWith(a[2]), records)).toEqual({ batchItemFailures: [] });
    expect(versions()).toEqual({ a: 2, b: 2 });
    // The record itself, and those of its account that cannot be followed.
    expect(told.counts).toEqual({ UnreadableRecords: 4 });
    expect(told.logger.error).toHaveBeenCalledWith('a record of the stream is passed over', {
      accountId: 'a',
      version: 3,
      error: expect.objectContaining({ message: 'a/3 is no commit' }),
      remedy: expect.stringContaining('{"accounts":["a"]}'),
    });
  });

  it('where it came before: the commits after it are passed over too', async () => {
    const a = account('a', 3);
    expect(await projectFrom(storeWith(a[2]), recordsOf(a.slice(3)))).toEqual({
      batchItemFailures: [],
    });
    expect(versions()).toEqual({ a: 2 });
    expect(told.counts).toEqual({ UnreadableRecords: 1 });
  });

  it('but not where the stream could not be read this time', async () => {
    const a = account('a', 3);
    const records = recordsOf(a.slice(3));
    for (const error of [
      Object.assign(new Error('slow down'), { name: 'ThrottlingException' }),
      new StoreUnavailable('unavailable', undefined),
      Object.assign(new Error('no right'), { name: 'AccessDeniedException', $fault: 'client' }),
      Object.assign(new Error('reset'), { code: 'ECONNRESET' }),
    ]) {
      expect(await projectFrom(storeWith(a[2], error), records)).toEqual({
        batchItemFailures: records.map(failureOf),
      });
    }
    expect(told.counts).toEqual({ ProjectionFailures: 4 });
  });

  it.each(['MODIFY', 'REMOVE'] as const)(
    'as a %s, for commits never change; what follows goes on',
    async (eventName) => {
      const [opening, first, second] = account('a', 2);
      const [before, after] = recordsOf([opening, second].flatMap((committed) => committed ?? []));
      const changed = streamRecord(first?.item ?? {}, eventName);
      const records = [before, changed, after].flatMap((record) => record ?? []);
      expect(await project(records)).toEqual({ batchItemFailures: [] });
      expect(versions()).toEqual({ a: 3 });
      expect(told.counts).toEqual({ UnreadableRecords: 1 });
    },
  );

  it('with a stream that cannot be folded', async () => {
    const [opening, first] = account('a', 1);
    const commit = first && {
      ...first.commit,
      version: Version.parse(2),
      events: opening?.commit.events ?? [],
    };
    const store = {
      history: async function* () {
        if (commit) yield commit;
      },
    };
    const [last] = recordsOf(account('a', 2).slice(-1));
    expect(await projectFrom(store, last ? [last] : [])).toEqual({ batchItemFailures: [] });
    expect(versions()).toEqual({});
    expect(told.counts).toEqual({ UnreadableRecords: 1 });
  });

  it('with a summary of other code', async () => {
    const records = recordsOf([...account('a', 1), ...account('b', 1)]);
    const writer: ViewWriter = {
      ...views.writer,
      summary: async (accountId, deadline) => {
        if (accountId === 'a')
          throw new UnreadableRow({ pk: 'account#a', sk: 'summary' }, 'it is of schema 2');
        return views.writer.summary(accountId, deadline);
      },
    };
    expect(await project(records, writer)).toEqual({ batchItemFailures: [] });
    expect(versions()).toEqual({ b: 2 });
    expect(told.counts).toEqual({ UnreadableRecords: 2 });
  });

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

describe('once the time is up', () => {
  it('no account is begun and no commit is read: what is left is reported', async () => {
    const records = recordsOf([...account('a', 3), ...account('b', 1)]);
    let now = 0;
    const writer: ViewWriter = {
      ...views.writer,
      summary: async (accountId, deadline) => {
        if (accountId === 'b') now = deadline;
        return views.writer.summary(accountId, deadline);
      },
    };
    const handle = createHandler({
      store: ledger,
      writer,
      telemetry: told.telemetry,
      clock: () => now,
      budget: 10,
    });
    const firsts = [records[0], records[4]].map((record) => record && failureOf(record));
    expect(await handle({ Records: records })).toEqual({ batchItemFailures: firsts });
    expect(versions()).toEqual({});
  });
});

it('where the views cannot be written, every account is reported from its first record on', async () => {
  const records = recordsOf([...account('a', 2), ...account('b', 2)]);
  const writer: ViewWriter = {
    ...views.writer,
    write: async () => Promise.reject(new Error('throttled')),
  };
  const firsts = [records[0], records[3]].map((record) => record && failureOf(record));
  expect(await project(records, writer)).toEqual({ batchItemFailures: firsts });
  expect(versions()).toEqual({});
});

it('an account whose views cannot be read is reported from its first record on, and the others go on', async () => {
  const records = recordsOf([...account('a', 2), ...account('b', 2)]);
  const writer: ViewWriter = {
    ...views.writer,
    summary: async (accountId, deadline) => {
      if (accountId === 'a') throw new Error('throttled');
      return views.writer.summary(accountId, deadline);
    },
  };
  const [first] = records;
  expect(await project(records, writer)).toEqual({
    batchItemFailures: [first && failureOf(first)],
  });
  expect(versions()).toEqual({ b: 3 });
  expect(told.logger.error).toHaveBeenCalledWith('the views of an account stand still', {
    accountId: 'a',
    version: 1,
    error: new Error('throttled'),
  });
});
