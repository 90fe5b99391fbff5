/**
 * Does the same work for many items, some at a time.
 * @param items taken one by one, as there is room, so that a long list need not be held whole.
 * @param limit how many may be under way at once.
 * @param work what to do for each.
 * @throws the first error of `work` or of `items`: no further item is begun, and those under way
 *   have ended.
 */
export const inParallel = async <T>(
  items: Iterable<T> | AsyncIterable<T>,
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> => {
  const iterator =
    Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  let stopped = false;
  const takeTurns = async (): Promise<void> => {
    try {
      while (!stopped) {
        const next = await iterator.next();
        if (next.done) return;
        await work(next.value);
      }
    } catch (error) {
      stopped = true;
      throw error;
    }
  };
  const turns = await Promise.allSettled(Array.from({ length: limit }, takeTurns));
  for (const turn of turns) if (turn.status === 'rejected') throw turn.reason;
};
