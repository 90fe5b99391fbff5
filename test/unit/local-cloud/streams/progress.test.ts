import { expect, it } from 'vitest';
import { createProgress } from '../../../../local-cloud/streams/progress.ts';

const started = () => {
  const saved: string[] = [];
  const progress = createProgress((position) => saved.push(position));
  for (const sequenceNumber of ['1', '2', '3', '4']) progress.read(sequenceNumber);
  return { progress, saved };
};

it('the checkpoint follows records that are finished in order', () => {
  const { progress, saved } = started();
  progress.finish(['1', '2']);
  progress.finish(['3']);
  expect(saved).toEqual(['2', '3']);
  expect(progress.outstanding).toBe(1);
});

it('the checkpoint stays before a record that is not finished, whatever is finished after it', () => {
  const { progress, saved } = started();
  progress.finish(['1', '3', '4']);
  expect(saved).toEqual(['1']);
  progress.finish(['2']);
  expect(saved).toEqual(['1', '4']);
  expect(progress.outstanding).toBe(0);
});

it('there is no checkpoint before the first record is finished', () => {
  const { progress, saved } = started();
  progress.finish(['2', '3', '4']);
  progress.finish([]);
  expect(saved).toEqual([]);
});
