import * as z from 'zod/mini';
import { AccountId, Amount, Reference, TransferId } from './values.ts';

/** Money came in: from outside, or, with `transferId`, from the account `counterparty` as a transfer's credit. */
export const MoneyDeposited = z.strictObject({
  type: z.literal('MoneyDeposited'),
  v: z.literal(1),
  data: z.strictObject({
    amount: Amount,
    reference: z.optional(Reference),
    transferId: z.optional(TransferId),
    counterparty: z.optional(AccountId),
  }),
});
export type MoneyDeposited = z.infer<typeof MoneyDeposited>;
