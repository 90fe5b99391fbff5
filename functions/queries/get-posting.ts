import * as z from 'zod/mini';
import { PostingId } from '../../events/values.ts';
import { recordUnreadable } from '../http/answer/command-answer.ts';
import { json } from '../http/answer/http-answer.ts';
import type { Problem } from '../http/answer/problem.ts';
import {
  type HttpDependencies,
  type HttpHandler,
  httpHandler,
} from '../http/chain/http-handler.ts';
import { Posting } from '../ledger/posting.ts';
import type { Store } from '../store/store.ts';
import { postingKey } from '../store/writing/record-key.ts';

/** What `GET /postings/{postingId}` takes. */
export const getPostingRequest = z.object({
  path: z.strictObject({ postingId: PostingId }),
  query: z.strictObject({}),
});

/**
 * `GET /postings/{postingId}`: a posting, from the record that was written with its legs: it is there
 * from the moment of the 201 on, and never changes.
 * @param dependencies the store, telemetry, and how callers are told apart.
 * @returns a handler that answers 200 with the posting, for an owner of some of its accounts with the
 *   legs of those, and 404 where there is no such posting or no leg is the caller's.
 */
export const createHandler = ({ store, ...http }: Dependencies): HttpHandler =>
  httpHandler(http, 'ledger:read', getPostingRequest, async ({ path }, { onlyFor }) => {
    const { postingId } = path;
    const notFound: Problem = {
      code: 'posting_not_found',
      detail: `There is no posting ${postingId}.`,
    };
    const record = await store.recordOf(postingKey(postingId));
    if (record?.outcome === 'unreadable') return recordUnreadable;
    if (record?.outcome !== 'accepted') return notFound;
    const { success, data: posting } = Posting.safeParse(record.answer);
    if (!success) return recordUnreadable;
    if (onlyFor === undefined) return json(200, posting);
    const own = await Promise.all(
      posting.legs.map(({ accountId }) => store.isOwnedBy(accountId, onlyFor)),
    );
    const legs = posting.legs.filter((_, index) => own[index]);
    return legs.length === 0 ? notFound : json(200, { ...posting, legs });
  });

interface Dependencies extends HttpDependencies {
  readonly store: Pick<Store, 'recordOf' | 'isOwnedBy'>;
}
