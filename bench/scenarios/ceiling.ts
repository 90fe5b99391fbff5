import {
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import type { Ceiling, CeilingRow } from '../ceiling.ts';
import type { Database, Engine } from '../engine.ts';
import { inTurns, stepsInTurns } from '../in-turns.ts';
import { amount } from '../report/numbers.ts';
import type { Table } from '../report/table.ts';
import type { Findings, Scenario } from '../scenario.ts';
import { median } from '../statistics.ts';

/**
 * How much the engine itself does in this run for a client that does nothing else: results are
 * compared with this.
 */
export const ceiling: Scenario = {
  name: 'ceiling',
  summary: 'what the engine does bare: conditional put, transaction of two, consistent get',
  run: async (context): Promise<Findings & { readonly figures: Ceiling }> => {
    const turns = CONCURRENCIES.map((concurrency) => ({
      name: `${concurrency} at once`,
      measure: (engine: Engine) => measureRow(engine, concurrency),
    }));
    context.progress.start('ceiling', stepsInTurns(context.runs, turns));
    const measured = await inTurns(context, turns);
    const byConcurrency = measured.map((rows, index): CeilingRow => {
      const middle = (of: 'put' | 'transaction' | 'get') => median(rows.map((row) => row[of]));
      return {
        concurrency: CONCURRENCIES[index] ?? 0,
        put: middle('put'),
        transaction: middle('transaction'),
        get: middle('get'),
      };
    });
    return { tables: [tableOf(byConcurrency)], targets: [], figures: { byConcurrency } };
  },
};

const CONCURRENCIES = [1, 4, 16, 100];

/**
 * How long each kind of request is repeated, in milliseconds, after a part of that time to warm up.
 */
const MEASURED_MS = 700;
const WARM_UP_MS = 200;

const tableOf = (rows: readonly CeilingRow[]): Table => ({
  title: 'The ceiling: requests a second that the engine does bare',
  columns: ['at once', 'conditional put', 'transaction of two', 'consistent get'],
  rows: rows.map(({ concurrency, put, transaction, get }) => [
    amount(concurrency),
    amount(put),
    amount(transaction),
    amount(get),
  ]),
  note: 'Items of 500 bytes into tables with streams, through the SDK, from one process on the same machine.',
});

const measureRow = async (engine: Engine, concurrency: number): Promise<CeilingRow> => {
  const database = await engine.database();
  const client = new DynamoDBClient({ ...database.config, maxAttempts: 1 });
  try {
    const { put, transaction, get } = operations(client, database);
    return {
      concurrency,
      put: await rateOf(put, concurrency),
      transaction: await rateOf(transaction, concurrency),
      get: await rateOf(get, concurrency),
    };
  } finally {
    client.destroy();
  }
};

type Operation = (worker: number, n: number) => Promise<unknown>;

const operations = (client: DynamoDBClient, { tables }: Database) => {
  const commit = (streamId: string, n: number) => ({
    TableName: tables.events,
    Item: { streamId: { S: streamId }, version: { N: String(n) }, filler: { S: filler } },
    ConditionExpression: 'attribute_not_exists(streamId)',
  });
  const record = (streamId: string, n: number) => ({
    TableName: tables.commands,
    Item: { key: { S: `${streamId}/${n}` }, filler: { S: filler } },
    ConditionExpression: 'attribute_not_exists(#key)',
    ExpressionAttributeNames: { '#key': 'key' },
  });
  const put: Operation = (worker, n) => client.send(new PutItemCommand(commit(`put-${worker}`, n)));
  const transaction: Operation = (worker, n) =>
    client.send(
      new TransactWriteItemsCommand({
        TransactItems: [{ Put: commit(`both-${worker}`, n) }, { Put: record(`both-${worker}`, n) }],
      }),
    );
  const get: Operation = (worker) =>
    client.send(
      new GetItemCommand({
        TableName: tables.events,
        Key: { streamId: { S: `put-${worker}` }, version: { N: '1' } },
        ConsistentRead: true,
      }),
    );
  return { put, transaction, get };
};

const filler = 'x'.repeat(450);

const rateOf = async (operation: Operation, concurrency: number): Promise<number> => {
  const begin = performance.now() + WARM_UP_MS;
  const end = begin + MEASURED_MS;
  let counted = 0;
  const work = async (worker: number): Promise<void> => {
    for (let n = 1; performance.now() < end; n += 1) {
      await operation(worker, n);
      const now = performance.now();
      if (now >= begin && now < end) counted += 1;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, (_, worker) => work(worker)));
  return counted / (MEASURED_MS / 1_000);
};
