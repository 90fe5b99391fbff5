import * as z from 'zod/mini';
import { AccountId, Version } from '../../events/values.ts';
import { accountNotFound } from '../http/answer/command-answer.ts';
import { etag, json } from '../http/answer/http-answer.ts';
import { unlessKnown } from '../http/answer/not-modified.ts';
import {
  type HttpDependencies,
  type HttpHandler,
  httpHandler,
} from '../http/chain/http-handler.ts';
import { IfNoneMatch } from '../http/request/if-none-match.ts';
import {
  cursorOfOther,
  isOfOther,
  nextCursor,
  PageLimit,
  pageCursor,
} from '../http/request/paging.ts';
import { Entry } from '../ledger/statement.ts';
import type { Store } from '../store/store.ts';

/** Before which version of which account a page ends. */
const Position = z.strictObject({ accountId: AccountId, version: Version });

/** What `GET /accounts/{accountId}/entries` takes. */
export const listEntriesRequest = z.object({
  path: z.strictObject({ accountId: AccountId }),
  headers: z.object({ 'if-none-match': z.optional(IfNoneMatch) }),
  query: z.strictObject({ limit: PageLimit, cursor: z.optional(pageCursor(Position)) }),
});

/** What it answers. `asOfVersion` is the version of the account that the statement is at. */
export const EntryPage = z.object({
  entries: z.array(Entry),
  nextCursor: z.optional(z.string()),
  asOfVersion: Version,
});

/**
 * `GET /accounts/{accountId}/entries`: the statement, newest first, from the account's stream: a
 * client reads its own writes.
 * @param dependencies the store, telemetry, and how callers are told apart.
 * @returns a handler that answers 200 with a page, 304 to a client that has it, 404 where there is
 *   no such account, or it is not the caller's.
 */
export const createHandler = ({ store, ...http }: Dependencies): HttpHandler =>
  httpHandler(
    http,
    'ledger:read',
    listEntriesRequest,
    async ({ path: { accountId }, headers, query: { limit, cursor } }, { onlyFor }) => {
      if (onlyFor && !(await store.isOwnedBy(accountId, onlyFor)))
        return accountNotFound(accountId);
      if (isOfOther(cursor, accountId)) return cursorOfOther;
      const { entries, next, asOfVersion } = await store.entries(accountId, {
        limit,
        before: cursor?.version,
      });
      if (asOfVersion === 0) return accountNotFound(accountId);
      const page = { entries, ...nextCursor(next && { accountId, version: next }), asOfVersion };
      return unlessKnown(json(200, page, { ETag: etag(asOfVersion) }), headers['if-none-match']);
    },
  );

interface Dependencies extends HttpDependencies {
  readonly store: Pick<Store, 'entries' | 'isOwnedBy'>;
}
