import * as z from 'zod/mini';
import { AccountId, Version } from '../../events/values.ts';
import { accountNotFound } from '../http/answer/command-answer.ts';
import { described } from '../http/answer/described.ts';
import { etag, json } from '../http/answer/http-answer.ts';
import { unlessKnown } from '../http/answer/not-modified.ts';
import type { Problem } from '../http/answer/problem.ts';
import {
  type HttpDependencies,
  type HttpHandler,
  httpHandler,
} from '../http/chain/http-handler.ts';
import { IfNoneMatch } from '../http/request/if-none-match.ts';
import { queryNumber } from '../http/request/query-number.ts';
import { RequestTime } from '../http/request/request-time.ts';
import { AccountView, accountView } from '../ledger/answers.ts';
import type { Store } from '../store/store.ts';

/** What `GET /accounts/{accountId}` takes. */
export const getAccountRequest = z.object({
  path: z.strictObject({ accountId: AccountId }),
  headers: z.object({ 'if-none-match': z.optional(IfNoneMatch) }),
  query: z
    .strictObject({
      version: z.optional(z.pipe(queryNumber('must be a version, 1 or more'), Version)),
      at: z.optional(RequestTime),
    })
    .check(
      z.refine(
        ({ version, at }) => version === undefined || at === undefined,
        'takes version or at, not both',
      ),
    ),
});

/**
 * What it answers. `final` comes with `?at=`: whether the account as it was then will read the same
 * for ever.
 */
export const AccountAnswer = z.extend(AccountView, { final: z.optional(z.boolean()) });

/**
 * After this long no commit can land any more that is dated at or before a moment. A commit gets
 * its time when it is planned, and its write may land later: until then the account as it was at
 * that time can still change. Every function, and its last write, ends well within five minutes.
 */
export const FINAL_AFTER_MS = 5 * 60_000;

/**
 * `GET /accounts/{accountId}`: the account from its stream's tail, so a client reads its own
 * writes; or, with `?version=` or `?at=`, as it was then.
 * @param dependencies the store, `clock` in milliseconds since 1970, telemetry, and how callers are
 *   told apart.
 * @returns a handler that answers 200 with the account, 304 to a client that has it, 404 where
 *   there was none then, that version is still to come, or it is not the caller's.
 */
export const createHandler = ({ store, clock, ...http }: Dependencies): HttpHandler =>
  httpHandler(
    http,
    'ledger:read',
    getAccountRequest,
    async ({ path: { accountId }, headers, query: { version, at } }, { onlyFor }) => {
      // The time is taken before the read: a moment must not become final while the read is under
      // way.
      const now = clock();
      const isPast = version !== undefined || at !== undefined;
      // How it was takes more or fewer requests: a stranger costs one, whether it is there or not.
      if (onlyFor && isPast && !(await store.isOwnedBy(accountId, onlyFor)))
        return accountNotFound(accountId);
      const { account, version: found } = await (version !== undefined
        ? store.asOf(accountId, { version })
        : at !== undefined
          ? store.asOf(accountId, { at })
          : store.load(accountId));
      if (!account || (onlyFor && account.owner !== onlyFor)) return accountNotFound(accountId);
      if (version !== undefined && found !== version)
        return versionNotFound(accountId, version, found);
      const body: z.infer<typeof AccountAnswer> = {
        ...(await described(store, accountView(accountId, account, Version.parse(found)))),
        ...(at === undefined ? {} : { final: now - Date.parse(at) >= FINAL_AFTER_MS }),
      };
      const answer = json(200, body, { ETag: etag(found) });
      // A client may have the account of that version from when it was not final yet.
      return body.final ? answer : unlessKnown(answer, headers['if-none-match']);
    },
  );

const versionNotFound = (
  accountId: AccountId,
  version: Version,
  currentVersion: number,
): Problem => ({
  code: 'version_not_found',
  detail: `Account ${accountId} is at version ${currentVersion}, and has not reached ${version}.`,
  currentVersion,
});

interface Dependencies extends HttpDependencies {
  readonly store: Pick<Store, 'load' | 'asOf' | 'isOwnedBy' | 'commitAt'>;
  readonly clock: () => number;
}
