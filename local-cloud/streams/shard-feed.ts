import { patiently } from './patiently.ts';
import { createRhythm } from './rhythm.ts';
import { createShardReader, type ShardPlace, type ShardReader } from './shard-reader.ts';
import type { StreamRecord } from './stream-record.ts';

/** Reads a shard once for all its followers, each at a pace of its own. */
export interface ShardFeed {
  /**
   * @returns when the shard is closed and the follower has all of it, or when it was interrupted.
   */
  follow(follower: Follower): Promise<void>;
  /** Says that something was written: the feed reads at once, or as soon as it may. */
  wake(): void;
}

/** A receiver of the records of a shard, in their order. */
export interface Follower {
  /**
   * Sequence number of the record to begin after; absent: it begins at the oldest record that is
   * left.
   */
  readonly after: string | undefined;
  /** Whether it takes more now. If not, it is passed by, and catches up later. */
  mayTake(): boolean;
  take(records: readonly StreamRecord[]): void;
  /** Ends the following: it gets nothing more. */
  readonly interruption: AbortSignal;
}

/**
 * Makes a feed, which reads while it has followers.
 * @param longestPauseMs how long to leave a quiet shard alone, unless it is woken.
 */
export const createShardFeed = (place: ShardPlace, longestPauseMs: number): ShardFeed => {
  const rhythm = createRhythm({ shortestMs: BETWEEN_READS_MS, longestMs: longestPauseMs });
  const followers = new Set<Following>();
  /** The readers by the position they stand at. */
  let readers = new Map<string | undefined, ShardReader>();
  let working = false;
  /** Aborted when there are no followers any more. */
  let abandoned = new AbortController();

  /** Reads until there are no followers. */
  const work = async (): Promise<void> => {
    working = true;
    while (followers.size > 0) await rhythm.next(await readOnce());
    working = false;
  };

  /**
   * Gives each follower that takes more its next records.
   * @returns whether there was nothing to do.
   */
  const readOnce = async (): Promise<boolean> => {
    const takers = [...followers].filter(({ follower }) => follower.mayTake()).sort(foremostFirst);
    let quiet = takers.length === followers.size;
    const readHere = new Map<string | undefined, ShardReader>();
    for (const [position, group] of Map.groupBy(takers, (it) => it.position)) {
      const reader = readers.get(position) ?? createShardReader(place, position);
      const read = await patiently(reader.read, {
        report: place.report,
        interruption: abandoned.signal,
      });
      if (read === undefined) continue;
      const { records, at } = upToOthers(read.records, reader, group);
      if (at === reader.position) readHere.set(at, reader);
      for (const following of group) give(following, records, at);
      if (read.ended) for (const { leave } of group) leave();
      if (records.length > 0) quiet = false;
    }
    readers = readHere;
    return quiet;
  };

  /**
   * A follower that reaches the position of another goes on together with it: from there one reader
   * serves both.
   */
  const upToOthers = (
    records: readonly StreamRecord[],
    reader: ShardReader,
    group: readonly Following[],
  ) => {
    const others = [...followers]
      .filter((it) => !group.includes(it))
      .map(({ position }) => position);
    const met =
      others.length === 0
        ? -1
        : records.findIndex(({ sequenceNumber }) => others.includes(sequenceNumber));
    if (met === -1) return { records, at: reader.position };
    return { records: records.slice(0, met + 1), at: records[met]?.sequenceNumber };
  };

  const give = (
    following: Following,
    records: readonly StreamRecord[],
    at: string | undefined,
  ): void => {
    if (following.follower.interruption.aborted) return;
    following.position = at;
    if (records.length > 0) following.follower.take(records);
  };

  return {
    follow: (follower) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const leave = (): void => {
        followers.delete(following);
        if (followers.size === 0) abandoned.abort();
        rhythm.wake();
        resolve();
      };
      const following: Following = { follower, position: follower.after, leave };
      if (follower.interruption.aborted) return Promise.resolve();
      follower.interruption.addEventListener('abort', leave, { once: true });
      if (followers.size === 0) abandoned = new AbortController();
      followers.add(following);
      rhythm.wake();
      if (!working) work();
      return promise;
    },
    wake: rhythm.wake,
  };
};

/**
 * The least time from one read to the next, in milliseconds. Each costs the engine as much as a
 * write of an item, whether it finds one record or twenty.
 */
const BETWEEN_READS_MS = 10;

interface Following {
  readonly follower: Follower;
  /** Sequence number of the last record it was given. */
  position: string | undefined;
  readonly leave: () => void;
}

/**
 * Orders the foremost first: a follower that is behind then meets the others where they are now.
 */
const foremostFirst = (one: Following, other: Following): number =>
  Number(BigInt(other.position ?? 0) - BigInt(one.position ?? 0));
