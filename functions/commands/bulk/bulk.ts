import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import * as z from 'zod/mini';
import type { AccountId } from '../../../events/values.ts';
import {
  idempotencyKeyReused,
  recordUnreadable,
  replayedHeader,
} from '../../http/answer/command-answer.ts';
import { json } from '../../http/answer/http-answer.ts';
import {
  type HttpDependencies,
  type HttpHandler,
  httpHandler,
  type Sender,
} from '../../http/chain/http-handler.ts';
import { countOutcome } from '../../http/execute-command.ts';
import { postQuery } from '../../http/request/dry-run.ts';
import { deriveId, IdempotencyKey } from '../../http/request/idempotency.ts';
import { inParallel } from '../../runtime/in-parallel.ts';
import { isStoreUnavailable } from '../../runtime/unavailable.ts';
import type { CommandRequest, CommandResult } from '../../store/deciding/command-result.ts';
import type { Store } from '../../store/store.ts';
import { type Claimed, claimedBy } from '../../store/writing/bulk-claim.ts';
import { recordKey } from '../../store/writing/record-key.ts';
import { BulkItem, BulkResult, type PreparedItem, readItems } from './items.ts';

/** The most items of one request. */
const MOST_ITEMS = 500;

/** What `POST /bulk` takes. Each item is read by itself: one that is not valid fails alone. */
export const bulkRequest = z.object({
  query: postQuery,
  headers: z.object({ 'idempotency-key': z.optional(IdempotencyKey) }),
  body: z.strictObject({
    items: z
      // What is no item comes as it is, and fails alone.
      .array(z.union([BulkItem, z.unknown()]))
      .check(
        z.minLength(1, 'must have at least one item'),
        z.maxLength(MOST_ITEMS, `must have at most ${MOST_ITEMS} items`),
      ),
  }),
});

/** What it answers: what became of each item, in their order. */
export const BulkAnswer = z.object({ results: z.array(BulkResult) });

/** The largest body that is read, in bytes: 1 MB. */
const MOST_BODY_BYTES = 1_000_000;

/** How many accounts are worked on at once. */
const ACCOUNTS_AT_ONCE = 8;

/**
 * `POST /bulk`: has many deposits, withdrawals and transfers decided in one request. Those of one
 * account are decided in their order, as many in one commit as a transaction holds; those of others
 * meanwhile. Each has its own outcome, as its own request would have had.
 *
 * With an `Idempotency-Key` every item has a key of its own, so a repeat of the request hears of each
 * item what became of it, and does what was left undone; another request under that key is refused
 * whole.
 * @param dependencies the store, new ids, the clock (milliseconds since 1970) and the time that a
 *   request has, telemetry, and how callers are told apart.
 * @returns a handler that answers 200 with the outcome of every item.
 */
export const createHandler = ({
  store,
  newId,
  clock,
  budget,
  ...http
}: Dependencies): HttpHandler =>
  httpHandler(
    http,
    ['ledger:write', 'ledger:deposit'],
    bulkRequest,
    async ({ headers, body }, sender) => {
      const key = headers['idempotency-key'];
      const bulkId = key && deriveId(sender.caller, '', key);
      const claimed = bulkId && (await claim(store, bulkId, body.items, sender));
      if (claimed === 'other') return idempotencyKeyReused;
      if (claimed === 'unreadable') return recordUnreadable;
      const deadline = clock() + budget;
      const items = await readItems({ sender, bulkId, newId, store, clock }, body.items);
      const results: BulkResult[] = items.map((item) => ('result' in item ? item.result : undone));
      const asked = items.flatMap((item, index) => ('request' in item ? [{ ...item, index }] : []));
      const byAccount = Map.groupBy(asked, ({ request }) => request.command.accountId);
      await inParallel(byAccount, ACCOUNTS_AT_ONCE, async ([accountId, ofAccount]) => {
        if (clock() >= deadline) return;
        const decided = await decide(store, accountId, ofAccount, sender);
        for (const { index, toResult, request } of ofAccount) {
          const result = decided.get(request);
          if (result) results[index] = toResult(result);
        }
      });
      // A repeat whole: of each item that was decided at all, it is what was decided then.
      const decided = results.filter((_, index) => 'request' in (items[index] ?? {}));
      const isRepeat = claimed === 'same' && decided.every((result) => result.replayed === true);
      return json(200, { results }, replayedHeader({ replayed: isRepeat }));
    },
    { mostBodyBytes: MOST_BODY_BYTES },
  );

/** Claims the key of a whole request; in a dry run, looks whose it is. */
const claim = async (
  store: Pick<Store, 'claim' | 'recordOf'>,
  bulkId: string,
  items: readonly unknown[],
  { isDryRun }: Sender,
): Promise<Claimed> => {
  const [key, fingerprint] = [recordKey(bulkId), fingerprintOf(items)];
  if (!isDryRun) return store.claim(key, fingerprint);
  const found = await store.recordOf(key);
  return found === undefined ? 'new' : claimedBy(found, fingerprint);
};

type AskedItem = Extract<PreparedItem, { readonly request: unknown }>;

/**
 * Has the items of one account decided, in their order. One account's trouble is not the others': it
 * never throws, for they may have moved money by then.
 */
const decide = async (
  store: Pick<Store, 'executeTogether' | 'rehearseTogether' | 'isOwnedBy'>,
  accountId: AccountId,
  items: readonly AskedItem[],
  { isDryRun, onlyFor, telemetry: { count, logger } }: Sender,
): Promise<ReadonlyMap<CommandRequest, CommandResult>> => {
  const became = new Map<CommandRequest, CommandResult>();
  const becomes = (requests: readonly CommandRequest[], result: CommandResult) => {
    for (const request of requests) became.set(request, result);
  };
  const failed = (
    requests: readonly CommandRequest[],
    error: unknown,
    otherwise: 'unknown' | 'unavailable',
  ) => {
    logger.error('the items of an account could not be decided', { accountId, error });
    const reason = isStoreUnavailable(error) ? error.reason : otherwise;
    becomes(requests, { outcome: 'undecided', reason });
  };
  const requestsOf = (some: readonly AskedItem[]) => some.map(({ request }) => request);
  let may = items;
  try {
    const isOwn = onlyFor === undefined || (await store.isOwnedBy(accountId, onlyFor));
    may = items.filter(({ isOfOwner }) => isOwn || !isOfOwner);
    const mayNot = items.filter((item) => !may.includes(item));
    becomes(requestsOf(mayNot), { outcome: 'not_theirs' });
  } catch (error) {
    // Nothing was sent for them.
    failed(requestsOf(items), error, 'unavailable');
    return became;
  }
  const requests = requestsOf(may);
  try {
    const results = isDryRun
      ? await store.rehearseTogether(accountId, requests)
      : await store.executeTogether(accountId, requests);
    for (const [index, result] of results.entries()) {
      const request = requests[index];
      if (request) became.set(request, result);
      if (!isDryRun) countOutcome(result, count);
    }
  } catch (error) {
    failed(requests, error, isDryRun ? 'unavailable' : 'unknown');
  }
  return became;
};

/** What the time did not suffice for. */
const undone: BulkResult = {
  status: 503,
  body: {
    type: 'urn:holdfast:problem:try_again',
    title: 'Not now',
    status: 503,
    detail: 'Nothing was done for this item. Send it again.',
    instance: '/bulk',
    code: 'try_again',
  },
};

/**
 * What tells a request from others. A number that cannot be kept exactly is read as NaN, which is no
 * JSON: it counts as null, and fails as its item either way.
 */
const fingerprintOf = (items: readonly unknown[]): string =>
  createHash('sha256')
    .update(canonicalize(JSON.parse(JSON.stringify(items))) ?? '')
    .digest('base64url');

interface Dependencies extends HttpDependencies {
  readonly store: Pick<
    Store,
    'executeTogether' | 'rehearseTogether' | 'claim' | 'recordOf' | 'isOwnedBy'
  >;
  /** A new, time-ordered id. */
  readonly newId: () => string;
  readonly clock: () => number;
  readonly budget: number;
}
