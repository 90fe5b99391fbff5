import * as z from 'zod/mini';
import { AccountId, Caller, Timestamp, Version } from '../../events/values.ts';
import { described } from '../http/answer/described.ts';
import { json } from '../http/answer/http-answer.ts';
import type { Problem } from '../http/answer/problem.ts';
import {
  type HttpDependencies,
  type HttpHandler,
  httpHandler,
} from '../http/chain/http-handler.ts';
import { nextCursor, notGivenOutBy, PageLimit, pageCursor } from '../http/request/paging.ts';
import { AccountView, accountView } from '../ledger/answers.ts';
import type { Store } from '../store/store.ts';

/** An account's position in the list: whose it is, when it was opened, and its id. */
const Position = z.object({ owner: Caller, openedAt: Timestamp, accountId: AccountId });

/** What `GET /accounts` takes. */
export const listAccountsRequest = z.object({
  query: z.strictObject({
    limit: PageLimit,
    cursor: z.optional(pageCursor(Position)),
    owner: z.optional(Caller),
  }),
});

/** What it answers. */
export const AccountPage = z.object({
  accounts: z.array(AccountView),
  nextCursor: z.optional(z.string()),
});

/** Where the accounts of an owner are found, newest first. */
interface OwnersAccounts {
  accountsOf(
    owner: Caller,
    page: {
      readonly limit: number;
      readonly before?: { readonly openedAt: Timestamp; readonly accountId: AccountId } | undefined;
    },
  ): Promise<{
    readonly accounts: readonly { readonly accountId: AccountId; readonly openedAt: Timestamp }[];
    readonly next?: { readonly openedAt: Timestamp; readonly accountId: AccountId } | undefined;
  }>;
}

/**
 * `GET /accounts`: the caller's accounts, newest first, or, for an operator, those of an owner. Which
 * there are comes from the views; each is shown as its stream has it.
 * @param dependencies the views, the store, telemetry, and how callers are told apart.
 * @returns a handler that answers 200 with a page.
 */
export const createHandler = ({ store, views, ...http }: Dependencies): HttpHandler =>
  httpHandler(http, 'ledger:read', listAccountsRequest, async ({ query }, { caller, onlyFor }) => {
    const { limit, cursor, owner = cursor?.owner ?? caller } = query;
    if (onlyFor !== undefined && owner !== onlyFor) return forOperators;
    if (cursor && cursor.owner !== owner) return otherCursor;
    const { accounts, next } = await views.accountsOf(owner, { limit, before: cursor });
    const shown = await Promise.all(
      accounts.map(async ({ accountId }) => {
        const { account, version } = await store.load(accountId);
        return account && described(store, accountView(accountId, account, Version.parse(version)));
      }),
    );
    const page: z.infer<typeof AccountPage> = {
      accounts: shown.filter((account) => account !== undefined),
      ...nextCursor(next && { owner, ...next }),
    };
    return json(200, page);
  });

const forOperators: Problem = {
  code: 'forbidden',
  detail: 'Accounts of another owner take the scope ledger:operate, which the token does not have.',
};

const otherCursor = notGivenOutBy('this owner');

interface Dependencies extends HttpDependencies {
  readonly store: Pick<Store, 'load' | 'commitAt'>;
  readonly views: OwnersAccounts;
}
