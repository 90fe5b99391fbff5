import { setTimeout } from 'node:timers/promises';
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import { fullJitter } from '../../../functions/runtime/patience.ts';
import { hold } from '../../audit/rule.ts';
import type { Transfer } from '../../load/ledger-requests.ts';
import { OPENING_BALANCE } from '../../load/workload.ts';
import { createMeter, meteredClient } from '../../metering.ts';
import type { Contestant } from '../contestant.ts';

/** The decision at one version of the bank, and all accounts after it. */
const BankCommit = z.object({
  version: z.int(),
  transfer: z.optional(
    z.object({ id: z.string(), from: z.string(), to: z.string(), amount: z.int() }),
  ),
  balances: z.record(z.string(), z.int()),
});
type BankCommit = z.infer<typeof BankCommit>;

/**
 * One aggregate for all accounts: a transfer is one commit and needs no saga, but every transfer of
 * the whole bank is appended to the same stream, and carries the state of all accounts. Callers
 * share nothing: load, decide, append, and after a lost race wait with full jitter and load again,
 * for as long as a Lambda would.
 */
export const oneAggregate = (): Contestant => ({
  name: 'one aggregate for all accounts',
  open: async (engine, workloads) => {
    const database = await engine.database();
    const table = database.tables.events;
    const meter = createMeter();
    const direct = meteredClient({ config: database.direct }, createMeter());
    const accounts = workloads.flatMap((workload) => workload.accounts);
    const balances = Object.fromEntries(accounts.map((id) => [id, OPENING_BALANCE]));
    await append(direct, table, { version: 1, balances });

    const most = Math.max(...workloads.map(({ concurrency }) => concurrency));
    const clients = Array.from({ length: most }, () => meteredClient(database, meter));
    return {
      transfer: (transfer, caller) => transferOnce(clients[caller] ?? direct, table, transfer),
      usage: meter.take,
      audit: async (heard) => {
        const commits = await allCommits(direct, table);
        const transfers = holdFold(commits);
        for (const [id, outcome] of heard) {
          hold(
            transfers.has(id) === (outcome === 'settled'),
            `the caller heard "${outcome}" of transfer ${id}`,
          );
        }
        return { streams: 1, events: commits.length, commands: 0 };
      },
      close: async () => {
        for (const client of [direct, ...clients]) client.destroy();
      },
    };
  },
});

/** What a Lambda allows one command, in milliseconds; see functions/store/from-environment.ts. */
const BUDGET_MS = 8_000;

const transferOnce = async (
  client: DynamoDBDocumentClient,
  table: string,
  transfer: Transfer,
): Promise<string> => {
  const { from, to, amount } = transfer;
  const deadline = performance.now() + BUDGET_MS;
  for (let attempt = 0; performance.now() < deadline; attempt += 1) {
    const [last] = await page(client, table, { ScanIndexForward: false, Limit: 1 });
    if (!last) throw new Error('there is no bank');
    const { version, balances } = last;
    const [source = 0, destination = 0] = [balances[from], balances[to]];
    if (source < amount) return 'insufficient_funds';
    const next = { ...balances, [from]: source - amount, [to]: destination + amount };
    if (await append(client, table, { version: version + 1, transfer, balances: next }))
      return 'settled';
    await setTimeout(fullJitter(attempt, Math.random, 20, 1_000));
  }
  return 'contention';
};

/** The one stream. */
const streamId = 'bank';

/** @returns whether the version was still free. */
const append = async (
  client: DynamoDBDocumentClient,
  table: string,
  commit: BankCommit,
): Promise<boolean> => {
  const Item = { streamId, ...commit };
  const ConditionExpression = 'attribute_not_exists(streamId)';
  try {
    await client.send(new PutCommand({ TableName: table, Item, ConditionExpression }));
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
};

const page = async (
  client: DynamoDBDocumentClient,
  table: string,
  options: { readonly ScanIndexForward: boolean; readonly Limit: number },
  after = options.ScanIndexForward ? 0 : Number.MAX_SAFE_INTEGER,
): Promise<BankCommit[]> => {
  const { Items = [] } = await client.send(
    new QueryCommand({
      TableName: table,
      KeyConditionExpression: `streamId = :bank AND #version ${options.ScanIndexForward ? '>' : '<='} :version`,
      ExpressionAttributeNames: { '#version': 'version' },
      ExpressionAttributeValues: { ':bank': streamId, ':version': after },
      ConsistentRead: true,
      ...options,
    }),
  );
  return Items.map((item) => BankCommit.parse(item));
};

const allCommits = async (client: DynamoDBDocumentClient, table: string): Promise<BankCommit[]> => {
  const commits: BankCommit[] = [];
  for (let last = 0; ; last = commits.length) {
    const next = await page(client, table, { ScanIndexForward: true, Limit: 1_000 }, last);
    if (next.length === 0) return commits;
    commits.push(...next);
  }
};

/**
 * Checks that versions have no gap, that each transfer is there once, and that the balances follow
 * from the transfers.
 * @returns their ids.
 */
const holdFold = ([first, ...others]: readonly BankCommit[]): ReadonlySet<string> => {
  const balances = new Map(Object.entries(first?.balances ?? {}));
  const transfers = new Set<string>();
  for (const [index, { version, transfer, balances: said }] of others.entries()) {
    hold(version === index + 2, `version ${version} of the bank follows ${index + 1}`);
    if (!transfer) continue;
    const { id, from, to, amount } = transfer;
    hold(!transfers.has(id), `transfer ${id} was made twice`);
    transfers.add(id);
    balances.set(from, (balances.get(from) ?? 0) - amount);
    balances.set(to, (balances.get(to) ?? 0) + amount);
    const wrong = Object.entries(said).find(
      ([account, balance]) => balances.get(account) !== balance,
    );
    hold(wrong === undefined, `version ${version} of the bank says ${wrong?.join(': ')}`);
  }
  return transfers;
};
