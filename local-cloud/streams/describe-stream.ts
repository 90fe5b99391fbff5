import type { StreamsApi } from './streams-api.ts';

/** A stream, and its shards in the order in which they were opened. */
export interface StreamDescription {
  readonly shards: readonly StreamShard[];
}

/** A part of a stream. */
export interface StreamShard {
  readonly id: string;
  /** The shard that it continues, and that has to be read first. */
  readonly parent: string | undefined;
  /** Whether nothing is written to it any more. */
  readonly closed: boolean;
}

/** Asks for all shards of a stream. */
export const describeStream = async (
  streams: StreamsApi,
  streamArn: string,
): Promise<StreamDescription> => {
  const shards: StreamShard[] = [];
  let last: string | undefined;
  do {
    const request = { StreamArn: streamArn, ExclusiveStartShardId: last };
    const { StreamDescription: page } = await streams.describeStream(request);
    for (const { ShardId, ParentShardId, SequenceNumberRange } of page.Shards) {
      const closed = SequenceNumberRange?.EndingSequenceNumber !== undefined;
      shards.push({ id: ShardId, parent: ParentShardId, closed });
    }
    last = page.LastEvaluatedShardId;
  } while (last !== undefined);
  return { shards };
};
