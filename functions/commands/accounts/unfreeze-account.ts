import * as z from 'zod/mini';
import { AccountId, Reference } from '../../../events/values.ts';
import { commandHandler } from '../../http/command-handler.ts';
import { postQuery } from '../../http/request/dry-run.ts';
import { IdempotencyKey } from '../../http/request/idempotency.ts';
import { IfMatch } from '../../http/request/if-match.ts';

/** What `POST /accounts/{accountId}/unfreeze` takes. */
export const unfreezeAccountRequest = z.object({
  path: z.strictObject({ accountId: AccountId }),
  query: postQuery,
  headers: z.object({
    'idempotency-key': z.optional(IdempotencyKey),
    'if-match': z.optional(IfMatch),
  }),
  body: z.strictObject({ reason: z.optional(Reference) }),
});

/**
 * `POST /accounts/{accountId}/unfreeze`: an operator opens a frozen account again. Answers 200 with
 * the account, also where it is open already.
 */
export const createHandler = commandHandler(
  { scope: 'ledger:operate', accounts: 'any' },
  unfreezeAccountRequest,
  ({ path, body }) => ({ type: 'unfreeze', ...path, ...body }),
  200,
);
