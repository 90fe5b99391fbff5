import * as z from 'zod/mini';
import {
  AccountId,
  type Caller,
  Metadata,
  PostingId,
  Reference,
  Version,
} from '../../../events/values.ts';
import { acceptance, accountNotFound, nonAcceptance } from '../../http/answer/command-answer.ts';
import {
  type HttpDependencies,
  type HttpHandler,
  httpHandler,
} from '../../http/chain/http-handler.ts';
import { executeCommand } from '../../http/execute-command.ts';
import { postQuery } from '../../http/request/dry-run.ts';
import { deriveId, IdempotencyKey } from '../../http/request/idempotency.ts';
import { Leg } from '../../ledger/account.ts';
import type { RecordedAnswer } from '../../store/deciding/command-result.ts';
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
    const command = {
      type: 'post' as const,
      accountId: first.accountId,
      postingId,
      legs,
      ...said,
    };
    const keys = [postingKey(postingId), ...(derived ? [recordKey(derived)] : [])];
    const request = { command, keys, actor, correlationId };
    const result = await executeCommand(store, request, sender, undefined);
    if (result.outcome !== 'accepted') return nonAcceptance(command, result, repeatableBy);
    const answer = result.replayed ? await asHeardBy(store, result.answer, actor) : result.answer;
    return acceptance({ ...result, answer }, 201, { Location: `/postings/${postingId}` });
  });

/**
 * A posting that was answered before, to whoever repeats it: what the one account of whoever asked
 * first had left is not another caller's to hear.
 */
const asHeardBy = async (
  store: Pick<Store, 'commitAt'>,
  answer: RecordedAnswer | undefined,
  caller: Caller,
): Promise<RecordedAnswer | undefined> => {
  if (answer?.['availableAfter'] === undefined) return answer;
  const { legs } = Posted.parse(answer);
  const [{ accountId, version }] = legs;
  const commit = await store.commitAt(accountId, version);
  const event = commit?.events.find((one) => one.version === version);
  if (event?.origin.actor === caller) return answer;
  const { availableAfter: _, ...others } = answer;
  return others;
};

/** As much of the answer as tells where its first event is. */
const Posted = z.object({
  legs: z.tuple([z.object({ accountId: AccountId, version: Version })], z.unknown()),
});

interface Dependencies extends HttpDependencies {
  readonly store: Pick<Store, 'execute' | 'rehearse' | 'isOwnedBy' | 'commitAt'>;
  /** A new, time-ordered id. */
  readonly newId: () => string;
}
