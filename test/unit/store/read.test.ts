import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import type { AccountEvent } from '../../../events/event.ts';
import { AccountId, Timestamp, Version } from '../../../events/values.ts';
import { ACCOUNT_SCHEMA } from '../../../functions/ledger/account.ts';
import { UnreadableAnswer } from '../../../functions/runtime/answered.ts';
import type { Ask } from '../../../functions/runtime/patience.ts';
import { loadTail, readHistory, tailAsOf } from '../../../functions/store/stream/read.ts';
import { emptyTail } from '../../../functions/store/stream/tail.ts';
import { plantedCommit } from '../../../testing/planted-commit.ts';
import { memoryDynamoDb } from '../../mutants/memory-dynamodb.ts';
import { deposited, opened } from '../ledger/facts.ts';
import { NOON } from '../ledger/given.ts';

const a = AccountId.parse('a');
const once: Ask = (request) => request();

/**
 * A stream of these commits in a table, each as many seconds after noon as there were events before
 * it; with the versions that were read from it, as ranges.
 * @param pageItems so many items make a page; without it: 1 MB.
 */
const streamOf = async (
  commits: readonly (readonly AccountEvent[])[],
  change: (item: Record<string, unknown>) => Record<string, unknown> | undefined = (item) => item,
  pageItems?: number,
) => {
  const handler = memoryDynamoDb({ events: ['streamId', 'version'] });
  const credentials = { accessKeyId: 'k', secretAccessKey: 's' };
  const base = new DynamoDBClient({ region: 'us-east-1', credentials, requestHandler: handler });
  const read: unknown[] = [];
  base.middlewareStack.add(
    (next) => async (args) => {
      if ('ExpressionAttributeValues' in args.input) {
        const { ':streamId': _, ...range } = args.input.ExpressionAttributeValues ?? {};
        read.push(range);
      }
      return next({ ...args, input: { Limit: pageItems, ...args.input } });
    },
    { step: 'initialize', priority: 'low' },
  );
  const client = DynamoDBDocumentClient.from(base);
  let tail = emptyTail(a);
  for (const events of commits) {
    const next = plantedCommit(
      tail,
      `w${tail.version}`,
      [{ commandId: 'c', events }],
      Date.parse(NOON) + tail.version * 1_000,
    );
    if (next === 'too_large') throw new Error('the commit is too large');
    const Item = change(next.item);
    if (Item) handler.put('events', Item);
    tail = next.tail;
  }
  return { table: { client, eventsTable: 'events' }, tail, read };
};

const last = { ':notAfter': Number.MAX_SAFE_INTEGER };
const three = [
  [opened(), deposited(1)],
  [deposited(2), deposited(3), deposited(4)],
  [deposited(5)],
];
/** Takes a commit's snapshot away. */
const bare = ({ state: _, stateSchema: __, ...item }: Record<string, unknown>) => item;

describe('a stream is loaded', () => {
  it('with one read of its last commit, where that has a snapshot', async () => {
    const { table, tail, read } = await streamOf(three);
    expect(await loadTail(table, once, a)).toEqual(tail);
    expect(read).toEqual([last]);
  });
  it('back to the latest snapshot, and no further', async () => {
    const { table, tail, read } = await streamOf(three, (item) =>
      item['version'] === 6 ? { ...bare(item), snapshots: { [ACCOUNT_SCHEMA]: 3 } } : item,
    );
    expect(await loadTail(table, once, a)).toMatchObject({
      version: 6,
      account: tail.account,
      hash: tail.hash,
    });
    expect(read).toEqual([last, { ':from': 3, ':to': 6 }]);
  });
  it.each([
    ['says of none', {}],
    ['says of one that is not there', { [ACCOUNT_SCHEMA]: 3 }],
  ])('from its beginning, where it %s', async (_, snapshots) => {
    const { table, tail, read } = await streamOf(three, (item) => ({ ...bare(item), snapshots }));
    expect(await loadTail(table, once, a)).toMatchObject({ version: 6, account: tail.account });
    expect(read.at(-1)).toEqual({ ':from': 1, ':to': 6 });
  });
  it('never from its middle: a stream whose beginning is missing is refused', async () => {
    const { table } = await streamOf(three, (item) =>
      item['version'] === 1 ? undefined : { ...bare(item), snapshots: {} },
    );
    await expect(loadTail(table, once, a)).rejects.toThrow('stream a: its first commit is missing');
  });
  it('is not known to be empty, where the answer holds no items at all', async () => {
    const { table } = await streamOf(three);
    table.client.middlewareStack.add(
      (next) => async (args) => {
        const { response, output } = await next(args);
        return { response, output: { ...output, Items: undefined } };
      },
      { step: 'initialize', priority: 'high' },
    );
    await expect(loadTail(table, once, a)).rejects.toThrow(UnreadableAnswer);
    const history = readHistory(table, once, a)[Symbol.asyncIterator]();
    await expect(history.next()).rejects.toThrow(UnreadableAnswer);
  });
  it('as nothing, where there is none', async () =>
    expect(await loadTail((await streamOf([])).table, once, a)).toEqual(emptyTail(a)));
});

describe('a stream as it was', () => {
  it.each([
    [1, 0],
    [2, 1],
    [3, 3],
    [4, 6],
    [5, 10],
    [6, 15],
  ])(
    'at version %i, inside a commit or at its end, has a balance of %i',
    async (version, balance) => {
      const { table } = await streamOf(three);
      expect(await tailAsOf(table, once, a, { version: Version.parse(version) })).toMatchObject({
        version,
        account: { balance },
      });
    },
  );
  it('is nothing where there is none', async () =>
    expect(
      await tailAsOf((await streamOf([])).table, once, a, { version: Version.parse(1) }),
    ).toEqual(emptyTail(a)));
});

describe('a stream as it was at a time', () => {
  /** Six commits, of one event or two, at 0, 2, 3, 5, 6 and 8 seconds after noon. */
  const six = [
    [opened(), deposited(1)],
    [deposited(2)],
    [deposited(3), deposited(4)],
    [deposited(5)],
    [deposited(6), deposited(7)],
    [deposited(8)],
  ];
  const asOf = async (seconds: number) => {
    const { table, read } = await streamOf(six);
    const at = Timestamp.parse(new Date(Date.parse(NOON) + seconds * 1_000).toISOString());
    return { tail: await tailAsOf(table, once, a, { at }), read };
  };

  it.each([
    [0, 2, 1],
    [1.999, 2, 1],
    [2, 3, 3],
    [2.999, 3, 3],
    [3, 5, 10],
    [4.999, 5, 10],
    [5, 6, 15],
    [6, 8, 28],
    [7.999, 8, 28],
    [8, 9, 36],
    [99, 9, 36],
  ])(
    '%d seconds after its first commit is at version %i, with a balance of %i',
    async (seconds, version, balance) =>
      expect((await asOf(seconds)).tail).toMatchObject({ version, account: { balance } }),
  );
  it('is nothing before its first commit', async () =>
    expect((await asOf(-0.001)).tail).toEqual(emptyTail(a)));
  it('is nothing where there is none', async () => {
    const { table } = await streamOf([]);
    expect(await tailAsOf(table, once, a, { at: Timestamp.parse(NOON) })).toEqual(emptyTail(a));
  });
  it('is as it stands, with one read, from its last commit on', async () =>
    expect((await asOf(8)).read).toEqual([last]));
  it('is found by halving', async () =>
    expect((await asOf(2)).read).toEqual([
      last,
      { ':notAfter': 4 },
      { ':notAfter': 2 },
      { ':notAfter': 3 },
    ]));
});

describe('the history of a stream', () => {
  it('that takes several pages is read whole', async () => {
    const { table, read } = await streamOf(three, undefined, 1);
    const found: number[] = [];
    for await (const { version } of readHistory(table, once, a)) found.push(version);
    expect(found).toEqual([1, 3, 6]);
    expect(read).toHaveLength(3);
  });
  it.each([
    [undefined, undefined, [1, 3, 6]],
    [1, 2, [1]],
    [2, 2, [1]],
    [3, 5, [3]],
    [4, undefined, [3, 6]],
    [5, 5, [3]],
    [6, undefined, [6]],
  ])(
    'from %s to %s begins with the commit that holds its first version',
    async (from, to, versions) => {
      const { table } = await streamOf(three);
      const found: number[] = [];
      const range = { ...(from ? { from } : {}), ...(to ? { to } : {}) };
      for await (const { version } of readHistory(table, once, a, range)) found.push(version);
      expect(found).toEqual(versions);
    },
  );
  it('from its beginning takes no read to find where that is', async () => {
    const { table, read } = await streamOf(three);
    for await (const _ of readHistory(table, once, a, { from: 1 }));
    expect(read).toHaveLength(1);
  });
});
