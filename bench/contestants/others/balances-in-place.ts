import {
  type DynamoDBDocumentClient,
  ScanCommand,
  TransactWriteCommand,
} from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import { failureOf } from '../../../functions/runtime/failure.ts';
import type { Audited } from '../../audit/ledger.ts';
import { hold } from '../../audit/rule.ts';
import type { Transfer } from '../../load/ledger-requests.ts';
import { writeAll } from '../../load/plant.ts';
import { OPENING_BALANCE } from '../../load/workload.ts';
import { createMeter, meteredClient } from '../../metering.ts';
import type { Contestant } from '../contestant.ts';
import { retryWithFullJitter } from './retry.ts';

/**
 * Balances in place: the design that most would build on DynamoDB. One transaction takes the amount
 * from one balance, where there is enough, adds it to the other, and puts a record of the transfer.
 * It reads nothing before, and keeps no earlier balance and no reason. A transaction that met
 * another is sent again with full jitter. Callers share nothing.
 */
export const balancesInPlace = (): Contestant => ({
  name: 'balances in place, no history',
  open: async (engine, workloads) => {
    const database = await engine.database();
    // The table that has no stream: nothing here needs one.
    const table = database.tables.commands;
    const meter = createMeter();
    const direct = meteredClient({ config: database.direct }, createMeter());
    const accounts = workloads.flatMap((workload) => workload.accounts);
    const balances = accounts.map((id) => ({ key: balanceKey(id), balance: OPENING_BALANCE }));
    await writeAll(direct, table, balances);

    const most = Math.max(...workloads.map(({ concurrency }) => concurrency));
    const clients = Array.from({ length: most }, () => meteredClient(database, meter));
    return {
      transfer: (transfer, caller, signal) => {
        const client = clients[caller] ?? direct;
        return retryWithFullJitter(signal, () => transferOnce(client, table, transfer));
      },
      usage: meter.take,
      audit: (heard) => auditBalances(direct, table, accounts, heard),
      close: async () => {
        for (const client of [direct, ...clients]) client.destroy();
      },
    };
  },
});

const balanceKey = (accountId: string) => `balance:${accountId}`;
const transferKey = (transferId: string) => `transfer:${transferId}`;

/** @returns `undefined` where nothing was written, or that is unknown, and it may be sent again. */
const transferOnce = async (
  client: DynamoDBDocumentClient,
  table: string,
  { id, from, to, amount }: Transfer,
): Promise<string | undefined> => {
  const common = {
    TableName: table,
    ExpressionAttributeNames: { '#balance': 'balance' },
    ExpressionAttributeValues: { ':amount': amount },
  };
  try {
    await client.send(
      new TransactWriteCommand({
        TransactItems: [
          {
            Put: {
              TableName: table,
              Item: { key: transferKey(id), from, to, amount, at: new Date().toISOString() },
              ConditionExpression: 'attribute_not_exists(#key)',
              ExpressionAttributeNames: { '#key': 'key' },
            },
          },
          {
            Update: {
              ...common,
              Key: { key: balanceKey(from) },
              UpdateExpression: 'SET #balance = #balance - :amount',
              ConditionExpression: '#balance >= :amount',
            },
          },
          {
            Update: {
              ...common,
              Key: { key: balanceKey(to) },
              UpdateExpression: 'SET #balance = #balance + :amount',
              ConditionExpression: 'attribute_exists(#balance)',
            },
          },
        ],
      }),
    );
    return 'settled';
  } catch (error) {
    const failure = failureOf(error);
    if (failure.kind !== 'condition') return undefined;
    // It met its own record: an attempt whose result was unknown had landed.
    return failure.items[0] === 'not_known' ? 'insufficient_funds' : 'settled';
  }
};

const Item = z.object({
  key: z.string(),
  balance: z.optional(z.int()),
  from: z.optional(z.string()),
  to: z.optional(z.string()),
  amount: z.optional(z.int()),
});

/**
 * Checks that each settled transfer has its record and no other has one, and that every balance
 * follows from the records.
 */
const auditBalances = async (
  client: DynamoDBDocumentClient,
  table: string,
  accounts: readonly string[],
  heard: ReadonlyMap<string, string>,
): Promise<Audited> => {
  const expected = new Map(accounts.map((id) => [balanceKey(id), OPENING_BALANCE]));
  const add = (id: string, amount: number) =>
    expected.set(balanceKey(id), (expected.get(balanceKey(id)) ?? 0) + amount);
  const balances = new Map<string, number>();
  const records = new Set<string>();
  for (const { key, balance, from, to, amount = 0 } of await allItems(client, table)) {
    if (balance !== undefined) balances.set(key, balance);
    if (from === undefined || to === undefined) continue;
    records.add(key);
    add(from, -amount);
    add(to, amount);
  }
  for (const [id, outcome] of heard) {
    hold(
      records.has(transferKey(id)) === (outcome === 'settled'),
      `the caller heard "${outcome}" of transfer ${id}`,
    );
  }
  for (const [key, balance] of expected)
    hold(balances.get(key) === balance, `${key} is ${balances.get(key)}, and should be ${balance}`);
  return { streams: 0, events: 0, commands: records.size };
};

const allItems = async (client: DynamoDBDocumentClient, table: string) => {
  const items: z.infer<typeof Item>[] = [];
  let cursor: Record<string, unknown> | undefined;
  do {
    const { Items = [], LastEvaluatedKey } = await client.send(
      new ScanCommand({
        TableName: table,
        ConsistentRead: true,
        ...(cursor ? { ExclusiveStartKey: cursor } : {}),
      }),
    );
    items.push(...Items.map((item) => Item.parse(item)));
    cursor = LastEvaluatedKey;
  } while (cursor);
  return items;
};
