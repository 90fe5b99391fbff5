import { describe, expect, it, vi } from 'vitest';
import type { Invocation } from '../../../local-cloud/lambda/invocation.ts';
import { eventually, failed, openMappedStream, succeeded } from './mapped-stream.ts';

it('records are delivered in order, in the form of Lambda', async () => {
  const { streamArn, put, started } = await openMappedStream();
  const { events, keys } = started();
  await put('a', 1, { blob: { B: new Uint8Array([1, 2, 3]) } });
  await eventually(() => expect(keys()).toEqual(['a/1']));
  await put('a', 2);
  await put('a', 3);

  await eventually(() => expect(keys()).toEqual(['a/1', 'a/2', 'a/3']));
  expect(events[0]).toMatchObject({
    Records: [
      {
        eventID: expect.any(String),
        eventName: 'INSERT',
        eventSource: 'aws:dynamodb',
        eventSourceARN: streamArn,
        dynamodb: {
          ApproximateCreationDateTime: expect.any(Number),
          Keys: { streamId: { S: 'a' }, version: { N: '1' } },
          NewImage: { streamId: { S: 'a' }, version: { N: '1' }, blob: { B: 'AQID' } },
          SequenceNumber: expect.stringMatching(/^\d+$/),
          SizeBytes: expect.any(Number),
          StreamViewType: 'NEW_IMAGE',
        },
      },
    ],
  });
});

it('a record that comes after a quiet time is delivered', async () => {
  const { put, watched, started } = await openMappedStream();
  let polls = 0;
  const { keys } = started(
    {},
    () => succeeded,
    watched(async () => {
      polls += 1;
    }),
  );
  await put('a', 1);
  await eventually(() => expect(keys()).toEqual(['a/1']));
  const before = polls;
  await eventually(() => expect(polls).toBeGreaterThan(before + 10));
  await put('a', 2);
  await eventually(() => expect(keys()).toEqual(['a/1', 'a/2']));
});

it('only what the filter matches is delivered, and the rest is behind the checkpoint', async () => {
  const { put, started } = await openMappedStream();
  const Pattern = JSON.stringify({ dynamodb: { NewImage: { reserves: { N: [{ exists: true }] } } } });
  const first = started({ FilterCriteria: { Filters: [{ Pattern }] } });
  await put('a', 1);
  await put('a', 2, { reserves: { N: '1' } });
  await put('a', 3);
  await put('b', 1, { reserves: { N: '1' } });
  await put('b', 2);
  await eventually(() => expect(first.keys()).toEqual(['a/2', 'b/1']));
  await first.stop();

  const second = started();
  await put('b', 3);
  await eventually(() => expect(second.keys()).toContain('b/3'));
  expect(second.keys().filter((key) => key !== 'b/2')).toEqual(['b/3']);
});

it('a mapping that is started again goes on after what was finished', async () => {
  const { put, started } = await openMappedStream();
  const first = started();
  await put('a', 1);
  await put('a', 2);
  await eventually(() => expect(first.keys()).toHaveLength(2));
  await first.stop();
  await put('a', 3);

  const second = started();
  await eventually(() => expect(second.keys()).toEqual(['a/3']));
});

it('what was under way when the mapping ended, and failed, is delivered again', async () => {
  const { put, started } = await openMappedStream();
  let end: (invocation: Invocation) => void = () => {};
  const first = started({}, () => new Promise((resolve) => (end = resolve)));
  await put('a', 1);
  await eventually(() => expect(first.keys()).toEqual(['a/1']));
  const stopped = first.stop();
  end(failed);
  await stopped;

  const second = started();
  await eventually(() => expect(second.keys()).toEqual(['a/1']));
});

describe('the starting position LATEST', () => {
  it('leaves out what is there when the mapping is first started', async () => {
    const { put, started } = await openMappedStream();
    await put('a', 1);
    await put('a', 2);
    const { keys } = started({ StartingPosition: 'LATEST' });
    await eventually(async () => {
      await put('b', Date.now());
      expect(keys()).not.toHaveLength(0);
    });
    expect(keys().filter((key) => key.startsWith('a'))).toEqual([]);
  });

  it('is kept while the mapping is not there', async () => {
    const { checkpoints, put, started } = await openMappedStream();
    const save = vi.spyOn(checkpoints, 'save');
    const first = started({ StartingPosition: 'LATEST' });
    await eventually(() => expect(save).toHaveBeenCalled());
    await first.stop();
    await put('a', 1);

    const { keys, reports } = started({ StartingPosition: 'LATEST' });
    await eventually(() => expect(keys()).toEqual(['a/1']));
    expect(reports).toEqual([]);
  });
});

it('a poison record is isolated and reported, and the rest gets through', async () => {
  const { streamArn, put, started } = await openMappedStream();
  for (let version = 1; version <= 8; version += 1) await put('a', version);
  const { failures, batches } = started(
    { BisectBatchOnFunctionError: true, MaximumRetryAttempts: 1, FunctionResponseTypes: ['ReportBatchItemFailures'] },
    (batch) => {
      const poisoned = batch.keys.indexOf('a/5');
      const itemIdentifier = batch.sequenceNumbers[poisoned];
      return { ok: true, payload: { batchItemFailures: itemIdentifier === undefined ? [] : [{ itemIdentifier }] } };
    },
  );

  await eventually(() => expect(failures).toHaveLength(1));
  await put('a', 9);
  await eventually(() => expect(batches.at(-1)?.keys.at(-1)).toBe('a/9'));
  expect(batches[0]?.keys).toHaveLength(8);
  // From the first batch, cut before it, to where it stands alone for its last retry.
  expect(batches.filter((batch) => batch.keys.includes('a/5')).map((batch) => batch.keys.length)).toEqual([
    8, 4, 2, 1, 1,
  ]);
  expect(failures).toMatchObject([
    {
      requestContext: {
        functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:consumer',
        condition: 'RetryAttemptsExhausted',
      },
      responseContext: { statusCode: 200, executedVersion: '$LATEST' },
      version: '1.0',
      DDBStreamBatchInfo: { streamArn: streamArn, batchSize: 1 },
    },
  ]);
  const { startSequenceNumber, endSequenceNumber } = failures[0]?.DDBStreamBatchInfo ?? {};
  expect(startSequenceNumber).toBe(batches[0]?.sequenceNumbers[4]);
  expect(endSequenceNumber).toBe(startSequenceNumber);
});

it('a batch that fails holds up what follows, and is delivered until it succeeds', async () => {
  const { put, started } = await openMappedStream();
  let outage = true;
  const { keys } = started({}, () => (outage ? failed : succeeded));
  await put('a', 1);
  await eventually(() => expect(keys().length).toBeGreaterThan(1));
  await put('a', 2);
  expect(keys()).not.toContain('a/2');
  outage = false;
  await eventually(() => expect(keys().at(-1)).toBe('a/2'));
});

describe('with several batches of a shard at once', () => {
  it('those of one partition key are never at work together, and keep their order', async () => {
    const { put, started } = await openMappedStream();
    const atWork = new Map<string, number>();
    let [most, clashes] = [0, 0];
    const { keys } = started({ ParallelizationFactor: 10, BatchSize: 2 }, async (batch) => {
      const streams = new Set(batch.keys.map((key) => key.split('/')[0] ?? ''));
      for (const stream of streams) atWork.set(stream, (atWork.get(stream) ?? 0) + 1);
      clashes += [...streams].filter((stream) => (atWork.get(stream) ?? 0) > 1).length;
      most = Math.max(most, [...atWork.values()].filter((count) => count > 0).length);
      await new Promise((resolve) => setTimeout(resolve, 20));
      for (const stream of streams) atWork.set(stream, (atWork.get(stream) ?? 0) - 1);
      return succeeded;
    });
    const streams = ['a', 'b', 'c', 'd', 'e', 'f'];
    for (let version = 1; version <= 10; version += 1) await Promise.all(streams.map((stream) => put(stream, version)));

    await eventually(() => expect(keys()).toHaveLength(60));
    for (const stream of streams)
      expect(keys().filter((key) => key.startsWith(`${stream}/`))).toEqual(
        Array.from({ length: 10 }, (_, index) => `${stream}/${index + 1}`),
      );
    expect(clashes).toBe(0);
    expect(most).toBeGreaterThan(2);
  });

  it('a failing partition does not hold up the others, and the checkpoint waits for it', async () => {
    const { put, started } = await openMappedStream();
    const first = started({ ParallelizationFactor: 10 }, (batch) =>
      batch.keys.some((key) => key.startsWith('bad')) ? failed : succeeded,
    );
    await put('bad', 1);
    const good = ['b', 'c', 'd', 'e', 'f', 'g'];
    await Promise.all(good.map((stream) => put(stream, 1)));
    // One of them may share the lane of the bad one.
    await eventually(() => {
      const through = good.filter((stream) => first.keys().includes(`${stream}/1`));
      expect(through.length).toBeGreaterThanOrEqual(4);
    });
    await first.stop();

    const second = started();
    await eventually(() => expect(second.keys()).toContain('bad/1'));
  });
});
