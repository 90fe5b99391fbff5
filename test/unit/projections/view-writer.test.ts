import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import {
  AccountId,
  Amount,
  Caller,
  Currency,
  Timestamp,
  TransferId,
  Version,
} from '../../../events/values.ts';
import type { ViewChanges } from '../../../functions/projections/fold-commits.ts';
import { createViewWriter } from '../../../functions/projections/view-writer.ts';

/** What the opening of many accounts changes: one row for each. */
const openings = (accounts: number): ViewChanges => ({
  accounts: Array.from({ length: accounts }, (_, n) => ({
    accountId: AccountId.parse(`a${n}`),
    owner: Caller.parse('alice'),
    openedAt: Timestamp.parse('2026-01-01T00:00:00.000Z'),
  })),
  transfers: [],
});

const nothingFailed = new Map();

/**
 * By when a write must be done, in milliseconds. The table's time begins at 0 and goes on with its
 * waits alone.
 */
const DEADLINE = 2_000;

interface Answer {
  readonly ConsumedCapacity?: unknown;
  readonly [attribute: string]: unknown;
}

/**
 * A table that takes only so many items of a batch, or fails at a request as it is told; it notes
 * what it was sent each time.
 */
const crowdedTable = (
  takes: (sent: number) => number,
  fault: (request: string, items: readonly { pk: string }[]) => Answer | undefined = () =>
    undefined,
) => {
  const client = new DynamoDBClient({ region: 'us-east-1' });
  const sent: (number | string)[] = [];
  const waits: number[] = [];
  const puts: unknown[] = [];
  const inputs: object[] = [];
  client.middlewareStack.add(
    (_, context) =>
      async ({ input }) => {
        const batch: unknown = 'RequestItems' in input ? input.RequestItems?.['views'] : undefined;
        const items = Array.isArray(batch) ? batch : [];
        puts.push(...items.map(({ PutRequest }) => PutRequest.Item));
        const request = String(context['commandName']);
        sent.push(Array.isArray(batch) ? items.length : request);
        inputs.push(input);
        const answer = fault(
          request,
          items.map(({ PutRequest }) => PutRequest.Item),
        );
        const rest = items.slice(takes(items.length));
        const taken = {
          ConsumedCapacity: {},
          UnprocessedItems: rest.length > 0 ? { views: rest } : {},
        };
        return { response: {}, output: { $metadata: {}, ...(answer ?? taken) } };
      },
    { step: 'initialize' },
  );
  let now = 0;
  const writer = createViewWriter({
    client: DynamoDBDocumentClient.from(client),
    table: 'views',
    clock: () => now,
    random: () => 1,
    sleep: async (milliseconds) => {
      waits.push(milliseconds);
      now += milliseconds;
    },
  });
  return { writer, sent, waits, items: puts, inputs };
};

const named = (name: string, more: object = {}) =>
  Object.assign(new Error(name), { name, ...more });

it('writes items in batches of 25', async () => {
  const { writer, sent } = crowdedTable((items) => items);
  expect(await writer.write(openings(60), DEADLINE)).toEqual(nothingFailed);
  expect(sent).toEqual([25, 25, 10]);
});

it('every row says of which schema it is', async () => {
  const { writer, items, inputs } = crowdedTable((count) => count);
  await writer.write(openings(2), DEADLINE);
  expect(items).toEqual([
    expect.objectContaining({ pk: 'account#a0', sk: 'account', schema: 3, owner: 'alice' }),
    expect.objectContaining({ pk: 'account#a1', sk: 'account', schema: 3 }),
  ]);
  // Without it a true answer could not be told from one that says nothing.
  expect(inputs).toMatchObject([{ ReturnConsumedCapacity: 'TOTAL' }]);
});

it('sends again what a batch left out, with growing waits between', async () => {
  const { writer, sent, waits } = crowdedTable(() => 10);
  await writer.write(openings(25), DEADLINE);
  expect(sent).toEqual([25, 15, 5]);
  expect(waits).toEqual([20, 40]);
});

it('gives up when the time is up, and says which rows are not written', async () => {
  const { writer, sent, waits } = crowdedTable(() => 0);
  const failed = await writer.write(openings(3), DEADLINE);
  expect([...failed.keys()]).toEqual([0, 1, 2].map((n) => `account#a${n} account`));
  // Whoever asks whether it may succeed another time hears yes.
  expect(failed.get('account#a1 account')).toMatchObject({
    code: 'store_unavailable',
    reason: 'throttled',
    cause: new Error('3 rows were still not taken when the time was up'),
  });
  expect(waits).toEqual([20, 40, 80, 160, 320, 640]);
  expect(sent).toEqual(Array(7).fill(3));
});

it('a batch that cannot be written keeps no other from being written', async () => {
  const refused = named('ValidationException', { $fault: 'client' });
  const { writer, sent } = crowdedTable(
    (count) => count,
    (_, items) => {
      if (items.some(({ pk }) => pk === 'account#a30')) throw refused;
      return undefined;
    },
  );
  const failed = await writer.write(openings(60), DEADLINE);
  expect(sent).toEqual([25, 25, 10]);
  expect([...failed.keys()]).toEqual(
    Array.from({ length: 25 }, (_, n) => `account#a${n + 25} account`),
  );
  expect(new Set(failed.values())).toEqual(new Set([refused]));
});

describe('what is not known to be written is written again', () => {
  /** Fails at the first request. */
  const once = (failure: () => Answer) => {
    let failed = false;
    return () => {
      if (failed) return undefined;
      failed = true;
      return failure();
    };
  };

  it('where it is answered with nothing', async () => {
    const { writer, sent } = crowdedTable(
      (count) => count,
      once(() => ({})),
    );
    expect(await writer.write(openings(3), DEADLINE)).toEqual(nothingFailed);
    expect(sent).toEqual([3, 3]);
  });

  it.each(['TimeoutError', 'ThrottlingException', 'InternalServerError'])(
    'after a %s',
    async (name) => {
      const fault = once(() => {
        throw named(name);
      });
      const { writer, sent } = crowdedTable((count) => count, fault);
      expect(await writer.write(openings(3), DEADLINE)).toEqual(nothingFailed);
      expect(sent).toEqual([3, 3]);
    },
  );

  it('but not where DynamoDB refuses the request itself', async () => {
    const refused = named('AccessDeniedException', { $fault: 'client' });
    const fault = once(() => {
      throw refused;
    });
    const { writer, sent } = crowdedTable((count) => count, fault);
    const failed = await writer.write(openings(3), DEADLINE);
    expect([...failed.values()]).toEqual([refused, refused, refused]);
    expect(sent).toEqual([3]);
  });
});

describe('a transfer whose steps come one after the other', () => {
  const transferId = TransferId.parse('t1');
  const step = (accountId: string, version: number) => ({
    accountId: AccountId.parse(accountId),
    version: Version.parse(version),
    at: Timestamp.parse('2026-01-01T00:00:00.000Z'),
  });
  const reservation = {
    transferId,
    from: AccountId.parse('a'),
    to: AccountId.parse('b'),
    amount: Amount.parse(1),
    currency: Currency.parse('EUR'),
    correlationId: 'c',
    actor: Caller.parse('alice'),
    reserved: step('a', 3),
  };
  const saying = (...transfers: ViewChanges['transfers']): ViewChanges => ({
    accounts: [],
    transfers,
  });
  const pointer = {
    schema: 3,
    transferId: 't1',
    from: 'a',
    version: 3,
    sk: `transfer#2026-01-01T00:00:00.000Z#t1#a`,
  };
  const pointers = [
    { pk: 'account#a', ...pointer },
    { pk: 'account#b', ...pointer },
  ];
  const { from } = reservation;

  it('is put whole when it ends, by who has written the steps before', async () => {
    const { writer, sent, items } = crowdedTable((count) => count);
    await writer.write(saying(reservation), DEADLINE);
    await writer.write(saying({ transferId, from, credited: step('b', 2) }), DEADLINE);
    expect(sent).toEqual([2, 'UpdateItemCommand', 'UpdateItemCommand']);
    expect(items).toEqual(pointers);
    await writer.write(saying({ transferId, from, settled: step('a', 4) }), DEADLINE);
    expect(sent.slice(3)).toEqual([1]);
    expect(items.slice(2)).toEqual([
      {
        ...{ pk: 'transfer#t1', sk: 'from#a', schema: 3 },
        ...{ ...reservation, credited: step('b', 2), settled: step('a', 4) },
      },
    ]);
  });

  it('is put whole where all its steps come together, after its pointers', async () => {
    const { writer, sent, items } = crowdedTable((count) => count);
    const all = { ...reservation, credited: step('b', 2), settled: step('a', 4) };
    await writer.write(saying(all), DEADLINE);
    expect(sent).toEqual([2, 1]);
    expect(items).toEqual([
      ...pointers,
      { ...{ pk: 'transfer#t1', sk: 'from#a', schema: 3 }, ...all },
    ]);
  });

  it('is put whole where it went the short way: three items, and never open', async () => {
    const { writer, sent, items } = crowdedTable((count) => count);
    const { reserved: _, ...terms } = reservation;
    await writer.write(
      saying({ ...terms, credited: step('b', 2), settled: step('a', 3) }),
      DEADLINE,
    );
    expect(sent).toEqual([2, 1]);
    expect(items).toEqual([
      ...pointers,
      {
        ...{ pk: 'transfer#t1', sk: 'from#a', schema: 3 },
        ...{ ...terms, credited: step('b', 2), settled: step('a', 3) },
      },
    ]);
  });

  it('has no row where its pointers could not be written, and neither later', async () => {
    const refused = named('AccessDeniedException', { $fault: 'client' });
    let isRefused = true;
    const { writer, sent } = crowdedTable(
      (count) => count,
      (request) => {
        if (isRefused && request === 'BatchWriteItemCommand') throw refused;
        return undefined;
      },
    );
    expect(await writer.write(saying(reservation), DEADLINE)).toEqual(
      new Map([['transfer#t1 from#a', refused]]),
    );
    expect(sent).toEqual([2]);
    isRefused = false;
    // It is not remembered, so its end does not make a row that the lists do not point to.
    await writer.write(
      saying({ transferId, from, credited: step('b', 2), settled: step('a', 4) }),
      DEADLINE,
    );
    expect(sent.slice(1)).toEqual(['UpdateItemCommand']);
  });

  /**
   * A table that holds a transfer of which the update of the first kind is refused for a reason.
   */
  const refusing = (error: Error) => {
    let refused = false;
    return crowdedTable(
      (count) => count,
      (request) => {
        if (refused || request !== 'UpdateItemCommand') return undefined;
        refused = true;
        throw error;
      },
    );
  };
  const updates = (inputs: readonly object[]) =>
    inputs.flatMap((input) =>
      'UpdateExpression' in input ? [String(input.UpdateExpression)] : [],
    );

  it('is open where its reservation is all that is known, and keeps the schema of whoever began its row', async () => {
    const { writer, inputs } = crowdedTable((count) => count);
    await writer.write(saying(reservation), DEADLINE);
    expect(updates(inputs)).toEqual([expect.stringContaining('#openShard = :openShard')]);
    expect(updates(inputs)).toEqual([
      expect.stringContaining('#schema = if_not_exists(#schema, :schema)'),
    ]);
  });

  it('is not opened again where it has ended', async () => {
    const { writer, inputs } = refusing(
      new ConditionalCheckFailedException({ message: 'no', $metadata: {} }),
    );
    await writer.write(saying(reservation), DEADLINE);
    expect(updates(inputs)).toEqual([
      expect.stringContaining('openShard'),
      expect.not.stringContaining('openShard'),
    ]);
  });

  it('is open, too, where its update was throttled: whatever else failed does not say that it has ended', async () => {
    const { writer, inputs } = refusing(named('ProvisionedThroughputExceededException'));
    await writer.write(saying(reservation), DEADLINE);
    expect(updates(inputs)).toEqual([
      expect.stringContaining('openShard'),
      expect.stringContaining('openShard'),
    ]);
  });

  it('has failed where DynamoDB refuses its update, and the others are written', async () => {
    const refused = named('AccessDeniedException', { $fault: 'client' });
    const { writer, sent } = refusing(refused);
    const other = { ...reservation, transferId: TransferId.parse('t2') };
    expect(await writer.write(saying(reservation, other), DEADLINE)).toEqual(
      new Map([['transfer#t1 from#a', refused]]),
    );
    expect(sent).toEqual([4, 'UpdateItemCommand', 'UpdateItemCommand']);
  });

  describe('is written by one update that says all of it, in names that DynamoDB does not reserve,', () => {
    const updated = async (change: ViewChanges['transfers'][number], error?: Error) => {
      const { writer, inputs } = error ? refusing(error) : crowdedTable((count) => count);
      await writer.write(saying(change), DEADLINE);
      return inputs.filter((input) => 'UpdateExpression' in input);
    };
    const sent = {
      TableName: 'views',
      Key: { pk: 'transfer#t1', sk: 'from#a' },
      ReturnConsumedCapacity: 'TOTAL',
    };
    const schema = '#schema = if_not_exists(#schema, :schema)';
    const row = reservation;
    const names = (...attributes: readonly string[]) =>
      Object.fromEntries(['schema', ...attributes].map((name) => [`#${name}`, name]));
    const values = (set: object) =>
      Object.fromEntries([
        [':schema', 3],
        ...Object.entries(set).map(([name, value]) => [`:${name}`, value]),
      ]);
    const assigned = (input: object | undefined) =>
      input && 'UpdateExpression' in input
        ? String(input.UpdateExpression).replace(/^SET /, '').split(', ').sort()
        : undefined;
    const assignments = (set: object) =>
      [schema.split(', '), ...Object.keys(set).map((name) => `#${name} = :${name}`)].flat().sort();

    it('where it is reserved: open, unless it has ended', async () => {
      const [update, ...others] = await updated(reservation);
      expect(others).toEqual([]);
      if (!update || !('ExpressionAttributeValues' in update))
        throw new Error('an update has values');
      const open = Object.fromEntries(
        Object.entries(update.ExpressionAttributeValues ?? {}).filter(([name]) =>
          name.startsWith(':open'),
        ),
      );
      expect(Object.keys(open).sort()).toEqual([':openShard', ':openSince']);
      const set = { ...row, openShard: open[':openShard'], openSince: open[':openSince'] };
      expect(update).toEqual({
        ...sent,
        UpdateExpression: expect.any(String),
        ConditionExpression: 'attribute_not_exists(settled) AND attribute_not_exists(released)',
        ExpressionAttributeNames: names(...Object.keys(set)),
        ExpressionAttributeValues: values(set),
      });
      expect(assigned(update)).toEqual(assignments(set));
    });
    it('where it is reserved and has ended before: without what makes it open, and whatever stands there', async () => {
      const [, update] = await updated(
        reservation,
        new ConditionalCheckFailedException({ message: 'no', $metadata: {} }),
      );
      expect(update).toEqual({
        ...sent,
        UpdateExpression: expect.any(String),
        ExpressionAttributeNames: names(...Object.keys(row)),
        ExpressionAttributeValues: values(row),
      });
      expect(assigned(update)).toEqual(assignments(row));
    });
    it('where it is credited: the credit waits in the row for its reservation', async () =>
      expect(await updated({ transferId, from, credited: step('b', 2) })).toEqual([
        {
          ...sent,
          UpdateExpression: `SET ${schema}, #credited = :credited`,
          ExpressionAttributeNames: names('credited'),
          ExpressionAttributeValues: values({ credited: step('b', 2) }),
        },
      ]));
    it.each([
      ['settled', { settled: step('a', 4) }],
      ['released', { released: { ...step('a', 4), reason: 'account_not_found' } }],
    ])('where it is %s: it is no longer open', async (name, end) =>
      expect(await updated({ transferId, from, ...end })).toEqual([
        {
          ...sent,
          UpdateExpression: `SET ${schema}, #${name} = :${name} REMOVE #openShard, #openSince`,
          ExpressionAttributeNames: names(name, 'openShard', 'openSince'),
          ExpressionAttributeValues: values(end),
        },
      ]),
    );
    it('of what is known, and nothing of what is not', async () => {
      const [update] = await updated({
        transferId,
        from,
        credited: step('b', 2),
        settled: undefined,
      });
      expect(update).toMatchObject({ UpdateExpression: `SET ${schema}, #credited = :credited` });
    });
  });

  it('is updated by who knows its end alone', async () => {
    const { writer, sent } = crowdedTable((count) => count);
    await writer.write(
      saying({ transferId, from, credited: step('b', 2), settled: step('a', 4) }),
      DEADLINE,
    );
    expect(sent).toEqual(['UpdateItemCommand']);
  });

  it('is updated where so many others came between that its first steps are forgotten', async () => {
    const { writer, sent } = crowdedTable((count) => count);
    await writer.write(saying(reservation), DEADLINE);
    const others = Array.from({ length: 10_000 }, (_, n) => ({
      ...reservation,
      transferId: TransferId.parse(`o${n}`),
    }));
    await writer.write(saying(...others), DEADLINE);
    sent.length = 0;
    await writer.write(
      saying({ transferId, from, credited: step('b', 2), settled: step('a', 4) }),
      DEADLINE,
    );
    expect(sent).toEqual(['UpdateItemCommand']);
  });
});
