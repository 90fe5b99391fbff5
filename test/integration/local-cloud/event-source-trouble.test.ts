import { describe, expect, it, vi } from 'vitest';
import { eventually, openMappedStream, succeeded } from './mapped-stream.ts';

type Stream = Awaited<ReturnType<typeof openMappedStream>>;

describe('when the stream cannot be read,', () => {
  /** A client that cannot read the stream, for the first few times. */
  const troubled = (watched: Stream['watched'], error: Error, times: number) => {
    let left = times;
    return watched(async () => {
      left -= 1;
      if (left >= 0) throw error;
    });
  };
  const errorNamed = (name: string) => Object.assign(new Error('for the test'), { name });

  it.each(['ExpiredIteratorException', 'TrimmedDataAccessException', 'ResourceNotFoundException'])(
    'because of an %s, it goes on where it was',
    async (name) => {
      const { put, watched, started } = await openMappedStream();
      const streams = troubled(watched, errorNamed(name), 3);
      await put('a', 1);
      await put('a', 2);
      const { keys, reports } = started({}, () => succeeded, streams);
      await eventually(() => expect(keys()).toEqual(['a/1', 'a/2']));
      await put('a', 3);
      await eventually(() => expect(keys()).toEqual(['a/1', 'a/2', 'a/3']));
      expect(reports).toEqual([]);
    },
  );

  it('for another reason, it says so once and tries again', async () => {
    const { put, watched, started } = await openMappedStream();
    const streams = troubled(watched, errorNamed('InternalServerError'), 2);
    await put('a', 1);
    const { keys, reports } = started({}, () => succeeded, streams);
    await eventually(() => expect(keys()).toEqual(['a/1']));
    expect(reports).toEqual(['A stream cannot be read: InternalServerError: for the test']);
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
    expect(reports).toEqual([expect.stringContaining('has no record 000000000000000000000 any more')]);
  });
});
