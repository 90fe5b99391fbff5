import { pause } from '../pause.ts';
import type { PropertiesOf } from '../template/rules.ts';
import type { StreamShard } from './describe-stream.ts';
import { patiently } from './patiently.ts';
import { readSettings } from './settings.ts';
import {
  type Connections,
  deliverShard,
  hasCheckpoint,
  type ShardContext,
  skipShard,
} from './shard.ts';

/** What an event source mapping connects, and how. */
export interface EventSourceMappingOptions extends Connections {
  /** Resolved. */
  readonly properties: PropertiesOf<'AWS::Lambda::EventSourceMapping'>;
}

/** An event source mapping at work. */
export interface EventSourceMapping {
  /** Waits for the invocations under way to end; after that nothing more happens. */
  stop(): Promise<void>;
}

/**
 * Hands the records of a DynamoDB stream to a function as Lambda's event source mapping does: in
 * batches, in order by partition key, at least once.
 * @throws Error that names a setting Lambda would not take or that is not supported here.
 */
export const startEventSourceMapping = (options: EventSourceMappingOptions): EventSourceMapping => {
  const settings = readSettings(options.properties);
  const stopping = new AbortController();
  const following = follow({ ...options, settings, interruption: stopping.signal });
  return {
    stop: async () => {
      stopping.abort();
      await following;
    },
  };
};

/**
 * Works through the stream's shards, each after the one that it continues, until it is interrupted.
 */
const follow = async (mapping: ShardContext): Promise<void> => {
  const { interruption } = mapping;
  const underWay = new Map<string, Promise<void>>();
  const ended = new Set<string>();
  let begun = false;

  while (!interruption.aborted) {
    const found = await patiently(mapping.stream.describe, mapping);
    if (found === undefined) break;
    if (!begun) await begin(mapping, found.shards);
    begun = true;

    const isThere = (id: string) => found.shards.some((shard) => shard.id === id);
    const mayBegin = ({ id, parent }: StreamShard) =>
      !underWay.has(id) &&
      !ended.has(id) &&
      (parent === undefined || !isThere(parent) || ended.has(parent));
    for (const { id } of found.shards.filter(mayBegin)) {
      const work = deliverShard(mapping, id).then(() => {
        underWay.delete(id);
        ended.add(id);
      });
      underWay.set(id, work);
    }
    await (underWay.size > 0
      ? Promise.race(underWay.values())
      : pause(WITHOUT_SHARDS_MS, interruption));
  }
  await Promise.all(underWay.values());
};

/** Makes a new mapping with `LATEST` begin behind the records that are there. */
const begin = async (context: ShardContext, shards: readonly StreamShard[]): Promise<void> => {
  if (context.settings.startingPosition === 'TRIM_HORIZON') return;
  if (shards.some(({ id }) => hasCheckpoint(context, id))) return;
  for (const { id } of shards) await patiently(() => skipShard(context, id), context);
};

/** How long it waits for a stream to have a shard, in milliseconds. */
const WITHOUT_SHARDS_MS = 1_000;
