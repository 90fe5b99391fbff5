import * as z from 'zod/mini';
import { Amount, TransferId } from './values.ts';

/**
 * A reservation ended. Without a `reason` it was settled, and the `MoneyWithdrawn` that took its place is the next event
 * of the same commit; with one it was released, and the source is whole again.
 */
export const ReservationCancelled = z.strictObject({
  type: z.literal('ReservationCancelled'),
  v: z.literal(1),
  data: z.strictObject({
    transferId: TransferId,
    amount: Amount,
    reason: z.optional(z.string().check(z.minLength(1), z.maxLength(64))),
  }),
});
export type ReservationCancelled = z.infer<typeof ReservationCancelled>;
