import * as z from 'zod/mini';
import { AccountId } from '../../../events/values.ts';
import { commandHandler } from '../../http/command-handler.ts';
import { postQuery } from '../../http/request/dry-run.ts';
import { IdempotencyKey } from '../../http/request/idempotency.ts';
import { IfMatch } from '../../http/request/if-match.ts';

/** What `POST /accounts/{accountId}/close` takes. */
export const closeAccountRequest = z.object({
  path: z.strictObject({ accountId: AccountId }),
  query: postQuery,
  headers: z.object({
    'idempotency-key': z.optional(IdempotencyKey),
    'if-match': z.optional(IfMatch),
  }),
  body: z.strictObject({}),
});

/**
 * `POST /accounts/{accountId}/close`: closes an empty account, for ever. Answers 200 with the
 * account, also where it is closed already.
 */
export const createHandler = commandHandler(
  { scope: 'ledger:write', accounts: 'own' },
  closeAccountRequest,
  ({ path }) => ({ type: 'close', ...path }),
  200,
);
