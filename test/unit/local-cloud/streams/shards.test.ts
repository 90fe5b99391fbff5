import { expect, it, onTestFinished } from 'vitest';
import type { Invocation } from '../../../../local-cloud/lambda/invocation.ts';
import { openCheckpoints } from '../../../../local-cloud/streams/checkpoints.ts';
import { startEventSourceMapping } from '../../../../local-cloud/streams/mapping.ts';
import { openStream } from '../../../../local-cloud/streams/stream.ts';
import type { StreamsApi } from '../../../../local-cloud/streams/streams-api.ts';
import { eventually } from '../../../setup/eventually.ts';

interface FakeShard {
  readonly parent?: string;
  readonly closed: boolean;
  /** Sequence numbers. */
  readonly records: string[];
}

/** A stream as AWS has them, with several shards: DynamoDB Local has one at a time. */
const streamOf = (
  shards: Readonly<Record<string, FakeShard>>,
  lostIterators = { left: 0 },
  keysOf = (_sequenceNumber: string, shard: string): Readonly<Record<string, unknown>> => ({
    id: { S: shard },
  }),
): StreamsApi => ({
  describeStream: async ({ ExclusiveStartShardId }) => {
    // A page for each shard.
    const names = Object.keys(shards);
    const name =
      names[ExclusiveStartShardId === undefined ? 0 : names.indexOf(ExclusiveStartShardId) + 1] ??
      '';
    const { parent, closed = false, records = [] } = shards[name] ?? {};
    return {
      StreamDescription: {
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        Shards: [
          {
            ShardId: name,
            ParentShardId: parent,
            SequenceNumberRange: { ...(closed && { EndingSequenceNumber: records.at(-1) }) },
          },
        ],
        ...(name !== names.at(-1) && { LastEvaluatedShardId: name }),
      },
    };
  },
  getShardIterator: async ({ ShardId, SequenceNumber }) => ({
    ShardIterator: `${ShardId} ${shards[ShardId]?.records.indexOf(SequenceNumber ?? '')}`,
  }),
  getRecords: async ({ ShardIterator }) => {
    const [name = '', last] = ShardIterator.split(' ');
    const { closed = true, records = [] } = shards[name] ?? {};
    const Records = records.slice(Number(last) + 1).map((SequenceNumber) => ({
      dynamodb: { SequenceNumber, Keys: keysOf(SequenceNumber, name) },
    }));
    lostIterators.left -= 1;
    const isLost = lostIterators.left >= 0;
    return {
      Records,
      ...(!closed && !isLost && { NextShardIterator: `${name} ${records.length - 1}` }),
    };
  },
});

const started = (
  streams: StreamsApi,
  invoke: (event: unknown) => Promise<Invocation>,
  more: object = {},
) => {
  const mapping = startEventSourceMapping({
    properties: {
      EventSourceArn: 'arn:stream',
      FunctionName: 'f',
      StartingPosition: 'TRIM_HORIZON',
      ...more,
    },
    stream: openStream({ streams, streamArn: 'arn:stream', longestPauseMs: 20, report: () => {} }),
    target: { name: 'f', arn: 'arn:f', invoke },
    onFailure: () => {},
    checkpoints: openCheckpoints(undefined),
    report: () => {},
  });
  onTestFinished(() => mapping.stop());
};

const succeeded: Invocation = { ok: true, payload: null };

it('a shard begins once the one that it continues is finished, and those of other lines do not wait', async () => {
  const delivered: string[] = [];
  let finishParent: (invocation: Invocation) => void = () => {};
  const stream = streamOf({
    child: { parent: 'parent', closed: false, records: ['3', '4'] },
    parent: { parent: 'trimmed', closed: true, records: ['1', '2'] },
    other: { closed: false, records: ['5'] },
  });
  started(stream, async (event) => {
    const shard = JSON.stringify(event).match(/child|parent|other/)?.[0] ?? '';
    delivered.push(shard);
    return shard === 'parent' ? new Promise((resolve) => (finishParent = resolve)) : succeeded;
  });

  await eventually(() => expect(delivered.toSorted()).toEqual(['other', 'parent']));
  finishParent(succeeded);
  await eventually(() => expect(delivered.toSorted()).toEqual(['child', 'other', 'parent']));
});

it('an open shard that gives no next iterator is opened again behind its last record', async () => {
  const delivered: string[] = [];
  const records = ['1', '2'];
  const stream = streamOf({ only: { closed: false, records } }, { left: 3 });
  started(stream, async (event) => {
    delivered.push(...(JSON.stringify(event).match(/(?<="SequenceNumber":")\d+/g) ?? []));
    return succeeded;
  });

  await eventually(() => expect(delivered).toEqual(['1', '2']));
  records.push('3');
  await eventually(() => expect(delivered).toEqual(['1', '2', '3']));
});

it('with a parallelization factor, the items of one partition key are under way at once, and each item in its order', async () => {
  // Records 1 to 9, in turn of three items that share a partition key.
  const records = Array.from({ length: 9 }, (_, n) => String(n + 1));
  const itemOf = (number: string) => Number(number) % 3;
  const stream = streamOf({ only: { closed: false, records } }, { left: 0 }, (number) => ({
    id: { S: 'one' },
    sort: { N: String(itemOf(number)) },
  }));
  const underWay: { readonly number: string; readonly finish: (invocation: Invocation) => void }[] =
    [];
  const delivered: string[] = [];
  const invoke = (event: unknown) =>
    new Promise<Invocation>((finish) => {
      const number = JSON.stringify(event).match(/(?<="SequenceNumber":")\d+/)?.[0] ?? '';
      delivered.push(number);
      underWay.push({ number, finish });
    });
  started(stream, invoke, { BatchSize: 1, ParallelizationFactor: 10 });

  await eventually(() => expect(underWay.length).toBeGreaterThan(1));
  expect(new Set(underWay.map(({ number }) => itemOf(number))).size).toBe(underWay.length);
  await eventually(() => {
    underWay.shift()?.finish(succeeded);
    expect(delivered.toSorted()).toEqual(records);
  });
  for (const { finish } of underWay) finish(succeeded);
  for (const item of [0, 1, 2]) {
    const inOrder = delivered.filter((number) => itemOf(number) === item);
    expect(inOrder).toEqual(inOrder.toSorted());
  }
});
