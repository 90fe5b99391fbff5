import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { expect, it } from 'vitest';
import { writeUntilKnown } from '../../../functions/store/writing/until-known.ts';

/**
 * Writes to a table whose answers are these errors, one after the other, and then a success; the
 * time is that of the waits.
 */
const writing = async (names: readonly string[], deadline: number) => {
  const left = [...names];
  const waits: number[] = [];
  const sent: object[] = [];
  let now = 0;
  const client = new DynamoDBClient({ region: 'us-east-1' });
  client.middlewareStack.add(
    () =>
      async ({ input }) => {
        sent.push(input);
        const name = left.shift();
        if (name) throw Object.assign(new Error(name), { name });
        return { response: {}, output: { $metadata: {}, ConsumedCapacity: {} } };
      },
    { step: 'initialize' },
  );
  const dependencies = {
    client: DynamoDBDocumentClient.from(client),
    ...{ eventsTable: 'events', commandsTable: 'commands', queueTable: 'queue' },
    clock: () => now,
    random: () => 1,
    sleep: async (milliseconds: number) => {
      waits.push(milliseconds);
      now += milliseconds;
    },
  };
  const written = await writeUntilKnown(dependencies, deadline, {
    writeId: 'w',
    commits: [{ streamId: 'a' }],
    records: [],
  });
  return { ...written, waits, sent };
};

const throttled = 'ProvisionedThroughputExceededException';

it('a write is sent again until it lands, after ever longer waits', async () => {
  const { result, uncertain, waits, sent } = await writing(
    [throttled, 'TransactionConflictException', throttled],
    1_000,
  );
  expect({ result, uncertain, waits }).toEqual({
    result: { kind: 'landed' },
    uncertain: false,
    waits: [20, 40, 80],
  });
  expect(sent).toEqual(Array(4).fill(sent[0]));
  expect(sent[0]).toMatchObject({
    TableName: 'events',
    ConditionExpression: 'attribute_not_exists(streamId)',
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    ReturnConsumedCapacity: 'TOTAL',
  });
});

it.each([
  ['throttled', [throttled, throttled]],
  ['conflict', [throttled, 'TransactionConflictException']],
  ['turned_away', [throttled, 'InvalidSignatureException']],
])(
  'a write that never landed is known not to have, once the time is up: %s',
  async (kind, names) => {
    expect(await writing(names, 60)).toMatchObject({
      result: { kind },
      uncertain: false,
      waits: [20],
    });
  },
);

it('a write that may have landed once is not known, whatever is heard later', async () => {
  expect(await writing(['TimeoutError', throttled], 60)).toMatchObject({
    result: { kind: 'unknown' },
    uncertain: true,
  });
});

it('a write that lands after one that may have landed is told so', async () => {
  expect(await writing(['TimeoutError'], 60)).toMatchObject({
    result: { kind: 'landed' },
    uncertain: true,
  });
});

it('a request that DynamoDB refuses is thrown: nothing was written', async () => {
  await expect(writing([throttled, 'AccessDeniedException'], 1_000)).rejects.toThrow(
    'AccessDeniedException',
  );
});

it('but says nothing of an earlier try that may have landed, and is not sent again', async () => {
  const { result, uncertain, cause, sent } = await writing(
    ['TimeoutError', 'AccessDeniedException'],
    1_000,
  );
  expect({ result, uncertain, sent: sent.length }).toEqual({
    result: { kind: 'unknown' },
    uncertain: true,
    sent: 2,
  });
  expect(cause).toMatchObject({ name: 'AccessDeniedException' });
});
