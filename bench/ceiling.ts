import * as z from 'zod/mini';

/** Operations a second, with this many requests under way at once. */
const CeilingRow = z.object({
  concurrency: z.int(),
  put: z.number(),
  transaction: z.number(),
  get: z.number(),
});
export type CeilingRow = z.infer<typeof CeilingRow>;

/** What the engine does bare: the figures of the scenario that measures it. */
export const Ceiling = z.object({ byConcurrency: z.array(CeilingRow) });
export type Ceiling = z.infer<typeof Ceiling>;

/**
 * How many transfers a second the engine alone would bear: each is two transactions of two (the
 * reservation and the credit, with their records) and one put (the settlement). It reads, decides
 * and repeats nothing. A batch of commands writes less than that, so a hot account can do better.
 */
export const bareTransfers = (ceiling: Ceiling, concurrency: number): number => {
  const { put, transaction } = rowAt(ceiling, concurrency);
  return 1 / (2 / transaction + 1 / put);
};

/** The row that was measured nearest to a concurrency. */
export const rowAt = ({ byConcurrency }: Ceiling, concurrency: number): CeilingRow => {
  const distance = (row: CeilingRow) => Math.abs(Math.log(row.concurrency / concurrency));
  const [nearest] = byConcurrency.toSorted((a, b) => distance(a) - distance(b));
  if (!nearest) throw new Error('the ceiling has no rows');
  return nearest;
};
