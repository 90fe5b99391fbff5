import * as z from 'zod/mini';
import { AccountId, AccountName, Caller, Currency, Limit, Metadata } from '../../events/values.ts';
import { acceptance, nonAcceptance } from '../http/answer/command-answer.ts';
import { saidOf } from '../http/answer/described.ts';
import { etag } from '../http/answer/http-answer.ts';
import type { Problem } from '../http/answer/problem.ts';
import {
  type HttpDependencies,
  type HttpHandler,
  httpHandler,
} from '../http/chain/http-handler.ts';
import { executeCommand } from '../http/execute-command.ts';
import { postQuery } from '../http/request/dry-run.ts';
import { deriveId, IdempotencyKey } from '../http/request/idempotency.ts';
import { IfMatch } from '../http/request/if-match.ts';
import { minorUnitDigits } from '../ledger/currencies.ts';
import type { Store } from '../store/store.ts';
import { recordKey } from '../store/writing/record-key.ts';
import { forOperators } from './for-operators.ts';

/** What `POST /accounts` takes. */
export const openAccountRequest = z.object({
  query: postQuery,
  headers: z.object({
    'idempotency-key': z.optional(IdempotencyKey),
    'if-match': z.optional(IfMatch),
  }),
  body: z.strictObject({
    accountId: z.optional(AccountId),
    owner: z.optional(Caller),
    currency: Currency,
    overdraftLimit: z._default(Limit, Limit.parse(0)),
    name: z.optional(AccountName),
    metadata: z.optional(Metadata),
  }),
});

/**
 * `POST /accounts`: opens an account for the caller; an operator may open one for somebody else, and
 * one that may be overdrawn.
 *
 * There is no account yet, so an `Idempotency-Key` belongs to the caller: the command is recorded
 * under an id made from it, which is also the new account's id where the client sends none.
 *
 * A new account's currency is one of ISO 4217 that is in use. An account that was opened in another
 * one, before this rule, stays as it is, and so does the answer under its key.
 * @param dependencies the store that decides, new ids, telemetry, and how callers are told apart.
 * @returns a handler that answers 201 with the account.
 */
export const createHandler = ({ store, newId, ...http }: Dependencies): HttpHandler =>
  httpHandler(http, 'ledger:write', openAccountRequest, async ({ headers, body }, sender) => {
    const { caller, correlationId, onlyFor } = sender;
    const { owner = caller } = body;
    if (onlyFor !== undefined && owner !== onlyFor)
      return forOperators('owner names somebody else');
    if (onlyFor !== undefined && body.overdraftLimit > 0)
      return forOperators('overdraftLimit is above 0');
    const key = headers['idempotency-key'];
    const derived = key && deriveId(caller, '', key);
    if (
      !minorUnitDigits.has(body.currency) &&
      !(derived && (await store.recordOf(recordKey(derived))))
    ) {
      return currencyNotInUse;
    }
    const accountId = body.accountId ?? AccountId.parse(derived ?? newId());
    const request = {
      command: { ...body, type: 'open' as const, accountId, owner },
      keys: derived === undefined ? [] : [recordKey(derived)],
      actor: caller,
      correlationId,
    };
    // An account that can still be opened does not exist, so no If-Match holds for it, not even
    // `*`.
    const result = await executeCommand(store, request, sender, headers['if-match'] && []);
    if (result.outcome !== 'accepted')
      return nonAcceptance(request.command, result, sender.repeatableBy);
    // What is said of the account stands in the request, which is the same each time that it is
    // sent with its key.
    const { describedAt: _, ...opened } = result.answer ?? {};
    const answer = { ...opened, ...saidOf(body) };
    return acceptance({ ...result, answer }, 201, {
      ETag: etag(result.version),
      Location: `/accounts/${accountId}`,
    });
  });

const currencyNotInUse: Problem = {
  code: 'validation_failed',
  detail: 'currency must be in use and have a minor unit (ISO 4217).',
  errors: [{ path: 'currency', message: 'must be in use and have a minor unit (ISO 4217)' }],
};

interface Dependencies extends HttpDependencies {
  readonly store: Pick<Store, 'execute' | 'rehearse' | 'recordOf'>;
  /** A new, time-ordered id. */
  readonly newId: () => string;
}
