import { describeStream, type StreamDescription } from './describe-stream.ts';
import { createShardFeed, type Follower, type ShardFeed } from './shard-feed.ts';
import { createShardReader, type ShardReader } from './shard-reader.ts';
import type { StreamsApi } from './streams-api.ts';

/** A stream that any number of mappings read together. */
export interface Stream {
  readonly arn: string;
  describe(): Promise<StreamDescription>;
  /** A reader of one shard that shares nothing, see `createShardReader`. */
  reader(shardId: string, after: string | undefined): ShardReader;
  /** Gives a follower the records of a shard, see `ShardFeed`. */
  follow(shardId: string, follower: Follower): Promise<void>;
  /**
   * Says that something was written to the table: without this, the stream sees it after a while.
   */
  wake(): void;
}

/**
 * Opens a stream. It is read while there are followers.
 * @param options.longestPauseMs how long a write without a `wake` may go unseen, in milliseconds.
 * @param options.report takes the reason when it cannot read, or may have missed records.
 */
export const openStream = (options: {
  readonly streams: StreamsApi;
  readonly streamArn: string;
  readonly longestPauseMs: number;
  readonly report: (line: string) => void;
}): Stream => {
  const { streams, streamArn, longestPauseMs } = options;
  const feeds = new Map<string, ShardFeed>();
  return {
    arn: streamArn,
    describe: () => describeStream(streams, streamArn),
    reader: (shardId, after) => createShardReader({ ...options, shardId }, after),
    follow: (shardId, follower) => {
      const feed = feeds.get(shardId) ?? createShardFeed({ ...options, shardId }, longestPauseMs);
      feeds.set(shardId, feed);
      return feed.follow(follower);
    },
    wake: () => {
      for (const feed of feeds.values()) feed.wake();
    },
  };
};
