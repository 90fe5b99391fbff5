import { type Invocation, isThrottled, type LocalFunction } from '../lambda/invocation.ts';
import { pause } from '../pause.ts';
import type { FailedBatch } from './failed-batch.ts';
import type { MappingSettings } from './settings.ts';
import type { StreamRecord } from './stream-record.ts';
import { judge } from './verdict.ts';

/** Delivers records to a function in their order, one batch at a time. */
export interface Strand {
  add(record: StreamRecord): void;
  /** Resolves when everything added so far is finished, or the strand was interrupted. */
  drained(): Promise<void>;
}

/** What a strand needs. */
export interface StrandOptions {
  readonly settings: MappingSettings;
  readonly target: LocalFunction;
  /** Told of records that need not be delivered again. */
  readonly finish: (records: readonly StreamRecord[]) => void;
  /** Told of records that are not delivered any more, before they are finished. */
  readonly giveUp: (batch: GivenUpBatch) => Promise<void>;
  /**
   * Ends the strand: a delivery under way may end, and counts only if it succeeds; no new one
   * begins.
   */
  readonly interruption: AbortSignal;
  /** In milliseconds since 1970. */
  readonly clock: () => number;
}

/** Records that are not delivered any more. */
export interface GivenUpBatch {
  readonly records: readonly StreamRecord[];
  readonly condition: FailedBatch['requestContext']['condition'];
  /** How often the function saw them. */
  readonly invocations: number;
  /** Whether the last invocation ended with an error rather than an answer. */
  readonly lastFailed: boolean;
}

/**
 * A strand of a shard: the part of its records whose batches are delivered one after the other,
 * which are those of the items that share a hash. Lambda has as many of them at once in a shard as
 * the mapping's `ParallelizationFactor`.
 */
export const createStrand = (options: StrandOptions): Strand => {
  const { settings, interruption, clock } = options;
  const waiting: Waiting[] = [];
  let working: Promise<void> | undefined;

  const work = async (): Promise<void> => {
    for (
      let oldest = waiting[0];
      oldest !== undefined && !interruption.aborted;
      oldest = waiting[0]
    ) {
      if (!isFull(waiting, settings.batchSize)) {
        const windowLeft = oldest.since + settings.batchingWindowMs - clock();
        if (windowLeft > 0) {
          await pause(Math.min(windowLeft, WINDOW_STEP_MS), interruption);
          continue;
        }
      }
      await deliver(takeBatch(waiting, settings.batchSize), options);
    }
  };

  return {
    add: (record) => {
      waiting.push({ record, since: clock() });
      // Delivery does not begin at once, so that records that were read together go together.
      working ??= Promise.resolve()
        .then(work)
        .finally(() => {
          working = undefined;
        });
    },
    drained: () => working ?? Promise.resolve(),
  };
};

interface Waiting {
  readonly record: StreamRecord;
  /** When the record came here, in milliseconds since 1970. */
  readonly since: number;
}

/** How often a batch that waits for more records looks whether it is full, in milliseconds. */
const WINDOW_STEP_MS = 10;

/** Lambda's limit of an event, less the frame around the records. */
const payloadLimit = 6 * 1024 * 1024 - 100;

const isFull = (waiting: readonly Waiting[], batchSize: number): boolean => {
  const size = sizeOfBatch(waiting, batchSize);
  return size >= batchSize || size < waiting.length;
};

const takeBatch = (waiting: Waiting[], batchSize: number): StreamRecord[] =>
  waiting.splice(0, sizeOfBatch(waiting, batchSize)).map(({ record }) => record);

/**
 * How many records the next batch holds: as many as there are, within the limits of number and
 * bytes, but one at least.
 */
const sizeOfBatch = (waiting: readonly Waiting[], batchSize: number): number => {
  let bytes = 0;
  const beyond = waiting.findIndex(({ record }, position) => {
    bytes += record.bytes + 1;
    return position >= batchSize || (position > 0 && bytes > payloadLimit);
  });
  return beyond === -1 ? waiting.length : beyond;
};

/** A batch, or what is left of one. */
interface Batch {
  readonly records: readonly StreamRecord[];
  /** How many of its retries are used up. */
  readonly retries: number;
  readonly invocations: number;
  readonly last?: Invocation;
}

/**
 * Delivers a batch until all of it is finished, in pieces if need be, or until the strand is
 * interrupted.
 */
const deliver = async (records: readonly StreamRecord[], options: StrandOptions): Promise<void> => {
  const { settings, target, finish, interruption } = options;
  const pieces: Batch[] = [{ records, retries: 0, invocations: 0 }];
  for (let piece = pieces.shift(); piece !== undefined; piece = pieces.shift()) {
    const batch = await withoutOutdated(piece, options);
    if (interruption.aborted) return;
    if (batch.records.length === 0) continue;

    const last = await target.invoke({ Records: batch.records.map(({ event }) => event) });
    // The functions end while the mapping ends: that failure says nothing about the records.
    if (interruption.aborted && !last.ok) return;
    // The function did not see the batch: that uses up no retry, so only age ends it.
    if (isThrottled(last)) {
      pieces.unshift(batch);
      await pause(THROTTLED_PAUSE_MS, interruption);
      continue;
    }
    const sequenceNumbers = batch.records.map(({ sequenceNumber }) => sequenceNumber);
    const verdict = judge(settings.retry, { sequenceNumbers, retries: batch.retries }, last);
    const invocations = batch.invocations + 1;
    const { retries } = batch;

    if (verdict.next === 'done') {
      finish(batch.records);
      continue;
    }
    if (verdict.next === 'halve') {
      const second = { records: batch.records.slice(verdict.at), retries, invocations, last };
      pieces.unshift(
        { records: batch.records.slice(0, verdict.at), retries, invocations, last },
        second,
      );
      await pause(retryDelayMs(retries), interruption);
      continue;
    }
    finish(batch.records.slice(0, verdict.from));
    const left = { records: batch.records.slice(verdict.from), retries, invocations, last };
    if (verdict.next === 'give up') {
      await giveUp(left, 'RetryAttemptsExhausted', options);
      continue;
    }
    pieces.unshift(verdict.usesRetry ? { ...left, retries: retries + 1 } : left);
    await pause(retryDelayMs(retries), interruption);
  }
};

/**
 * How long a batch waits after it was refused for want of concurrency. Lambda's own wait is not
 * documented.
 */
const THROTTLED_PAUSE_MS = 100;

/**
 * The wait, twice as long after each retry, up to 5 seconds. Lambda's own waits are not documented.
 */
const retryDelayMs = (retries: number): number => Math.min(50 * 2 ** retries, 5_000);

/** Gives up the records at the front that are too old to be delivered. */
const withoutOutdated = async (batch: Batch, options: StrandOptions): Promise<Batch> => {
  const oldest = options.clock() - options.settings.maximumRecordAgeMs;
  const young = batch.records.findIndex(({ writtenAt }) => writtenAt >= oldest);
  const outdated = young === -1 ? batch.records.length : young;
  if (outdated === 0) return batch;
  await giveUp(
    { ...batch, records: batch.records.slice(0, outdated) },
    'RecordAgeExceeded',
    options,
  );
  return { ...batch, records: batch.records.slice(outdated) };
};

const giveUp = async (
  { records, invocations, last }: Batch,
  condition: GivenUpBatch['condition'],
  options: StrandOptions,
): Promise<void> => {
  await options.giveUp({ records, condition, invocations, lastFailed: last?.ok === false });
  options.finish(records);
};
