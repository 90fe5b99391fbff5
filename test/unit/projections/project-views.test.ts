import { beforeEach, describe, expect, it } from 'vitest';
import { createHandler } from '../../../functions/projections/project-views.ts';
import type { ViewWriter } from '../../../functions/projections/view-writer.ts';
import { recordedTelemetry } from '../runtime/recorded-telemetry.ts';
import { type Committed, createMemoryLedger, failureOf, type MemoryLedger, streamRecord } from './memory-ledger.ts';
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
  createHandler({ store: ledger, writer, telemetry: told.telemetry })({ Records: records });

/** Opens an account and pays in 1, 2, 3 …: one commit each. */
const account = (accountId: string, deposits: number): Committed[] =>
  [
    { type: 'open', accountId, owner: 'alice', currency: 'EUR', overdraftLimit: 0 },
    ...Array.from({ length: deposits }, (_, index) => ({ type: 'deposit', accountId, amount: index + 1 })),
  ].flatMap((command) => ledger.commit(command) ?? []);

const recordsOf = (committed: readonly Committed[]) => committed.map(({ item }) => streamRecord(item));

const versions = () =>
  Object.fromEntries(views.contents().summaries.map(({ accountId, version }) => [accountId, version]));

it('writes a batch at once, with one summary per account', async () => {
  const written: string[] = [];
  const writer: ViewWriter = {
    ...views.writer,
    write: async (changes) => {
      written.push(changes.map(({ summary, follows }) => `${summary.accountId} ${follows}-${summary.version}`).join());
      return views.writer.write(changes);
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
  const handle = createHandler({ store, writer: views.writer, telemetry: told.telemetry });
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
    write: async (changes) => {
      if (!overtaken) {
        overtaken = true;
        await project(records.slice(0, 2));
      }
      return views.writer.write(changes);
    },
  };
  expect(await project(records, writer)).toEqual({ batchItemFailures: [] });
  expect(versions()).toEqual({ a: 4 });
});

describe('a record that cannot be projected', () => {
  const poison = (records: ReturnType<typeof streamRecord>[], index: number, committed: Committed | undefined) => {
    const record = streamRecord({ ...committed?.item, events: [{ type: 'MoneyBurnt', v: 1, data: {} }] });
    return { records: records.with(index, record), record };
  };

  it('is reported, and stops its own account just before it', async () => {
    const a = account('a', 3);
    const { records, record } = poison(recordsOf([...a, ...account('b', 1)]), 2, a[2]);
    expect(await project(records)).toEqual({ batchItemFailures: [failureOf(record)] });
    expect(versions()).toEqual({ a: 2, b: 2 });
    expect(told.counts).toEqual({ ProjectionFailures: 1 });
    expect(told.logger.error).toHaveBeenCalledWith(
      'a record of the stream is no commit',
      expect.objectContaining({ accountId: 'a', version: 3 }),
    );
  });

  it('keeps a later version that arrived before it from being taken for projected', async () => {
    const a = account('a', 3);
    const { records } = poison(recordsOf(a), 2, a[2]);
    const [first, second, bad, later] = records;
    const reordered = [first, later, second, bad].flatMap((record) => record ?? []);
    expect(await project(reordered)).toEqual({ batchItemFailures: [later && failureOf(later)] });
    expect(versions()).toEqual({ a: 2 });
  });

  it.each(['MODIFY', 'REMOVE'] as const)('is also a %s, as commits never change', async (eventName) => {
    const [opening, deposit] = account('a', 1);
    const changed = streamRecord(deposit?.item ?? {}, eventName);
    const answer = await project([...recordsOf(opening ? [opening] : []), changed]);
    expect(answer).toEqual({ batchItemFailures: [failureOf(changed)] });
    expect(versions()).toEqual({ a: 1 });
  });

  it('fails the whole batch when it does not say where it stands', async () => {
    expect(await project([{}])).toEqual({ batchItemFailures: [{ itemIdentifier: '' }] });
  });
});

it('where the views cannot be written, every account is reported from its first record on', async () => {
  const records = recordsOf([...account('a', 2), ...account('b', 2)]);
  const writer: ViewWriter = { ...views.writer, write: async () => Promise.reject(new Error('throttled')) };
  const firsts = [records[0], records[3]].map((record) => record && failureOf(record));
  expect(await project(records, writer)).toEqual({ batchItemFailures: firsts });
  expect(versions()).toEqual({});
});

it('an account whose views cannot be read is reported from its first record on, and the others go on', async () => {
  const records = recordsOf([...account('a', 2), ...account('b', 2)]);
  const writer: ViewWriter = {
    ...views.writer,
    summary: async (accountId) => {
      if (accountId === 'a') throw new Error('throttled');
      return views.writer.summary(accountId);
    },
  };
  const [first] = records;
  expect(await project(records, writer)).toEqual({ batchItemFailures: [first && failureOf(first)] });
  expect(versions()).toEqual({ b: 3 });
  expect(told.logger.error).toHaveBeenCalledWith('the views of an account stand still', {
    accountId: 'a',
    version: 1,
    error: new Error('throttled'),
  });
});
