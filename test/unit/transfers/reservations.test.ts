import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { expect, it, vi } from 'vitest';
import { AccountId } from '../../../events/values.ts';
import { isStoreUnavailable } from '../../../functions/runtime/unavailable.ts';
import {
  type AccountsPage,
  accountsThatReserved,
  openReservations,
  type ScanPosition,
} from '../../../functions/transfers/reservations.ts';
import { createMemoryLedger } from '../projections/memory-ledger.ts';

/** An events table that answers scans so, one after the other. */
const scanning = async (answers: object[], after?: ScanPosition) => {
  const asked: object[] = [];
  const client = new DynamoDBClient({ region: 'us-east-1' });
  client.middlewareStack.add(
    () =>
      async ({ input }) => {
        asked.push(input);
        return { response: {}, output: { $metadata: {}, ...answers.shift() } };
      },
    { step: 'initialize' },
  );
  let now = 0;
  const table = {
    client: DynamoDBDocumentClient.from(client),
    eventsTable: 'events',
    clock: () => now,
    random: () => 1,
    sleep: async (milliseconds: number) => {
      now += milliseconds;
    },
    budget: 100,
  };
  const pages: AccountsPage[] = [];
  const outcome = async () => {
    for await (const page of accountsThatReserved(table, after)) pages.push(page);
  };
  const error = await outcome().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return { pages, asked, error };
};

const at = (streamId: string, version = 1): ScanPosition => ({ streamId, version });

/** What a page of the table is answered with: whose commits reserve, and where it ends. */
const answer = (streamIds: readonly string[], last?: ScanPosition) => ({
  ConsumedCapacity: {},
  Items: streamIds.map((streamId) => ({ streamId })),
  ...(last ? { LastEvaluatedKey: last } : {}),
});

it('goes through every page of the events table, and names an account once whose commits lie together', async () => {
  const { pages, asked } = await scanning([
    answer(['a', 'a', 'b'], at('b', 4)),
    answer([], at('x')),
    answer(['b', 'c']),
  ]);
  expect(pages).toEqual([
    { accounts: ['a', 'b'], after: undefined, unreadable: [] },
    { accounts: [], after: at('b', 4), unreadable: [] },
    { accounts: ['c'], after: at('x'), unreadable: [] },
  ]);
  expect(
    asked.map((input) => ('ExclusiveStartKey' in input ? input.ExclusiveStartKey : undefined)),
  ).toEqual([undefined, at('b', 4), at('x')]);
  expect(asked[0]).toMatchObject({
    FilterExpression: 'attribute_exists(reserves)',
    ProjectionExpression: 'streamId',
    ConsistentRead: true,
    ReturnConsumedCapacity: 'TOTAL',
  });
});

it('goes on after a place', async () => {
  const { pages, asked } = await scanning([answer(['c'])], at('b', 4));
  expect(pages).toEqual([{ accounts: ['c'], after: at('b', 4), unreadable: [] }]);
  expect(asked).toMatchObject([{ ExclusiveStartKey: at('b', 4) }]);
});

it('passes over what can be no account, and says it', async () => {
  const { pages } = await scanning([answer(['a', 'no id!', 'no id!', 'b'])]);
  expect(pages).toEqual([{ accounts: ['a', 'b'], after: undefined, unreadable: ['no id!'] }]);
});

it('an answer that says nothing is asked for again, and is never the end of the table', async () => {
  const { pages, asked } = await scanning([{}, { ConsumedCapacity: {} }, answer(['a'])]);
  expect(pages).toMatchObject([{ accounts: ['a'] }]);
  expect(asked).toEqual([asked[0], asked[0], asked[0]]);
  const { error, pages: read } = await scanning([answer(['a'], at('a')), {}, {}, {}]);
  expect(error).toSatisfy(isStoreUnavailable);
  expect(read).toHaveLength(1);
});

it('an open reservation is looked for in its own commit, however long the stream is', async () => {
  const ledger = createMemoryLedger();
  ledger.commit(
    { type: 'open', accountId: 'a', owner: 'alice', currency: 'EUR', overdraftLimit: 0 },
    { type: 'deposit', accountId: 'a', amount: 100 },
  );
  for (const transferId of ['t1', 't2', 't3']) {
    ledger.commit({ type: 'reserve', accountId: 'a', transferId, to: 'b', amount: 1 });
  }
  ledger.commit({ type: 'settle', accountId: 'a', transferId: 't1' });
  const history = vi.fn(ledger.history);
  const found: string[] = [];
  for await (const { transfer } of openReservations(
    { ...ledger, history },
    AccountId.parse('a'),
    () => true,
  )) {
    found.push(transfer.transferId);
  }
  expect(found).toEqual(['t2', 't3']);
  expect(history.mock.calls.map(([, range]) => range)).toEqual([
    { from: 4, to: 4 },
    { from: 5, to: 5 },
  ]);
});
