import * as z from 'zod/mini';
import { AccountId, Amount, Currency, Reference, TransferId } from '../../events/values.ts';
import { acceptance, idempotencyKeyReused, nonAcceptance, replayedHeader } from '../http/command-answer.ts';
import { executeCommand } from '../http/execute-command.ts';
import { json } from '../http/http-answer.ts';
import { type HttpHandler, httpHandler } from '../http/http-handler.ts';
import { deriveId, IdempotencyKey } from '../http/idempotency.ts';
import { IfMatch } from '../http/if-match.ts';
import type { Time } from '../http/polling.ts';
import { Prefer } from '../http/prefer.ts';
import { StoreUnavailable } from '../runtime/unavailable.ts';
import type { CommandKey } from '../store/deciding/command-result.ts';
import type { Store } from '../store/store.ts';
import type { Views } from '../views/views.ts';
import { watchTransfers } from './transfer-end.ts';

/** What `POST /transfers` takes. */
export const requestTransferRequest = z.object({
  query: z.strictObject({}),
  headers: z.object({
    'idempotency-key': z.optional(IdempotencyKey),
    'if-match': z.optional(IfMatch),
    prefer: z.optional(Prefer),
  }),
  body: z.strictObject({
    transferId: z.optional(TransferId),
    from: AccountId,
    to: AccountId,
    amount: Amount,
    currency: z.optional(Currency),
    reference: z.optional(Reference),
  }),
});

/**
 * `POST /transfers`: reserves the money on the source. What the stream of events hands the reservation to credits the
 * destination and settles.
 *
 * A repeat is answered with what was recorded, a transfer that is `reserved`, however far it has got since: the same
 * body every time, as the contract promises. `Prefer: wait` asks for something else, the transfer as it stands once it
 * has ended or the wait is over, and gets that on a repeat too.
 * @param dependencies the store that decides, the views that follow, new ids, and time for waiting.
 * @returns a handler that answers 202 with the transfer.
 */
export const createHandler = ({ store, isTaken, views, newId, time }: Dependencies): HttpHandler => {
  /**
   * Transfer ids are unique across accounts, but a command's record guards one account only: so the views are asked who else
   * has the id. What was recorded here before is still answered for ever, whoever took the id afterwards.
   */
  const takenElsewhere = async (transferId: TransferId, from: AccountId, keys: readonly CommandKey[]) => {
    const known = await views.transfer(transferId).catch((error: unknown) => {
      // Nothing was tried yet, so the caller can be told to try again.
      throw new StoreUnavailable('unavailable', error);
    });
    if (!known || known.from === from) return undefined;
    const taken = await Promise.all(keys.map(isTaken));
    return taken.includes(true) ? undefined : idempotencyKeyReused;
  };

  const watch = watchTransfers({ views, time });

  return httpHandler(requestTransferRequest, async ({ headers, body }, { caller, correlationId }) => {
    const { transferId: sentId, from, ...rest } = body;
    const key = headers['idempotency-key'];
    const derived = key && deriveId(caller, from, key);
    const transferId = sentId ?? TransferId.parse(derived ?? newId());
    const commandIds = new Set([transferId, ...(derived ? [derived] : [])]);
    const wait = headers.prefer?.wait;
    const end = wait === undefined ? undefined : watch(transferId, from, wait);
    const request = {
      command: { ...rest, type: 'reserve' as const, accountId: from, transferId },
      keys: [...commandIds].map((commandId) => ({ streamId: from, commandId })),
      actor: caller,
      correlationId,
      elsewhere: end?.elsewhere,
    };
    if (sentId) {
      const taken = await takenElsewhere(sentId, from, request.keys);
      if (taken) return taken;
    }
    const result = await executeCommand(store, request, headers['if-match']);
    if (result.outcome !== 'accepted') return nonAcceptance(request, result);
    const location = { Location: `/transfers/${transferId}` };

    if (!end) return acceptance(result, 202, location);
    const transfer = await end.reached(result.replayed);
    const waited = { ...location, 'Preference-Applied': `wait=${wait}` };
    return transfer ? json(202, transfer, { ...waited, ...replayedHeader(result) }) : acceptance(result, 202, waited);
  });
};

interface Dependencies {
  readonly store: Pick<Store, 'execute' | 'load'>;
  /** Whether something is recorded under a key. */
  readonly isTaken: (key: CommandKey) => Promise<boolean>;
  readonly views: Pick<Views, 'transfer'>;
  /** A new, time-ordered id. */
  readonly newId: () => string;
  readonly time: Time;
}
