import { marshall } from '@aws-sdk/util-dynamodb';
import type { DynamoDBRecord } from 'aws-lambda';
import { expect, it, vi } from 'vitest';
import { createHandler } from '../../../functions/commands/decide-pending.ts';
import { StoreUnavailable } from '../../../functions/runtime/unavailable.ts';
import type { PassedOver } from '../../../functions/store/queueing/decide-pending.ts';
import type { Store } from '../../../functions/store/store.ts';
import { recordedTelemetry } from '../runtime/recorded-telemetry.ts';

let sequence = 0;

/** The stream record of a command that has taken its place in the queue. */
const queued = (accountId: string, commandId: string, more: object = {}): DynamoDBRecord => {
  sequence += 1;
  const at = '2026-11-21T10:00:00.000Z';
  const writeId = `write-of-${commandId}`;
  const item = {
    ...{
      accountId,
      place: `${at}#${writeId}`,
      expiresAt: 1_795_428_000,
      schema: 1,
      commandSchema: 1,
    },
    ...{ fingerprint: 'fingerprint', writeId, at, keys: [`command:${commandId}`] },
    command: { type: 'withdraw', accountId, amount: 1 },
    actor: 'alice',
    correlationId: 'c',
    ...more,
  };
  return {
    eventName: 'INSERT',
    dynamodb: {
      SequenceNumber: `${sequence}`,
      NewImage: JSON.parse(JSON.stringify(marshall(item, { removeUndefinedValues: true }))),
    },
  };
};

const takerThat = (decide: (accountId: string) => Promise<PassedOver[] | undefined>) => {
  const { telemetry, counts, logger } = recordedTelemetry();
  const decidePending: Store['decidePending'] = async (accountId, pending) => {
    const passedOver = (await decide(accountId)) ?? [];
    return { decided: pending.length - passedOver.length, passedOver };
  };
  const store = { decidePending: vi.fn(decidePending) };
  const handle = createHandler({ store, telemetry, clock: () => 0, budget: 1 });
  const taken = () =>
    store.decidePending.mock.calls.map(([id, commands]) => [
      id,
      ...commands.flatMap(({ keys }) => keys),
    ]);
  return {
    handle: (...Records: DynamoDBRecord[]) => handle({ Records }),
    taken,
    store,
    counts,
    logger,
  };
};
const nothingFailed = { batchItemFailures: [] };
const failed = (...records: (DynamoDBRecord | undefined)[]) => ({
  batchItemFailures: records.map((record) => ({
    itemIdentifier: record?.dynamodb?.SequenceNumber ?? '',
  })),
});

it('decides the pending commands of each account together, in the order in which they were sent', async () => {
  const { handle, taken, counts } = takerThat(async () => undefined);
  expect(await handle(queued('a', 'k1'), queued('b', 'k2'), queued('a', 'k3'))).toEqual(
    nothingFailed,
  );
  expect(taken()).toEqual([
    ['a', 'command:k1', 'command:k3'],
    ['b', 'command:k2'],
  ]);
  expect(counts).toEqual({ CommandsDecidedTogether: 3 });
});

it('hands the store all that the queue says of a command', async () => {
  const { handle, store } = takerThat(async () => undefined);
  await handle(queued('a', 'k1', { keys: ['command:k1', 'command:k2'] }));
  expect(store.decidePending).toHaveBeenCalledExactlyOnceWith('a', [
    {
      ...{
        accountId: 'a',
        schema: 1,
        commandSchema: 1,
        fingerprint: 'fingerprint',
        writeId: 'write-of-k1',
      },
      ...{
        at: '2026-11-21T10:00:00.000Z',
        keys: ['command:k1', 'command:k2'],
        actor: 'alice',
        correlationId: 'c',
      },
      command: { type: 'withdraw', accountId: 'a', amount: 1 },
    },
  ]);
});

it.each([
  ['in time', new StoreUnavailable('throttled', undefined)],
  ['for another reason', new Error('the stream cannot be read')],
])(
  'reports an account that could not be decided %s from its first stream record on, and decides the others',
  async (_, error) => {
    const { handle, taken, counts, logger } = takerThat(async (accountId) => {
      if (accountId === 'a') throw error;
    });
    const records = [queued('b', 'k1'), queued('a', 'k2'), queued('a', 'k3'), queued('c', 'k4')];
    expect(await handle(...records)).toEqual(failed(records[1]));
    expect(taken().map(([accountId]) => accountId)).toEqual(['b', 'a', 'c']);
    expect(counts).toEqual({ CommandsDecidedTogether: 2, DecidePendingFailures: 1 });
    expect(logger.error).toHaveBeenCalledExactlyOnceWith(expect.any(String), {
      accountId: 'a',
      error,
    });
  },
);

it.each([
  ['another version of the queue’s shape', { schema: 2 }],
  ['a later version of the commands’ shape', { commandSchema: 3 }],
  ['a command of an unknown type', { command: { type: 'burn' } }],
  ['no account', { accountId: undefined }],
])(
  'passes over a stream record with %s in its first delivery, says and counts it, and decides the others',
  async (_, more) => {
    const { handle, taken, counts, logger } = takerThat(async () => undefined);
    const records = [queued('a', 'k1'), queued('a', 'k2', more), queued('b', 'k3')];
    expect(await handle(...records)).toEqual(nothingFailed);
    expect(taken()).toEqual([
      ['a', 'command:k1'],
      ['b', 'command:k3'],
    ]);
    expect(counts).toEqual({ CommandsDecidedTogether: 2, UnreadableRecords: 1 });
    expect(logger.error).toHaveBeenCalledExactlyOnceWith(expect.any(String), {
      sequenceNumber: records[1]?.dynamodb?.SequenceNumber,
      problem: expect.stringMatching(/./),
    });
  },
);

it('decides a command whose place in the queue says more than is known here', async () => {
  const { handle, taken } = takerThat(async () => undefined);
  expect(await handle(queued('a', 'k1', { priority: 'high', tags: new Set(['a']) }))).toEqual(
    nothingFailed,
  );
  expect(taken()).toEqual([['a', 'command:k1']]);
});

it('says and counts a command that can never be decided, and reports nothing: it would hold up the others for hours', async () => {
  const passedOver = [
    { keys: ['command:k1' as const], cause: new Error('not an event of this ledger') },
  ];
  const { handle, counts, logger } = takerThat(async () => passedOver);
  expect(await handle(queued('a', 'k1'), queued('a', 'k2'))).toEqual(nothingFailed);
  expect(counts).toEqual({ CommandsDecidedTogether: 1, UnreadableRecords: 1 });
  expect(logger.error).toHaveBeenCalledExactlyOnceWith(expect.any(String), {
    accountId: 'a',
    keys: ['command:k1'],
    error: passedOver[0]?.cause,
  });
});

it('fails the whole batch for a stream record that does not say where it stands', async () => {
  const { handle, taken } = takerThat(async () => undefined);
  const { dynamodb, ...record } = queued('a', 'k1');
  const { SequenceNumber: _, ...nowhere } = dynamodb ?? {};
  expect(await handle(queued('b', 'k2'), { ...record, dynamodb: nowhere })).toEqual(
    failed(undefined),
  );
  expect(taken().map(([accountId]) => accountId)).toEqual(['b', 'a']);
});
