import * as z from 'zod/mini';
import { AccountId, FreezeScope, Reference } from '../../../events/values.ts';
import { commandHandler } from '../../http/command-handler.ts';
import { postQuery } from '../../http/request/dry-run.ts';
import { IdempotencyKey } from '../../http/request/idempotency.ts';
import { IfMatch } from '../../http/request/if-match.ts';

/** What `POST /accounts/{accountId}/freeze` takes. */
export const freezeAccountRequest = z.object({
  path: z.strictObject({ accountId: AccountId }),
  query: postQuery,
  headers: z.object({
    'idempotency-key': z.optional(IdempotencyKey),
    'if-match': z.optional(IfMatch),
  }),
  body: z.strictObject({ scope: FreezeScope, reason: z.optional(Reference) }),
});

/**
 * `POST /accounts/{accountId}/freeze`: an operator has the account refuse payments out of it, or
 * into it as well. What is reserved already goes on. Answers 200 with the account, also where it is
 * frozen so already.
 */
export const createHandler = commandHandler(
  { scope: 'ledger:operate', accounts: 'any' },
  freezeAccountRequest,
  ({ path, body }) => ({ type: 'freeze', ...path, ...body }),
  200,
);
