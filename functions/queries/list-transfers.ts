import * as z from 'zod/mini';
import { AccountId, Reference } from '../../events/values.ts';
import { accountNotFound } from '../http/answer/command-answer.ts';
import { json } from '../http/answer/http-answer.ts';
import {
  type HttpDependencies,
  type HttpHandler,
  httpHandler,
} from '../http/chain/http-handler.ts';
import {
  cursorOfOther,
  isOfOther,
  nextCursor,
  notGivenOutBy,
  PageLimit,
  pageCursor,
} from '../http/request/paging.ts';
import { Transfer, TransferStatus } from '../ledger/transfer.ts';
import type { Store } from '../store/store.ts';
import type { Views } from '../views/views.ts';
import { latestSteps, shownVersion } from './shown-version.ts';

/** A transfer's position in the list: when it was requested, its id, and its source. */
const Position = z
  .string()
  .check(z.regex(/^[0-9TZ:.-]{24}#[A-Za-z0-9_-]{1,64}#[A-Za-z0-9_-]{1,64}$/));

/** Which transfers are asked for. */
const filters = { status: z.optional(TransferStatus), reference: z.optional(Reference) };

/**
 * Where a page begins, and which transfers of which account it has: no page of a list can have
 * others.
 */
const Cursor = z.strictObject({ accountId: AccountId, position: Position, ...filters });

/** What `GET /accounts/{accountId}/transfers` takes. */
export const listTransfersRequest = z.object({
  path: z.strictObject({ accountId: AccountId }),
  query: z.strictObject({
    limit: PageLimit,
    cursor: z.optional(pageCursor(Cursor)),
    ...filters,
  }),
});

/**
 * What it answers. `asOfVersion` is the version of the account up to which the list shows what
 * became of its transfers.
 */
export const TransferPage = z.object({
  transfers: z.array(Transfer),
  nextCursor: z.optional(z.string()),
  asOfVersion: z.int().check(z.gte(0)),
});

/**
 * `GET /accounts/{accountId}/transfers`: the account's transfers, outgoing and incoming, newest
 * first.
 * @param dependencies the views, the store, which knows an account a moment before they do,
 *   telemetry, and how callers are told apart.
 * @returns a handler that answers 200 with a page, 404 where there is no such account, or it is not
 *   the caller's.
 */
export const createHandler = ({ store, views, ...http }: Dependencies): HttpHandler =>
  httpHandler(
    http,
    'ledger:read',
    listTransfersRequest,
    async ({ path: { accountId }, query: { limit, cursor, ...asked } }, { onlyFor }) => {
      const { status = cursor?.status, reference = cursor?.reference } = asked;
      if (cursor && (status !== cursor.status || reference !== cursor.reference))
        return otherCursor;
      if (onlyFor && !(await store.isOwnedBy(accountId, onlyFor)))
        return accountNotFound(accountId);
      if (isOfOther(cursor, accountId)) return cursorOfOther;
      const [latest, { transfers, next }] = await Promise.all([
        latestSteps(store, accountId),
        views.transfersOf(accountId, { limit, before: cursor?.position, status, reference }),
      ]);
      // A transfer may name a destination that does not exist, so its being listed proves nothing.
      if (!latest) return accountNotFound(accountId);
      const asOfVersion = await shownVersion(views, accountId, latest, transfers);
      const page: z.infer<typeof TransferPage> = {
        transfers,
        ...nextCursor(
          next === undefined ? undefined : { accountId, position: next, status, reference },
        ),
        asOfVersion,
      };
      return json(200, page);
    },
  );

const otherCursor = notGivenOutBy('this status and reference');

interface Dependencies extends HttpDependencies {
  readonly store: Pick<Store, 'latest' | 'isOwnedBy'>;
  readonly views: Pick<Views, 'transfersOf' | 'transfer'>;
}
