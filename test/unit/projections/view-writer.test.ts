import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { AccountId, Amount, Caller, Timestamp, TransferId, Version } from '../../../events/values.ts';
import { foldCommits, type ViewChanges } from '../../../functions/projections/fold-commits.ts';
import { createViewWriter } from '../../../functions/projections/view-writer.ts';
import { createMemoryLedger } from './memory-ledger.ts';

/** What one account with many deposits changes. */
const changes = (deposits: number) => {
  const ledger = createMemoryLedger();
  ledger.commit({ type: 'open', accountId: 'a', owner: 'alice', currency: 'EUR', overdraftLimit: 0 });
  for (let n = 1; n <= deposits; n += 1) ledger.commit({ type: 'deposit', accountId: 'a', amount: n });
  return foldCommits(
    undefined,
    ledger.committed.map(({ commit }) => commit),
  );
};

/** A table that takes only so many items of a batch; it notes how many it was sent each time. */
const crowdedTable = (takes: (sent: number) => number) => {
  const client = new DynamoDBClient({ region: 'us-east-1' });
  const sent: (number | string)[] = [];
  const waits: number[] = [];
  const puts: unknown[] = [];
  client.middlewareStack.add(
    (_, context) =>
      async ({ input }) => {
        const batch: unknown = 'RequestItems' in input ? input.RequestItems?.['views'] : undefined;
        const items = Array.isArray(batch) ? batch : [];
        puts.push(...items.map(({ PutRequest }) => PutRequest.Item));
        sent.push(Array.isArray(batch) ? items.length : String(context['commandName']));
        const rest = items.slice(takes(items.length));
        return { response: {}, output: { $metadata: {}, UnprocessedItems: rest.length > 0 ? { views: rest } : {} } };
      },
    { step: 'initialize' },
  );
  const writer = createViewWriter({
    client: DynamoDBDocumentClient.from(client),
    table: 'views',
    random: () => 1,
    sleep: async (milliseconds) => void waits.push(milliseconds),
  });
  return { writer, sent, waits, items: puts };
};

it('writes entries in batches of 25, and the summary last', async () => {
  const { writer, sent } = crowdedTable((items) => items);
  expect(await writer.write([changes(60)])).toEqual(new Set(['a']));
  expect(sent).toEqual([25, 25, 10, 'PutItemCommand']);
});

it('sends again what a batch left out, with growing waits between', async () => {
  const { writer, sent, waits } = crowdedTable(() => 10);
  await writer.write([changes(25)]);
  expect(sent).toEqual([25, 15, 5, 'PutItemCommand']);
  expect(waits).toEqual([50, 100]);
});

it('gives up after a while, and then does not move the summary on', async () => {
  const { writer, sent } = crowdedTable(() => 0);
  await expect(writer.write([changes(3)])).rejects.toThrow('3 rows were still not taken after 8 attempts');
  expect(sent).toEqual(Array(8).fill(3));
});

describe('a transfer whose steps come one after the other', () => {
  const { summary } = changes(1);
  const transferId = TransferId.parse('t1');
  const step = (accountId: string, version: number) => ({
    accountId: AccountId.parse(accountId),
    version: Version.parse(version),
    at: Timestamp.parse('2026-01-01T00:00:00.000Z'),
  });
  const reservation = {
    transferId,
    from: summary.accountId,
    to: AccountId.parse('b'),
    amount: Amount.parse(1),
    currency: summary.currency,
    correlationId: 'c',
    actor: Caller.parse('alice'),
    reserved: step('a', 3),
  };
  const saying = (...transfers: ViewChanges['transfers']): ViewChanges[] => [
    { follows: 1, summary, entries: [], transfers },
  ];
  const { from } = reservation;

  it('is put whole when it ends, by who has written the steps before', async () => {
    const { writer, sent, items } = crowdedTable((count) => count);
    await writer.write(saying(reservation));
    await writer.write(saying({ transferId, from, credited: step('b', 2) }));
    expect(sent).toEqual(['UpdateItemCommand', 'PutItemCommand', 'UpdateItemCommand', 'PutItemCommand']);
    await writer.write(saying({ transferId, from, settled: step('a', 4) }));
    expect(sent.slice(4)).toEqual([1, 'PutItemCommand']);
    const { reserved, ...rest } = reservation;
    expect(items).toEqual([
      {
        ...{ pk: 'transfer#t1', sk: 'from#a', order: `${reserved.at}#t1` },
        ...{ ...rest, reserved, credited: step('b', 2), settled: step('a', 4) },
      },
    ]);
  });

  it('is updated by who knows its end alone', async () => {
    const { writer, sent } = crowdedTable((count) => count);
    await writer.write(saying({ transferId, from, credited: step('b', 2), settled: step('a', 4) }));
    expect(sent).toEqual(['UpdateItemCommand', 'PutItemCommand']);
  });

  it('is updated where so many others came between that its first steps are forgotten', async () => {
    const { writer, sent } = crowdedTable((count) => count);
    await writer.write(saying(reservation));
    const others = Array.from({ length: 10_000 }, (_, n) => ({
      ...reservation,
      transferId: TransferId.parse(`o${n}`),
    }));
    await writer.write(saying(...others));
    sent.length = 0;
    await writer.write(saying({ transferId, from, credited: step('b', 2), settled: step('a', 4) }));
    expect(sent).toEqual(['UpdateItemCommand', 'PutItemCommand']);
  });
});
