import { describe, expect, it, vi } from 'vitest';
import type { Invocation } from '../../../local-cloud/lambda/invocation.ts';
import { eventually } from '../../setup/eventually.ts';
import { type Delivered, failed, openMappedStream, succeeded } from './mapped-stream.ts';

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
  const Pattern = JSON.stringify({
    dynamodb: { NewImage: { reserves: { N: [{ exists: true }] } } },
  });
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
    {
      BisectBatchOnFunctionError: true,
      MaximumRetryAttempts: 1,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    },
    (batch) => {
      const poisoned = batch.keys.indexOf('a/5');
      const itemIdentifier = batch.sequenceNumbers[poisoned];
      return {
        ok: true,
        payload: { batchItemFailures: itemIdentifier === undefined ? [] : [{ itemIdentifier }] },
      };
    },
  );

  await eventually(() => expect(failures).toHaveLength(1));
  await put('a', 9);
  await eventually(() => expect(batches.at(-1)?.keys.at(-1)).toBe('a/9'));
  expect(batches[0]?.keys).toHaveLength(8);
  // From the first batch, cut before it, to where it stands alone for its last retry.
  expect(
    batches.filter((batch) => batch.keys.includes('a/5')).map((batch) => batch.keys.length),
  ).toEqual([8, 4, 2, 1, 1]);
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
  const { put, watched, started } = await openMappedStream();
  let read = 0;
  let outage = true;
  const streams = watched(
    async () => {},
    (records) => (read += records),
  );
  const { keys } = started({}, () => (outage ? failed : succeeded), streams);
  await put('a', 1);
  await eventually(() => expect(keys().length).toBeGreaterThan(1));
  await put('a', 2);
  // The mapping has it, and delivers the first one again and again all the same.
  await eventually(() => expect(read).toBe(2));
  const before = keys().length;
  await eventually(() => expect(keys().length).toBeGreaterThan(before + 2));
  expect(new Set(keys())).toEqual(new Set(['a/1']));
  outage = false;
  await eventually(() => expect(keys().at(-1)).toBe('a/2'));
});

describe('with several batches of a shard at once', () => {
  it('those of one item are never at work together, and keep its order', async () => {
    const { put, watched, started } = await openMappedStream();
    const items = ['a', 'b', 'c'].flatMap((stream) =>
      [1, 2].map((version) => [stream, version] as const),
    );
    const writes = [1, 2, 3, 4, 5];
    for (const write of writes)
      await Promise.all(items.map((item) => put(...item, { write: { N: String(write) } })));
    let read = 0;
    const { atWork, work } = held();
    const clashes: string[] = [];
    const { batches } = started(
      { ParallelizationFactor: 10, BatchSize: 2 },
      (batch) => {
        const elsewhere = atWork().flatMap((other) => other.keys);
        clashes.push(...batch.keys.filter((key) => elsewhere.includes(key)));
        return work(batch);
      },
      watched(
        async () => {},
        (records) => (read += records),
      ),
    );
    const delivered = () => batches.flatMap((batch) => batch.writes);

    // None is let go before the mapping has them all: what may be at work together is.
    await eventually(() => expect(read).toBe(items.length * writes.length));
    await eventually(() => {
      atWork()[0]?.end(succeeded);
      expect([atWork().length, delivered().length]).toEqual([0, items.length * writes.length]);
    });
    expect(clashes).toEqual([]);
    for (const item of items.map(([stream, version]) => `${stream}/${version}`))
      expect(delivered().filter((write) => write.startsWith(`${item}#`))).toEqual(
        writes.map((write) => `${item}#${write}`),
      );
  });

  it('those of one partition key may be at work together', async () => {
    const { put, started } = await openMappedStream();
    for (let version = 1; version <= 10; version += 1) await put('a', version);
    const { atWork, work } = held();
    started({ ParallelizationFactor: 10 }, work);

    await eventually(() => expect(atWork().length).toBeGreaterThan(1));
    for (const batch of atWork()) batch.end(succeeded);
  });

  it('an item that fails does not hold up the others, of its partition key or not, and the checkpoint waits for it', async () => {
    const { put, started } = await openMappedStream();
    await put('a', 1);
    const others = ['a', 'b'].flatMap((stream) =>
      [2, 3, 4, 5, 6, 7, 8, 9].map((version) => [stream, version] as const),
    );
    await Promise.all(others.map((item) => put(...item)));
    const first = started({ ParallelizationFactor: 10, BatchSize: 1 }, (batch) =>
      batch.keys.includes('a/1') ? failed : succeeded,
    );
    // Those wait that share its strand: which, is for the hash of their keys to say. More than half
    // are not of one partition key.
    await eventually(() => {
      const through = new Set(first.keys().filter((key) => key !== 'a/1'));
      expect(through.size).toBeGreaterThan(others.length / 2);
    });
    await first.stop();

    const second = started();
    await eventually(() => expect(second.keys()).toContain('a/1'));
  });
});

/** A function that works on every batch until the test ends it. */
const held = () => {
  const underWay: (Delivered & { end(invocation: Invocation): void })[] = [];
  return {
    atWork: () => [...underWay],
    work: (batch: Delivered): Promise<Invocation> =>
      new Promise((resolve) => {
        const working = {
          ...batch,
          end: (invocation: Invocation) => {
            underWay.splice(underWay.indexOf(working), 1);
            resolve(invocation);
          },
        };
        underWay.push(working);
      }),
  };
};
