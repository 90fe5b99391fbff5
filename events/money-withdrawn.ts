import * as z from 'zod/mini';
import { AccountId, Amount, Reference, TransferId } from './values.ts';

/** Money went out: to the outside, or, with `transferId`, to the account `counterparty` as a transfer's settlement. */
export const MoneyWithdrawn = z.strictObject({
  type: z.literal('MoneyWithdrawn'),
  v: z.literal(1),
  data: z.strictObject({
    amount: Amount,
    reference: z.optional(Reference),
    transferId: z.optional(TransferId),
    counterparty: z.optional(AccountId),
  }),
});
export type MoneyWithdrawn = z.infer<typeof MoneyWithdrawn>;
