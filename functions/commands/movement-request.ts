import * as z from 'zod/mini';
import { AccountId, Amount, Currency, Reference } from '../../events/values.ts';
import { postQuery } from '../http/request/dry-run.ts';
import { IdempotencyKey } from '../http/request/idempotency.ts';
import { IfMatch } from '../http/request/if-match.ts';

/**
 * What a deposit and a withdrawal take: an account, an amount, and the client's own words for the
 * statement.
 */
export const movementRequest = z.object({
  path: z.strictObject({ accountId: AccountId }),
  query: postQuery,
  headers: z.object({
    'idempotency-key': z.optional(IdempotencyKey),
    'if-match': z.optional(IfMatch),
  }),
  body: z.strictObject({
    amount: Amount,
    currency: z.optional(Currency),
    reference: z.optional(Reference),
  }),
});
