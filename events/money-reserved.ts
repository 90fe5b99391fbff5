import * as z from 'zod/mini';
import { AccountId, Amount, Currency, Reference, TransferId } from './values.ts';

/** Money was set aside on the source for a transfer to the account `to`: it lowers `available`, not `balance`. */
export const MoneyReserved = z.strictObject({
  type: z.literal('MoneyReserved'),
  v: z.literal(1),
  data: z.strictObject({
    transferId: TransferId,
    to: AccountId,
    amount: Amount,
    currency: Currency,
    reference: z.optional(Reference),
  }),
});
export type MoneyReserved = z.infer<typeof MoneyReserved>;
