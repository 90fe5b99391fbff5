import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { expect, it } from 'vitest';
import { isStoreUnavailable } from '../../../functions/runtime/unavailable.ts';
import {
  type AccountsPage,
  accountsThatReserved,
  type ScanPosition,
} from '../../../functions/transfers/reservations.ts';

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
    budget: 50,
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

it('goes through every page of the events table, and names an account once', async () => {
  const { pages, asked } = await scanning([
    answer(['a', 'b', 'a'], at('b', 4)),
    answer([], at('x')),
    answer(['b', 'c']),
  ]);
  expect(pages).toEqual([
    { accounts: ['a', 'b'], after: undefined, unreadable: [] },
    { accounts: [], after: at('b', 4), unreadable: [] },
    { accounts: ['c'], after: at('x'), unreadable: [] },
  ]);
  expect(asked.map((input) => ('ExclusiveStartKey' in input ? input.ExclusiveStartKey : undefined))).toEqual([
    undefined,
    at('b', 4),
    at('x'),
  ]);
  expect(asked[0]).toMatchObject({
    FilterExpression: 'attribute_exists(reserves)',
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
  const { pages, asked } = await scanning([{}, answer(['a'])]);
  expect(pages).toMatchObject([{ accounts: ['a'] }]);
  expect(asked[1]).toEqual(asked[0]);
  const { error, pages: read } = await scanning([answer(['a'], at('a')), {}, {}, {}]);
  expect(error).toSatisfy(isStoreUnavailable);
  expect(read).toHaveLength(1);
});
