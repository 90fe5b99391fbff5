import type { LocalFunction } from '../lambda/invocation.ts';
import type { Checkpoints } from './checkpoints.ts';
import { describeFailedBatch, type FailedBatch } from './failed-batch.ts';
import { createProgress } from './progress.ts';
import type { MappingSettings } from './settings.ts';
import { createStrand, type Strand } from './strand.ts';
import type { Stream } from './stream.ts';
import type { StreamRecord } from './stream-record.ts';

/** What a mapping stands between. */
export interface Connections {
  readonly stream: Stream;
  readonly target: LocalFunction;
  /** Takes the message that Lambda would send to the `OnFailure` destination. */
  readonly onFailure: (message: FailedBatch) => void | Promise<void>;
  /** The places where it goes on after a restart. */
  readonly checkpoints: Checkpoints;
  /** Takes the reason when it cannot read the stream. */
  readonly report: (line: string) => void;
}

/** A mapping at work. */
export interface ShardContext extends Connections {
  readonly settings: MappingSettings;
  /** Ends the work. */
  readonly interruption: AbortSignal;
}

/**
 * Delivers a shard's records from the checkpoint on.
 * @returns when the shard is closed and everything in it is finished, or when it was interrupted.
 */
export const deliverShard = async (context: ShardContext, shardId: string): Promise<void> => {
  const { settings, checkpoints, interruption } = context;
  const progress = createProgress((position) =>
    checkpoints.save(checkpointKey(context, shardId), position),
  );
  const finish = (records: readonly { readonly sequenceNumber: string }[]) =>
    progress.finish(records.map(({ sequenceNumber }) => sequenceNumber));
  const strands = Array.from({ length: settings.parallelizationFactor }, () =>
    newStrand(context, shardId, finish),
  );
  const readAhead = Math.max(1_000, 2 * settings.batchSize * strands.length);

  await context.stream.follow(shardId, {
    after: positionIn(context, shardId),
    mayTake: () => progress.outstanding < readAhead,
    take: (records) => {
      for (const { sequenceNumber } of records) progress.read(sequenceNumber);
      const unwanted: StreamRecord[] = [];
      for (const record of records) {
        if (settings.matches(record)) strandOf(record, strands)?.add(record);
        else unwanted.push(record);
      }
      finish(unwanted);
    },
    interruption,
  });
  await Promise.all(strands.map((strand) => strand.drained()));
};

/**
 * Sets the checkpoint of a shard behind the records in it, as `LATEST` asks for. The position has
 * to be a record's: an iterator that waits at the end is lost with the process, and with it all
 * records written until the next one.
 */
export const skipShard = async (context: ShardContext, shardId: string): Promise<void> => {
  const reader = context.stream.reader(shardId, positionIn(context, shardId));
  for (;;) {
    const { records } = await reader.read();
    if (records.length === 0) break;
  }
  context.checkpoints.save(checkpointKey(context, shardId), reader.position ?? theBeginning);
};

/** Whether the mapping was at this shard before. */
export const hasCheckpoint = (context: ShardContext, shardId: string): boolean =>
  context.checkpoints.load(checkpointKey(context, shardId)) !== undefined;

/** The checkpoint of a shard that was empty. */
const theBeginning = 'TRIM_HORIZON';

const checkpointKey = ({ target, stream }: ShardContext, shardId: string): string =>
  `${target.name} ${stream.arn} ${shardId}`;

const positionIn = (context: ShardContext, shardId: string): string | undefined => {
  const checkpoint = context.checkpoints.load(checkpointKey(context, shardId));
  return checkpoint === theBeginning ? undefined : checkpoint;
};

const newStrand = (
  { settings, target, stream, interruption, onFailure }: ShardContext,
  shardId: string,
  finish: (records: readonly { readonly sequenceNumber: string }[]) => void,
): Strand =>
  createStrand({
    settings,
    target,
    interruption,
    clock: Date.now,
    finish,
    giveUp: async (batch) => {
      const place = { functionArn: target.arn, streamArn: stream.arn, shardId, now: Date.now() };
      await onFailure(describeFailedBatch({ ...batch, ...place }));
    },
  });

/**
 * Gives the same item always the same strand. DynamoDB promises only the order of each item's
 * records: two items of one partition key may be under way at once (Lambda Developer Guide, *Using
 * AWS Lambda with Amazon DynamoDB*: "in-order processing at the item (partition and sort key)
 * level").
 */
const strandOf = ({ event }: StreamRecord, strands: readonly Strand[]): Strand | undefined => {
  const keys = Object.entries(event.dynamodb.Keys ?? {}).toSorted(([one], [other]) =>
    one < other ? -1 : 1,
  );
  const item = JSON.stringify(keys);
  let hash = 0;
  for (let position = 0; position < item.length; position += 1)
    hash = (Math.imul(hash, 31) + item.charCodeAt(position)) | 0;
  return strands[Math.abs(hash) % strands.length];
};
