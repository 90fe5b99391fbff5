import * as z from 'zod/mini';
import { Metadata, PostingId, Reference } from '../../../events/values.ts';
import { acceptance, accountNotFound, nonAcceptance } from '../../http/answer/command-answer.ts';
import type { Problem } from '../../http/answer/problem.ts';
import {
  type HttpDependencies,
  type HttpHandler,
  httpHandler,
} from '../../http/chain/http-handler.ts';
import { executeCommand } from '../../http/execute-command.ts';
import { postQuery } from '../../http/request/dry-run.ts';
import { deriveId, IdempotencyKey } from '../../http/request/idempotency.ts';
import { Leg } from '../../ledger/account.ts';
import type { Store } from '../../store/store.ts';
import { postingKey, recordKey } from '../../store/writing/record-key.ts';

/** The fewest and the most legs of a posting: each is an account, and all are one transaction. */
const FEWEST_LEGS = 2;
const MOST_LEGS = 20;

/** The legs of a posting, as a client sends them. */
const Legs = z.array(z.strictObject(Leg.shape)).check(
  z.minLength(FEWEST_LEGS, `must have at least ${FEWEST_LEGS} legs`),
  z.maxLength(MOST_LEGS, `must have at most ${MOST_LEGS} legs`),
  z.refine(
    (legs) => new Set(legs.map(({ accountId }) => accountId)).size === legs.length,
    'must have each account once',
  ),
);

/** What `POST /postings` takes. */
export const createPostingRequest = z.object({
  query: postQuery,
  headers: z.object({ 'idempotency-key': z.optional(IdempotencyKey) }),
  body: z.strictObject({
    postingId: z.optional(PostingId),
    legs: Legs,
    reference: z.optional(Reference),
    metadata: z.optional(Metadata),
  }),
});

/**
 * `POST /postings`: moves money between several accounts in one transaction, all legs or none. An
 * `Idempotency-Key` belongs to the caller; the posting's id is itself a key.
 * @param dependencies the store, new ids, telemetry, and how callers are told apart.
 * @returns a handler that answers 201 with the posting.
 */
export const createHandler = ({ store, newId, ...http }: Dependencies): HttpHandler =>
  httpHandler(http, 'ledger:write', createPostingRequest, async ({ headers, body }, sender) => {
    const { caller: actor, correlationId, onlyFor, repeatableBy } = sender;
    const { postingId: sentId, legs, ...said } = body;
    const [first] = legs;
    if (!first) throw new Error('a posting has legs');
    if (sumOf(legs) !== 0n) return unbalanced;
    if (onlyFor !== undefined) {
      const debited = legs.filter(({ amount }) => amount < 0);
      const own = await Promise.all(
        debited.map(({ accountId }) => store.isOwnedBy(accountId, onlyFor)),
      );
      const stranger = debited[own.indexOf(false)];
      if (stranger) return { ...accountNotFound(stranger.accountId), leg: legs.indexOf(stranger) };
    }
    const key = headers['idempotency-key'];
    const derived = key && deriveId(actor, '', key);
    const postingId = sentId ?? PostingId.parse(derived ?? newId());
    const command = { type: 'post' as const, accountId: first.accountId, postingId, legs, ...said };
    const keys = [postingKey(postingId), ...(derived ? [recordKey(derived)] : [])];
    const request = { command, keys, actor, correlationId };
    const result = await executeCommand(store, request, sender, undefined);
    if (result.outcome !== 'accepted') return nonAcceptance(command, result, repeatableBy);
    return acceptance(result, 201, { Location: `/postings/${postingId}` });
  });

const sumOf = (legs: readonly { readonly amount: number }[]): bigint =>
  legs.reduce((sum, { amount }) => sum + BigInt(amount), 0n);

const unbalanced: Problem = {
  code: 'unbalanced_legs',
  detail:
    'The amounts of the legs must add up to 0: what goes out of some accounts goes into others.',
};

interface Dependencies extends HttpDependencies {
  readonly store: Pick<Store, 'execute' | 'rehearse' | 'isOwnedBy'>;
  /** A new, time-ordered id. */
  readonly newId: () => string;
}
