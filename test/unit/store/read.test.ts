import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import type { AccountEvent } from '../../../events/event.ts';
import { AccountId, Version } from '../../../events/values.ts';
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

/** A stream of these commits in a table; with the versions that were read from it, as ranges. */
const streamOf = async (
  commits: readonly (readonly AccountEvent[])[],
  change: (item: Record<string, unknown>) => Record<string, unknown> | undefined = (item) => item,
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
      return next(args);
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
      Date.parse(NOON),
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
      item['version'] === 6 ? { ...bare(item), snapshots: { 1: 3 } } : item,
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
    ['says of one that is not there', { 1: 3 }],
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

describe('the history of a stream', () => {
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
