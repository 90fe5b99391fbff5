import { isDeepStrictEqual } from 'node:util';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { AccountId, Timestamp, TransferId } from '../../../events/values.ts';
import { isStoreUnavailable } from '../../../functions/runtime/unavailable.ts';
import { createViews, type Views } from '../../../functions/views/views.ts';

const a = AccountId.parse('a');
const t1 = TransferId.parse('t1');

/**
 * Views over a DynamoDB that answers so; once these are used up, with what is true: there is
 * nothing.
 */
const viewsOver = (...answers: (object | Error)[]) => viewsOf({}, ...answers);

/** The same, where the row of every transfer that is looked up is there. */
const viewsWith = (...answers: (object | Error)[]) => viewsOf({ Item: row }, ...answers);

const viewsOf = (rows: object, ...answers: (object | Error)[]) => {
  const client = new DynamoDBClient({ region: 'us-east-1', maxAttempts: 1 });
  const asked: object[] = [];
  client.middlewareStack.add(
    (_, context) =>
      async ({ input }) => {
        asked.push(input);
        const nothing =
          context['commandName'] === 'QueryCommand'
            ? { Items: [], Count: 0 }
            : { ConsumedCapacity: {}, ...rows };
        const answer = answers.shift() ?? nothing;
        if (answer instanceof Error) throw answer;
        return { response: {}, output: { $metadata: { httpStatusCode: 200 }, ...answer } };
      },
    { step: 'initialize' },
  );
  let now = 0;
  const views = createViews({
    client: DynamoDBDocumentClient.from(client),
    table: 'views',
    clock: () => now,
    random: () => 1,
    sleep: async (milliseconds) => {
      now += milliseconds;
    },
    budget: 100,
    passOver: (row) => {
      throw row;
    },
  });
  return { views, asked };
};

const openIds = async (views: Views): Promise<string[]> => {
  const found: string[] = [];
  for await (const { transferId } of views.openTransfers(
    { before: Timestamp.parse(at) },
    () => {},
  )) {
    found.push(transferId);
  }
  return found;
};

const at = '2026-11-21T12:00:00.000Z';
const row = {
  ...{
    pk: 'transfer#t1',
    sk: 'from#a',
    transferId: 't1',
    from: 'a',
    to: 'b',
    amount: 1,
    currency: 'EUR',
  },
  schema: 3,
  ...{ correlationId: 'k', actor: 'alice', reserved: { accountId: 'a', version: 3, at } },
};
const openKey = { pk: 'transfer#t1', sk: 'from#a', openShard: 'open#0', openSince: at };
const pointer = {
  ...{ pk: 'account#a', sk: `transfer#${at}#t1#a`, schema: 3 },
  ...{ transferId: 't1', from: 'a', version: 3 },
};

/** Every way to read, with what is truly there. */
const reads: [string, object, (views: Views) => Promise<unknown>, unknown][] = [
  ['a transfer', { Items: [row] }, async (views) => (await views.transfer(t1))?.transferId, 't1'],
  [
    'a transfer of a source',
    { ConsumedCapacity: {}, Item: row },
    async (views) => (await views.transfer(t1, a))?.transferId,
    't1',
  ],
  ['open transfers', { Items: [openKey] }, openIds, ['t1']],
  [
    'transfers of an account',
    { Items: [pointer] },
    async (views) => {
      const { transfers } = await views.transfersOf(a, { limit: 5 });
      return transfers.map(({ transferId }) => transferId);
    },
    ['t1'],
  ],
];

/** A search of several shards asks for each: here those for one are counted. */
const sameAs = (one: unknown) => (other: unknown) => isDeepStrictEqual(one, other);

describe.each(reads)('of %s', (_, answer, read, expected) => {
  it('an answer of 200 that says nothing is asked for again, and is never "there is none"', async () => {
    const { views, asked } = viewsWith({}, answer);
    expect(await read(views)).toEqual(expected);
    expect(asked[1]).toEqual(asked[0]);
  });

  it.each(['ThrottlingException', 'TimeoutError', 'InternalServerError'])(
    'a %s is asked again',
    async (name) => {
      const { views } = viewsWith(Object.assign(new Error(name), { name }), answer);
      expect(await read(views)).toEqual(expected);
    },
  );

  it('no answer in time is said, as that: nothing is concluded', async () => {
    const { views, asked } = viewsOver(...Array(9).fill({}));
    await expect(read(views)).rejects.toSatisfy(isStoreUnavailable);
    // Waits of 20 and 40; one of 80 would pass the 100.
    expect(asked.filter(sameAs(asked[0]))).toHaveLength(3);
  });

  it('a request that DynamoDB refuses is not sent again', async () => {
    const refused = Object.assign(new Error('no right'), {
      name: 'AccessDeniedException',
      $fault: 'client',
    });
    const { views, asked } = viewsOver(refused);
    await expect(read(views)).rejects.toBe(refused);
    expect(asked.filter(sameAs(asked[0]))).toHaveLength(1);
  });
});

it('an open shard that cannot be read keeps no other from being found', async () => {
  const refused = Object.assign(new Error('no right'), {
    name: 'AccessDeniedException',
    $fault: 'client',
  });
  const { views } = viewsWith(refused, { ConsumedCapacity: {}, Items: [openKey] });
  const found: string[] = [];
  const search = async () => {
    for await (const { transferId } of views.openTransfers(
      { before: Timestamp.parse(at) },
      () => {},
    ))
      found.push(transferId);
  };
  await expect(search()).rejects.toBe(refused);
  expect(found).toEqual(['t1']);
});

it('of a list, the pages have one time for all, and each open shard its own', async () => {
  const { views, asked } = viewsOver({}, {}, { Items: [pointer] }, ...Array(9).fill({}));
  await expect(views.transfersOf(a, { limit: 1 })).rejects.toSatisfy(isStoreUnavailable);
  // The pointers took 60 of the 100, and a first wait for the rows takes 20.
  expect(asked).toHaveLength(5);

  const patient = viewsOver(
    ...Array(8)
      .fill([{}, {}, { Items: [] }])
      .flat(),
  );
  expect(await openIds(patient.views)).toEqual([]);
  expect(patient.asked).toHaveLength(24);
});

it('an open transfer that has ended since, or whose row is gone, is none', async () => {
  const end = { accountId: 'a', version: 5, at };
  for (const Item of [
    { ...row, settled: end },
    { ...row, released: { ...end, reason: 'r' } },
  ]) {
    expect(await openIds(viewsOf({ Item }, { Items: [openKey] }).views)).toEqual([]);
  }
  expect(await openIds(viewsOver({ Items: [openKey] }).views)).toEqual([]);
});

it('where there truly is nothing, nothing is found', async () => {
  const { views } = viewsOver();
  expect(await views.transfer(t1)).toBeUndefined();
  expect(await views.transfer(t1, a)).toBeUndefined();
  expect(await views.transfersOf(a, { limit: 5 })).toEqual({ transfers: [] });
  expect(await openIds(views)).toEqual([]);
});
