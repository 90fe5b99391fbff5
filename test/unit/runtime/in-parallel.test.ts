import { expect, it } from 'vitest';
import { inParallel } from '../../../functions/runtime/in-parallel.ts';

/** Work that ends when the test says so. */
const gate = () => {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  return { promise, resolve, reject };
};

it('does the work for every item, however few there are', async () => {
  const done: number[] = [];
  await inParallel([1, 2, 3], 10, async (item) => void done.push(item));
  expect(done).toEqual([1, 2, 3]);
});

it('has no more under way than the limit, and begins the next as one ends', async () => {
  const gates = [gate(), gate(), gate()];
  const begun: number[] = [];
  const all = inParallel(gates.keys(), 2, async (index) => {
    begun.push(index);
    await gates[index]?.promise;
  });
  await Promise.resolve();
  expect(begun).toEqual([0, 1]);
  gates[1]?.resolve();
  await expect.poll(() => begun).toEqual([0, 1, 2]);
  for (const { resolve } of gates) resolve();
  await all;
});

it('takes items from an asynchronous source only as there is room', async () => {
  const first = gate();
  let taken = 0;
  async function* source() {
    for (; taken < 5; taken += 1) yield taken;
  }
  const all = inParallel(source(), 1, () => first.promise);
  await expect.poll(() => taken).toBe(0);
  first.resolve();
  await all;
  expect(taken).toBe(5);
});

it('begins nothing more once one fails, and throws its error when those under way have ended', async () => {
  const slow = gate();
  const begun: number[] = [];
  let ended = false;
  const all = inParallel([0, 1, 2, 3], 2, async (item) => {
    begun.push(item);
    if (item === 1) throw new Error('the second');
    await slow.promise;
    ended = true;
  });
  slow.resolve();
  await expect(all).rejects.toThrow('the second');
  expect({ begun, ended }).toEqual({ begun: [0, 1], ended: true });
});

it('throws what its source throws', async () => {
  async function* source() {
    yield 1;
    throw new Error('the source is broken');
  }
  await expect(inParallel(source(), 2, async () => {})).rejects.toThrow('the source is broken');
});
