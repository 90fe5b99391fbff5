import * as z from 'zod/mini';
import { AccountId, Timestamp, Version } from '../../events/values.ts';
import { accountNotFound } from '../http/command-answer.ts';
import { etag, json } from '../http/http-answer.ts';
import { type HttpHandler, httpHandler } from '../http/http-handler.ts';
import { queryNumber } from '../http/query-number.ts';
import { accountView } from '../ledger/answer.ts';
import type { Store } from '../store/store.ts';

/** What `GET /accounts/{accountId}` takes. */
export const getAccountRequest = z.object({
  path: z.strictObject({ accountId: AccountId }),
  query: z
    .strictObject({
      version: z.optional(z.pipe(queryNumber('must be a version, 1 or more'), Version)),
      at: z.optional(Timestamp),
    })
    .check(z.refine(({ version, at }) => version === undefined || at === undefined, 'takes version or at, not both')),
});

/**
 * `GET /accounts/{accountId}`: the account from its stream's tail, so a client reads its own writes; or, with
 * `?version=` or `?at=`, as it was then.
 * @param dependencies the store.
 * @returns a handler that answers 200 with the account, 404 where there was none then or that version is still to come.
 */
export const createHandler = ({ store }: { readonly store: Pick<Store, 'load' | 'asOf'> }): HttpHandler =>
  httpHandler(getAccountRequest, async ({ path: { accountId }, query: { version, at } }) => {
    const { account, version: found } = await (version !== undefined
      ? store.asOf(accountId, { version })
      : at !== undefined
        ? store.asOf(accountId, { at })
        : store.load(accountId));
    if (!account || (version !== undefined && found !== version)) return accountNotFound(accountId);
    return json(200, accountView(accountId, account, Version.parse(found)), { ETag: etag(found) });
  });
