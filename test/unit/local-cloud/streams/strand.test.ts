import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { type Invocation, throttled } from '../../../../local-cloud/lambda/invocation.ts';
import { readSettings } from '../../../../local-cloud/streams/settings.ts';
import { createStrand, type GivenUpBatch } from '../../../../local-cloud/streams/strand.ts';
import {
  type StreamRecord,
  toStreamRecord,
} from '../../../../local-cloud/streams/stream-record.ts';
import { eventually } from '../../../setup/eventually.ts';

const now = Date.parse('2026-11-21T10:00:30Z');

const recordNumbered = (number: number, writtenAt = now): StreamRecord => {
  const dynamodb = {
    SequenceNumber: String(number),
    ApproximateCreationDateTime: (writtenAt - 59_999) / 1_000,
  };
  return toStreamRecord({ dynamodb }, { streamArn: 'arn:stream', readAt: now });
};

interface Answering {
  readonly properties?: Partial<Parameters<typeof readSettings>[0]>;
  /** What the function does with a batch, given its sequence numbers. */
  readonly answer?: (batch: readonly string[]) => Invocation | Promise<Invocation>;
}

const failed: Invocation = { ok: false, errorType: 'Error', errorMessage: 'it failed' };
const succeeded: Invocation = { ok: true, payload: null };

const Event = z.object({
  Records: z.array(z.object({ dynamodb: z.object({ SequenceNumber: z.string() }) })),
});

const numbersIn = (event: unknown): string[] => {
  const { Records } = Event.parse(event);
  return Records.map(({ dynamodb }) => dynamodb.SequenceNumber);
};

/** A strand whose function is the test, with what happened to it. */
const started = ({ properties = {}, answer = () => succeeded }: Answering) => {
  const delivered: string[] = [];
  const finished: string[] = [];
  const givenUp: GivenUpBatch[] = [];
  const interruption = new AbortController();
  const strand = createStrand({
    settings: readSettings({
      EventSourceArn: 'a',
      FunctionName: 'f',
      StartingPosition: 'TRIM_HORIZON',
      ...properties,
    }),
    target: {
      name: 'f',
      arn: 'arn:f',
      invoke: async (event) => {
        const batch = numbersIn(event);
        delivered.push(batch.join(' '));
        return answer(batch);
      },
    },
    finish: (records) => finished.push(...records.map(({ sequenceNumber }) => sequenceNumber)),
    giveUp: async (batch) => {
      givenUp.push(batch);
    },
    interruption: interruption.signal,
    clock: () => now,
  });
  return { strand, delivered, finished, givenUp, interruption };
};

it('records go to the function in batches, up to the batch size', async () => {
  const { strand, delivered, finished } = started({ properties: { BatchSize: 3 } });
  for (const number of [1, 2, 3, 4, 5]) strand.add(recordNumbered(number));
  await strand.drained();
  expect(delivered).toEqual(['1 2 3', '4 5']);
  expect(finished).toEqual(['1', '2', '3', '4', '5']);
});

it('what came while a batch was under way is the next batch', async () => {
  const { strand, delivered } = started({
    answer: (batch) => {
      if (batch.includes('1')) for (const number of [2, 3]) strand.add(recordNumbered(number));
      return succeeded;
    },
  });
  strand.add(recordNumbered(1));
  await strand.drained();
  expect(delivered).toEqual(['1', '2 3']);
});

it('a batch that is not full waits for its window', async () => {
  const { strand, delivered, interruption } = started({
    properties: { BatchSize: 3, MaximumBatchingWindowInSeconds: 300 },
  });
  strand.add(recordNumbered(1));
  strand.add(recordNumbered(2));
  await new Promise((resolve) => setImmediate(resolve));
  expect(delivered).toEqual([]);
  strand.add(recordNumbered(3));
  await eventually(() => expect(delivered).toEqual(['1 2 3']));
  interruption.abort();
});

it('a batch ends before it is larger than an event may be', async () => {
  const { strand, delivered } = started({});
  const large = (number: number) => ({ ...recordNumbered(number), bytes: 2.5 * 1024 * 1024 });
  for (const number of [1, 2, 3, 4]) strand.add(large(number));
  await strand.drained();
  expect(delivered).toEqual(['1 2', '3 4']);
});

it('a failing record is found by halving and given up alone, and the others are delivered in order', async () => {
  const { strand, delivered, finished, givenUp } = started({
    properties: { BisectBatchOnFunctionError: true, MaximumRetryAttempts: 1 },
    answer: (batch) => (batch.includes('3') ? failed : succeeded),
  });
  for (const number of [1, 2, 3, 4]) strand.add(recordNumbered(number));
  await strand.drained();
  expect(delivered).toEqual(['1 2 3 4', '1 2', '3 4', '3', '3', '4']);
  expect(givenUp).toMatchObject([
    {
      records: [{ sequenceNumber: '3' }],
      condition: 'RetryAttemptsExhausted',
      invocations: 4,
      lastFailed: true,
    },
  ]);
  expect(finished).toEqual(['1', '2', '3', '4']);
});

it('records before the reported one are finished while it is tried again', async () => {
  let attempts = 0;
  const { strand, delivered, finished } = started({
    properties: {
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      BisectBatchOnFunctionError: true,
    },
    answer: (batch) => {
      if (!batch.includes('2') || attempts === 2) return succeeded;
      attempts += 1;
      if (attempts === 2) expect(finished).toEqual(['1']);
      return { ok: true, payload: { batchItemFailures: [{ itemIdentifier: '2' }] } };
    },
  });
  for (const number of [1, 2]) strand.add(recordNumbered(number));
  await strand.drained();
  expect(delivered).toEqual(['1 2', '2', '2']);
  expect(finished).toEqual(['1', '2']);
});

describe('a record older than the limit', () => {
  const old = now - 61_000;

  it('is given up unseen, and the younger ones are delivered', async () => {
    const { strand, delivered, givenUp } = started({
      properties: { MaximumRecordAgeInSeconds: 60 },
    });
    for (const record of [recordNumbered(1, old), recordNumbered(2, old), recordNumbered(3)])
      strand.add(record);
    await strand.drained();
    expect(delivered).toEqual(['3']);
    expect(givenUp).toMatchObject([
      {
        records: [{ sequenceNumber: '1' }, { sequenceNumber: '2' }],
        condition: 'RecordAgeExceeded',
        invocations: 0,
      },
    ]);
  });
});

it('a batch that is refused for want of concurrency comes again whole, and uses up none of its retries', async () => {
  let refusals = 3;
  const { strand, delivered, finished, givenUp } = started({
    properties: { MaximumRetryAttempts: 0, BisectBatchOnFunctionError: true },
    answer: () => {
      refusals -= 1;
      return refusals >= 0 ? throttled : succeeded;
    },
  });
  for (const number of [1, 2]) strand.add(recordNumbered(number));
  await strand.drained();
  expect(delivered).toEqual(['1 2', '1 2', '1 2', '1 2']);
  expect(finished).toEqual(['1', '2']);
  expect(givenUp).toEqual([]);
});

it('an invocation that fails while the strand is ended finishes nothing', async () => {
  const { strand, finished, givenUp, interruption } = started({
    properties: { MaximumRetryAttempts: 0 },
    answer: () => {
      interruption.abort();
      return failed;
    },
  });
  strand.add(recordNumbered(1));
  await strand.drained();
  expect(finished).toEqual([]);
  expect(givenUp).toEqual([]);
});

it('an invocation that succeeds while the strand is ended counts, and nothing is delivered after it', async () => {
  const { strand, delivered, finished, interruption } = started({
    properties: { BatchSize: 1 },
    answer: () => {
      interruption.abort();
      return succeeded;
    },
  });
  strand.add(recordNumbered(1));
  strand.add(recordNumbered(2));
  await strand.drained();
  expect(delivered).toEqual(['1']);
  expect(finished).toEqual(['1']);
});
