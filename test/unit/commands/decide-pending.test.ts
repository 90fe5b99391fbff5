import { marshall } from '@aws-sdk/util-dynamodb';
import type { DynamoDBRecord } from 'aws-lambda';
import { expect, it, vi } from 'vitest';
import { createHandler } from '../../../functions/commands/decide-pending.ts';
import type { Store } from '../../../functions/store/store.ts';
import { recordedTelemetry } from '../runtime/recorded-telemetry.ts';

let sequence = 0;

const waiting = (accountId: string, commandId: string, more: object = {}): DynamoDBRecord => {
  const item = {
    streamId: accountId,
    commandId,
    request: 'fingerprint',
    outcome: 'pending',
    at: '2026-11-21T10:00:00.000Z',
    command: { type: 'withdraw', accountId, amount: 1 },
    actor: 'alice',
    correlationId: 'c',
    ...more,
  };
  sequence += 1;
  return {
    eventName: 'INSERT',
    dynamodb: { SequenceNumber: `${sequence}`, NewImage: JSON.parse(JSON.stringify(marshall(item))) },
  };
};

const takerThat = (decidePending: Store['decidePending']) => {
  const { telemetry, counts, logger } = recordedTelemetry();
  const store = { decidePending: vi.fn(decidePending) };
  const handle = createHandler({ store, telemetry });
  return { handle: (...Records: DynamoDBRecord[]) => handle({ Records }), store, counts, logger };
};

it('decides the commands of each account together, in the order in which they were sent', async () => {
  const { handle, store, counts } = takerThat(async () => {});
  const answer = await handle(waiting('a', 'k1'), waiting('b', 'k2'), waiting('a', 'k3'));
  expect(answer).toEqual({ batchItemFailures: [] });
  const taken = store.decidePending.mock.calls.map(([id, commands]) => [
    id,
    commands.map(({ commandId }) => commandId),
  ]);
  expect(taken).toEqual([
    ['a', ['k1', 'k3']],
    ['b', ['k2']],
  ]);
  expect(counts).toEqual({ CommandsDecidedTogether: 3 });
});

it('reports an account that could not be decided from its first record on, and decides the others', async () => {
  const { handle, store } = takerThat(async (accountId) => {
    if (accountId === 'a') throw new Error('throttled');
  });
  const records = [waiting('b', 'k1'), waiting('a', 'k2'), waiting('a', 'k3')];
  expect(await handle(...records)).toEqual({
    batchItemFailures: [{ itemIdentifier: records[1]?.dynamodb?.SequenceNumber }],
  });
  expect(store.decidePending).toHaveBeenCalledTimes(2);
});

it('reports a record that is no waiting command, says what is wrong with it, and decides the others', async () => {
  const { handle, store, logger } = takerThat(async () => {});
  const records = [waiting('a', 'k1', { command: { type: 'burn' } }), waiting('a', 'k2')];
  expect(await handle(...records)).toEqual({
    batchItemFailures: [{ itemIdentifier: records[0]?.dynamodb?.SequenceNumber }],
  });
  expect(store.decidePending).toHaveBeenCalledOnce();
  expect(logger.error).toHaveBeenCalledOnce();
});
