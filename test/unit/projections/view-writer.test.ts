import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import {
  AccountId,
  Amount,
  Caller,
  Timestamp,
  TransferId,
  Version,
} from '../../../events/values.ts';
import { foldCommits, type ViewChanges } from '../../../functions/projections/fold-commits.ts';
import { createViewWriter } from '../../../functions/projections/view-writer.ts';
import { createMemoryLedger } from './memory-ledger.ts';

/** What one account with many deposits changes. */
const changes = (deposits: number) => {
  const ledger = createMemoryLedger();
  ledger.commit({
    type: 'open',
    accountId: 'a',
    owner: 'alice',
    currency: 'EUR',
    overdraftLimit: 0,
  });
  for (let n = 1; n <= deposits; n += 1)
    ledger.commit({ type: 'deposit', accountId: 'a', amount: n });
  return foldCommits(
    undefined,
    ledger.committed.map(({ commit }) => commit),
  );
};

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
  fault: (request: string) => Answer | undefined = () => undefined,
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
        const answer = fault(request);
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

it('writes entries in batches of 25, and the summary last', async () => {
  const { writer, sent } = crowdedTable((items) => items);
  expect(await writer.write([changes(60)], DEADLINE)).toEqual(new Set(['a']));
  expect(sent).toEqual([25, 25, 10, 'PutItemCommand']);
});

it('every row says of which schema it is', async () => {
  const { writer, items, inputs } = crowdedTable((count) => count);
  await writer.write([changes(2)], DEADLINE);
  expect(items).toEqual([
    expect.objectContaining({ schema: 1 }),
    expect.objectContaining({ schema: 1 }),
  ]);
  expect(inputs.at(-1)).toMatchObject({ Item: { pk: 'account#a', sk: 'summary', schema: 1 } });
  // Without it a true answer could not be told from one that says nothing.
  expect(inputs).toMatchObject([
    { ReturnConsumedCapacity: 'TOTAL' },
    { ReturnConsumedCapacity: 'TOTAL' },
  ]);
});

it('sends again what a batch left out, with growing waits between', async () => {
  const { writer, sent, waits } = crowdedTable(() => 10);
  await writer.write([changes(25)], DEADLINE);
  expect(sent).toEqual([25, 15, 5, 'PutItemCommand']);
  expect(waits).toEqual([20, 40]);
});

it('gives up when the time is up, and then does not move the summary on', async () => {
  const { writer, sent, waits } = crowdedTable(() => 0);
  await expect(writer.write([changes(3)], DEADLINE)).rejects.toThrow(
    '3 rows were still not taken when the time was up',
  );
  expect(waits).toEqual([20, 40, 80, 160, 320, 640]);
  expect(sent).toEqual(Array(7).fill(3));
});

describe('what is not known to be written is written again', () => {
  /** Fails at the first request of its kind. */
  const once = (kind: string, failure: () => Answer) => {
    let failed = false;
    return (request: string) => {
      if (failed || request !== kind) return undefined;
      failed = true;
      return failure();
    };
  };

  it.each(['BatchWriteItemCommand', 'PutItemCommand'])(
    'where %s is answered with nothing',
    async (kind) => {
      const { writer, sent } = crowdedTable(
        (count) => count,
        once(kind, () => ({})),
      );
      expect(await writer.write([changes(3)], DEADLINE)).toEqual(new Set(['a']));
      expect(sent).toHaveLength(3);
    },
  );

  it.each(['TimeoutError', 'ThrottlingException', 'InternalServerError'])(
    'after a %s',
    async (name) => {
      const fault = once('BatchWriteItemCommand', () => {
        throw named(name);
      });
      const { writer, sent } = crowdedTable((count) => count, fault);
      expect(await writer.write([changes(3)], DEADLINE)).toEqual(new Set(['a']));
      expect(sent).toEqual([3, 3, 'PutItemCommand']);
    },
  );

  it('but not where DynamoDB refuses the request itself', async () => {
    const refused = named('AccessDeniedException', { $fault: 'client' });
    const fault = once('BatchWriteItemCommand', () => {
      throw refused;
    });
    const { writer, sent } = crowdedTable((count) => count, fault);
    await expect(writer.write([changes(3)], DEADLINE)).rejects.toBe(refused);
    expect(sent).toEqual([3]);
  });
});

describe('a summary', () => {
  const writing = (error: Error) =>
    crowdedTable(
      (count) => count,
      (request) => {
        if (request === 'PutItemCommand') throw error;
        return undefined;
      },
    );

  it('that no longer is the one that the changes follow is left to whoever moved it on', async () => {
    const held = new ConditionalCheckFailedException({ message: 'no', $metadata: {} });
    expect(await writing(held).writer.write([changes(1)], DEADLINE)).toEqual(new Set());
  });

  it('that could not be written for another reason was moved on by nobody: the write has failed', async () => {
    const refused = named('ValidationException', { $fault: 'client' });
    await expect(writing(refused).writer.write([changes(1)], DEADLINE)).rejects.toBe(refused);
  });
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
    await writer.write(saying(reservation), DEADLINE);
    await writer.write(saying({ transferId, from, credited: step('b', 2) }), DEADLINE);
    expect(sent).toEqual([
      'UpdateItemCommand',
      'PutItemCommand',
      'UpdateItemCommand',
      'PutItemCommand',
    ]);
    await writer.write(saying({ transferId, from, settled: step('a', 4) }), DEADLINE);
    expect(sent.slice(4)).toEqual([1, 'PutItemCommand']);
    const { reserved, ...rest } = reservation;
    expect(items).toEqual([
      {
        ...{ pk: 'transfer#t1', sk: 'from#a', schema: 1, order: `${reserved.at}#t1` },
        ...{ ...rest, reserved, credited: step('b', 2), settled: step('a', 4) },
      },
    ]);
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

  it('is not written at all where DynamoDB refuses its update, and its summary is not moved on', async () => {
    const refused = named('AccessDeniedException', { $fault: 'client' });
    const { writer, sent } = refusing(refused);
    await expect(writer.write(saying(reservation), DEADLINE)).rejects.toBe(refused);
    expect(sent).toEqual(['UpdateItemCommand']);
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
    const { reserved, ...terms } = reservation;
    const order = `${reserved.at}#t1`;
    const row = { ...terms, reserved, order };
    const names = (...attributes: readonly string[]) =>
      Object.fromEntries(['schema', ...attributes].map((name) => [`#${name}`, name]));
    const values = (set: object) =>
      Object.fromEntries([
        [':schema', 1],
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
    expect(sent).toEqual(['UpdateItemCommand', 'PutItemCommand']);
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
    expect(sent).toEqual(['UpdateItemCommand', 'PutItemCommand']);
  });
});

describe('the summary of an account', () => {
  const following = (follows: number): ViewChanges => ({ ...changes(1), follows });
  const a = AccountId.parse('a');
  const standsAt = {
    ConditionExpression: '#version = :version',
    ExpressionAttributeNames: { '#version': 'version' },
    ExpressionAttributeValues: { ':version': 5 },
  };
  const isFree = { ConditionExpression: 'attribute_not_exists(pk)' };
  const isWithoutVersion = {
    ConditionExpression: 'NOT attribute_type(#version, :number)',
    ExpressionAttributeNames: { '#version': 'version' },
    ExpressionAttributeValues: { ':number': 'N' },
  };
  const put = {
    TableName: 'views',
    Item: expect.objectContaining({ pk: 'account#a', version: 2 }),
  };

  it.each([
    [0, isFree],
    [5, standsAt],
  ])('is moved on where it still is the one of version %i', async (follows, condition) => {
    const { writer, inputs } = crowdedTable((count) => count);
    await writer.write([following(follows)], DEADLINE);
    expect(inputs.at(-1)).toEqual({ ...put, ...condition, ReturnConsumedCapacity: 'TOTAL' });
  });

  it.each([
    [0, isFree],
    [5, standsAt],
    ['without_version', isWithoutVersion],
  ] as const)('is replaced where what stood there still does: %s', async (standing, condition) => {
    const { writer, inputs } = crowdedTable((count) => count);
    expect(await writer.replaceSummary(changes(1).summary, standing, DEADLINE)).toBe(true);
    expect(inputs).toEqual([{ ...put, ...condition, ReturnConsumedCapacity: 'TOTAL' }]);
  });

  it('is not replaced where that has changed', async () => {
    const { writer } = crowdedTable(
      (count) => count,
      () => {
        throw new ConditionalCheckFailedException({ message: 'no', $metadata: {} });
      },
    );
    expect(await writer.replaceSummary(changes(1).summary, 5, DEADLINE)).toBe(false);
  });

  it.each([
    ['a version', { version: 7 }, 7],
    ['a version that is none', { version: 'seven' }, 'without_version'],
    ['no version', { balance: 1 }, 'without_version'],
  ])('stands there with %s', async (_, item, standing) => {
    const { writer, inputs } = crowdedTable(
      (count) => count,
      () => ({ ConsumedCapacity: {}, Item: item }),
    );
    expect(await writer.standing(a, DEADLINE)).toBe(standing);
    expect(inputs).toMatchObject([
      { TableName: 'views', Key: { pk: 'account#a', sk: 'summary' }, ConsistentRead: true },
    ]);
  });
  it('is read strongly consistent, and is none where there is none', async () => {
    const { writer, inputs } = crowdedTable((count) => count);
    expect(await writer.summary(a, DEADLINE)).toBeUndefined();
    expect(inputs).toMatchObject([
      { Key: { pk: 'account#a', sk: 'summary' }, ConsistentRead: true },
    ]);
  });
  it('does not stand there at all', async () =>
    expect(await crowdedTable((count) => count).writer.standing(a, DEADLINE)).toBe(0));

  it('is known as it was written last, until another writer moves it on or it is made anew', async () => {
    let isHeld = false;
    const { writer } = crowdedTable(
      (count) => count,
      (request) => {
        if (isHeld && request === 'PutItemCommand') {
          throw new ConditionalCheckFailedException({ message: 'no', $metadata: {} });
        }
        return undefined;
      },
    );
    expect(writer.known(a)).toBeUndefined();
    const first = changes(1);
    await writer.write([first], DEADLINE);
    expect(writer.known(a)).toEqual(first.summary);
    isHeld = true;
    await writer.write([following(2)], DEADLINE);
    expect(writer.known(a)).toBeUndefined();
    isHeld = false;
    await writer.write([first], DEADLINE);
    await writer.replaceSummary(first.summary, 2, DEADLINE);
    expect(writer.known(a)).toBeUndefined();
  });

  it('is forgotten once a thousand others were written since', async () => {
    const { writer } = crowdedTable((count) => count);
    const of = (accountId: string): ViewChanges => {
      const { summary } = changes(0);
      return {
        follows: 0,
        summary: { ...summary, accountId: AccountId.parse(accountId) },
        entries: [],
        transfers: [],
      };
    };
    await writer.write([of('first')], DEADLINE);
    const others = Array.from({ length: 999 }, (_, n) => of(`o${n}`));
    await writer.write(others, DEADLINE);
    expect(writer.known(AccountId.parse('first'))).toBeDefined();
    await writer.write([of('one-more')], DEADLINE);
    expect(writer.known(AccountId.parse('first'))).toBeUndefined();
    expect(writer.known(AccountId.parse('one-more'))).toBeDefined();
  });
});
