import { describe, expect, it, vi } from 'vitest';
import { eventually } from '../../setup/eventually.ts';
import { openMappedStream, succeeded } from './mapped-stream.ts';

type Stream = Awaited<ReturnType<typeof openMappedStream>>;

describe('when the stream cannot be read,', () => {
  /** A client that cannot read the stream a few times, whenever `fail` says so. */
  const troubled = (watched: Stream['watched'], error: Error) => {
    let left = 0;
    const streams = watched(async () => {
      left -= 1;
      if (left >= 0) throw error;
    });
    const fail = (times: number) => {
      left = times;
    };
    return { streams, fail, isOver: () => left < 0 };
  };
  const errorNamed = (name: string) => Object.assign(new Error('for the test'), { name });

  it.each(['ExpiredIteratorException', 'TrimmedDataAccessException', 'ResourceNotFoundException'])(
    'because of an %s, it goes on where it was',
    async (name) => {
      const { put, watched, started } = await openMappedStream();
      const { streams, fail, isOver } = troubled(watched, errorNamed(name));
      fail(3);
      await put('a', 1);
      await put('a', 2);
      const { keys, reports } = started({}, () => succeeded, streams);
      await eventually(() => expect(keys()).toEqual(['a/1', 'a/2']));
      fail(3);
      await eventually(() => expect(isOver()).toBe(true));
      await put('a', 3);
      await eventually(() => expect(keys().at(-1)).toBe('a/3'));
      // Neither from the beginning again nor from the end.
      expect(keys()).toEqual(['a/1', 'a/2', 'a/3']);
      expect(reports).toEqual([]);
    },
  );

  it('for another reason, it says so once, tries again and goes on where it was', async () => {
    const { put, watched, started } = await openMappedStream();
    const { streams, fail, isOver } = troubled(watched, errorNamed('InternalServerError'));
    const report = 'A stream cannot be read: InternalServerError: for the test';
    fail(2);
    await put('a', 1);
    const { keys, reports } = started({}, () => succeeded, streams);
    await eventually(() => expect(keys()).toEqual(['a/1']));
    expect(reports).toEqual([report]);
    fail(1);
    await eventually(() => expect(isOver()).toBe(true));
    await put('a', 2);
    await eventually(() => expect(keys().at(-1)).toBe('a/2'));
    expect(keys()).toEqual(['a/1', 'a/2']);
    expect(reports).toEqual([report, report]);
  });

  it('and the checkpoint is not in the stream, it begins at the oldest record and says so', async () => {
    const { checkpoints, put, started } = await openMappedStream();
    await put('a', 1);
    const before = started();
    await eventually(() => expect(before.keys()).toEqual(['a/1']));
    await before.stop();
    const load = vi.spyOn(checkpoints, 'load').mockReturnValue('000000000000000000000');
    const { keys, reports } = started();
    await eventually(() => expect(keys()).toEqual(['a/1']));
    expect(load).toHaveBeenCalled();
    expect(reports).toEqual([
      expect.stringContaining('has no record 000000000000000000000 any more'),
    ]);
  });
});
