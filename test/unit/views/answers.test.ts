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
const viewsOver = (...answers: (object | Error)[]) => {
  const client = new DynamoDBClient({ region: 'us-east-1', maxAttempts: 1 });
  const asked: object[] = [];
  client.middlewareStack.add(
    (_, context) =>
      async ({ input }) => {
        asked.push(input);
        const nothing =
          context['commandName'] === 'QueryCommand'
            ? { Items: [], Count: 0 }
            : { ConsumedCapacity: {} };
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
  ...{ correlationId: 'k', actor: 'alice', reserved: { accountId: 'a', version: 3, at } },
};
const account = {
  ...{
    accountId: 'a',
    owner: 'alice',
    currency: 'EUR',
    status: 'open',
    balance: 1,
    reserved: 0,
    available: 1,
  },
  ...{ overdraftLimit: 0, version: 7, openedAt: at },
};

/** Every way to read, with what is truly there. */
const reads: [string, object, (views: Views) => Promise<unknown>, unknown][] = [
  ['a summary', { ConsumedCapacity: {}, Item: account }, (views) => views.summaryVersion(a), 7],
  ['a transfer', { Items: [row] }, async (views) => (await views.transfer(t1))?.transferId, 't1'],
  [
    'a transfer of a source',
    { ConsumedCapacity: {}, Item: row },
    async (views) => (await views.transfer(t1, a))?.transferId,
    't1',
  ],
  ['open transfers', { Items: [row] }, openIds, ['t1']],
];

/** A search of several shards asks for each: here those for one are counted. */
const sameAs = (one: unknown) => (other: unknown) => isDeepStrictEqual(one, other);

describe.each(reads)('of %s', (_, answer, read, expected) => {
  it('an answer of 200 that says nothing is asked for again, and is never "there is none"', async () => {
    const { views, asked } = viewsOver({}, answer);
    expect(await read(views)).toEqual(expected);
    expect(asked[1]).toEqual(asked[0]);
  });

  it.each(['ThrottlingException', 'TimeoutError', 'InternalServerError'])(
    'a %s is asked again',
    async (name) => {
      const { views } = viewsOver(Object.assign(new Error(name), { name }), answer);
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
  const { views } = viewsOver(refused, { ConsumedCapacity: {}, Items: [row] });
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
  const { views, asked } = viewsOver(
    {},
    {},
    { ConsumedCapacity: {}, Item: account },
    ...Array(9).fill({}),
  );
  await expect(views.entries(a, { limit: 1 })).rejects.toSatisfy(isStoreUnavailable);
  // The summary took 60 of the 100, and a first wait for the entries takes 20.
  expect(asked).toHaveLength(5);

  const patient = viewsOver(
    ...Array(8)
      .fill([{}, {}, { Items: [] }])
      .flat(),
  );
  expect(await openIds(patient.views)).toEqual([]);
  expect(patient.asked).toHaveLength(24);
});

it('where there truly is nothing, nothing is found', async () => {
  const { views } = viewsOver();
  expect(await views.summaryVersion(a)).toBe(0);
  expect(await views.transfer(t1)).toBeUndefined();
  expect(await views.transfer(t1, a)).toBeUndefined();
  expect(await views.entries(a, { limit: 5 })).toEqual({ entries: [], asOfVersion: 0 });
  expect(await views.transfersOf(a, { limit: 5 })).toEqual({ transfers: [] });
  expect(await openIds(views)).toEqual([]);
});
