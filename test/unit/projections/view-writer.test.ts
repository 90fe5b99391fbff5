import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { expect, it } from 'vitest';
import { foldCommits } from '../../../functions/projections/fold-commits.ts';
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
  client.middlewareStack.add(
    (_, context) =>
      async ({ input }) => {
        const batch: unknown = 'RequestItems' in input ? input.RequestItems?.['views'] : undefined;
        const items = Array.isArray(batch) ? batch : [];
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
  return { writer, sent, waits };
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
