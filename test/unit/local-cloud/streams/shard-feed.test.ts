import { expect, it, onTestFinished } from 'vitest';
import { createShardFeed, type Follower } from '../../../../local-cloud/streams/shard-feed.ts';
import type { StreamsApi } from '../../../../local-cloud/streams/streams-api.ts';
import { eventually } from '../../../setup/eventually.ts';

/**
 * A shard whose records are numbers.
 * @param most how many of them one read gives.
 * @param onEnd called when a read came to the end.
 */
const shardOf = (written: number[], most = 2, onEnd = () => {}) => {
  const reads: string[] = [];
  const streams: StreamsApi = {
    describeStream: () => Promise.reject(new Error('not asked for')),
    getShardIterator: async ({ SequenceNumber = '0' }) => ({ ShardIterator: SequenceNumber }),
    getRecords: async ({ ShardIterator }) => {
      const found = written.filter((number) => number > Number(ShardIterator)).slice(0, most);
      reads.push(found.join(' '));
      if (found.length > 0 && found.at(-1) === written.at(-1)) onEnd();
      return {
        Records: found.map((number) => ({ dynamodb: { SequenceNumber: String(number) } })),
        NextShardIterator: String(found.at(-1) ?? ShardIterator),
      };
    },
  };
  const place = { streams, streamArn: 'arn:stream', shardId: 'only', report: () => {} };
  /** So long that nothing is read any more unless the feed is woken. */
  const feed = createShardFeed(place, 1_000_000);
  /** Follows until the test ends. */
  const follow = (options: Partial<Follower> = {}) => {
    const taken: number[] = [];
    const stopping = new AbortController();
    const left = feed.follow({
      after: undefined,
      mayTake: () => true,
      take: (records) =>
        void taken.push(...records.map(({ sequenceNumber }) => Number(sequenceNumber))),
      interruption: stopping.signal,
      ...options,
    });
    onTestFinished(() => stopping.abort());
    return { taken, left, stop: () => stopping.abort() };
  };
  return { reads, feed, follow };
};

it('followers at the same place share what is read', async () => {
  const written: number[] = [];
  const { reads, feed, follow } = shardOf(written);
  const [one, other] = [follow(), follow()];
  await eventually(() => expect(reads).toContain(''));
  written.push(1, 2, 3);
  feed.wake();
  await eventually(() => expect([one.taken, other.taken]).toEqual([written, written]));
  expect(reads.filter((read) => read !== '')).toEqual(['1 2', '3']);
});

it('each begins after its own record, and who is behind reads alone until it meets the other', async () => {
  const written = [1, 2, 3, 4, 5];
  const { reads, feed, follow } = shardOf(written);
  const [behind, ahead] = [follow({ after: '1' }), follow({ after: '4' })];
  await eventually(() => expect(behind.taken).toEqual([2, 3, 4, 5]));
  expect(ahead.taken).toEqual([5]);

  const before = reads.length;
  written.push(6);
  feed.wake();
  await eventually(() => expect([behind.taken.at(-1), ahead.taken.at(-1)]).toEqual([6, 6]));
  expect(reads.slice(before).filter((read) => read !== '')).toEqual(['6']);
});

it('who is behind meets the other also while records keep coming', async () => {
  const written = [1, 2, 3, 4, 5];
  const { reads, follow } = shardOf(
    written,
    10,
    () => written.length < 60 && written.push(written.length + 1),
  );
  let full = true;
  const followers = [follow({ after: '1', mayTake: () => !full }), follow({ after: '4' })];
  await eventually(() => expect(followers[1]?.taken).not.toEqual([]));
  full = false;
  await eventually(() => expect(followers.map(({ taken }) => taken.at(-1))).toEqual([60, 60]));
  expect(followers.map(({ taken }) => taken.length)).toEqual([59, 56]);
  const late = reads.flatMap((read) => read.split(' ').map(Number)).filter((number) => number > 30);
  expect(late).toEqual(written.slice(30));
});

it('one that takes no more is passed by, is given nothing meanwhile, and then all it has not seen', async () => {
  const written = [1, 2, 3, 4, 5];
  const { reads, feed, follow } = shardOf(written);
  let full = true;
  const [slow, fast] = [follow({ mayTake: () => !full }), follow()];
  await eventually(() => expect(fast.taken).toEqual([1, 2, 3, 4, 5]));
  expect(slow.taken).toEqual([]);
  full = false;
  await eventually(() => expect(slow.taken).toEqual([1, 2, 3, 4, 5]));
  expect(fast.taken).toEqual([1, 2, 3, 4, 5]);

  const before = reads.length;
  written.push(6);
  feed.wake();
  await eventually(() => expect([slow.taken.at(-1), fast.taken.at(-1)]).toEqual([6, 6]));
  expect(reads.slice(before).filter((read) => read !== '')).toEqual(['6']);
});

it('who is interrupted is given nothing more, and the others go on', async () => {
  const written = [1];
  const { feed, follow } = shardOf(written);
  const [one, other] = [follow(), follow()];
  await eventually(() => expect(other.taken).toEqual([1]));
  one.stop();
  await one.left;
  written.push(2);
  feed.wake();
  await eventually(() => expect(other.taken).toEqual([1, 2]));
  expect(one.taken).toEqual([1]);
});

it('after a time without followers it goes on for a new one', async () => {
  const { reads, follow } = shardOf([1, 2]);
  const first = follow();
  await eventually(() => expect(reads).toContain(''));
  first.stop();
  await first.left;
  const second = follow({ after: '1' });
  await eventually(() => expect(second.taken).toEqual([2]));
});
