import * as z from 'zod/mini';
import {
  AccountId,
  Amount,
  Currency,
  Metadata,
  Reference,
  TransferId,
} from '../../events/values.ts';
import { acceptance, nonAcceptance, replayedHeader } from '../http/answer/command-answer.ts';
import { json } from '../http/answer/http-answer.ts';
import {
  type HttpDependencies,
  type HttpHandler,
  httpHandler,
} from '../http/chain/http-handler.ts';
import { executeCommand } from '../http/execute-command.ts';
import type { Time } from '../http/polling.ts';
import { postQuery } from '../http/request/dry-run.ts';
import { deriveId, IdempotencyKey } from '../http/request/idempotency.ts';
import { IfMatch } from '../http/request/if-match.ts';
import { Prefer } from '../http/request/prefer.ts';
import { RequestTime } from '../http/request/request-time.ts';
import type { Command } from '../ledger/account.ts';
import type { Transfer } from '../ledger/transfer.ts';
import type { RecordedAnswer } from '../store/deciding/command-result.ts';
import type { Store } from '../store/store.ts';
import { recordKey } from '../store/writing/record-key.ts';
import type { Views } from '../views/views.ts';
import { watchTransfers } from './transfer-end.ts';
import { whyNoSuchHold } from './transfers/terms-of-hold.ts';

/** What `POST /transfers` takes. */
export const requestTransferRequest = z.object({
  query: postQuery,
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
    metadata: z.optional(Metadata),
    hold: z.optional(z.strictObject({ expiresAt: z.optional(RequestTime) })),
  }),
});

/**
 * `POST /transfers`: carries the transfer out at once, in one transaction on both accounts, where
 * nobody is in its way and the stage allows this short way; the answer then says `settled`. Else it
 * reserves the money on the source, and carry-out-transfers, to which the stream of events hands
 * the reservation, credits the destination and settles.
 *
 * The transfer's id is the key of its record, for all accounts: it is claimed in the transaction of
 * the reservation or of the short way, so one id is one transfer, whichever source it was sent for
 * first.
 *
 * A repeat gets the answer that was recorded, a transfer that is `reserved`, however far it has got
 * since, or one that was `settled` at once: the contract promises the same body every time. A
 * request with `Prefer: wait` gets the transfer as it stands once it has ended or the wait is over,
 * on a repeat too.
 * @param dependencies whether transfers may go the short way, the store that decides, the views
 *   that follow, new ids, time for waiting, telemetry, and how callers are told apart.
 * @returns a handler that answers 202 with the transfer.
 */
export const createHandler = ({
  shortWay,
  store,
  views,
  newId,
  time,
  ...http
}: Dependencies): HttpHandler => {
  const watch = watchTransfers({ views, time });

  return httpHandler(
    http,
    'ledger:write',
    requestTransferRequest,
    async ({ headers, body }, sender) => {
      const { caller, correlationId } = sender;
      const { transferId: sentId, from, hold, ...rest } = body;
      const key = headers['idempotency-key'];
      const derived = key && deriveId(caller, from, key);
      const transferId = sentId ?? TransferId.parse(derived ?? newId());
      const commandIds = new Set([transferId, ...(derived ? [derived] : [])]);
      const wait = headers.prefer?.wait;
      const { logger } = sender.telemetry;
      const keys = [...commandIds].map(recordKey);
      const problem = await whyNoSuchHold(store, time.clock(), hold?.expiresAt, keys);
      if (problem) return problem;
      // A hold rests: it has no end that is worth waiting for, nor is there one in a dry run.
      const isEndAwaited = wait !== undefined && !hold && !sender.isDryRun;
      const end = isEndAwaited ? watch({ transferId, from, wait, logger }) : undefined;
      const command: Command = hold
        ? { ...rest, ...hold, type: 'hold', accountId: from, transferId }
        : { ...rest, type: 'reserve', accountId: from, transferId };
      const request = {
        command,
        keys,
        atOnce: shortWay && !hold,
        onlyFor: sender.onlyFor,
        actor: caller,
        correlationId,
        elsewhere: end?.elsewhere,
      };
      const result = await executeCommand(store, request, sender, headers['if-match']);
      if (result.outcome !== 'accepted')
        return nonAcceptance(request.command, result, sender.repeatableBy);
      const location = { Location: `/transfers/${transferId}` };
      const hasEnded = result.answer?.['endedAt'] !== undefined;
      if (hasEnded && !result.replayed && !sender.isDryRun)
        sender.telemetry.count('TransfersSettledAtOnce', 1);

      if (!end) return acceptance(result, 202, location);
      const waited = { ...location, 'Preference-Applied': `wait=${wait}` };
      if (hasEnded) return acceptance(result, 202, waited);
      const transfer = await end.reached(result.replayed);
      return transfer
        ? json(
            202,
            { ...transfer, ...leftAfter(transfer, result.answer) },
            { ...waited, ...replayedHeader(result) },
          )
        : acceptance(result, 202, waited);
    },
  );
};

/**
 * What the source's owner has left, which is nobody else's to read in the views. Reserving took it;
 * settling takes no more, and a release has moved nothing.
 */
const leftAfter = ({ status }: Transfer, answer: RecordedAnswer | undefined) =>
  status === 'released' || answer?.['availableAfter'] === undefined
    ? {}
    : { availableAfter: answer['availableAfter'] };

interface Dependencies extends HttpDependencies {
  readonly shortWay: boolean;
  readonly store: Pick<Store, 'execute' | 'rehearse' | 'recordOf'>;
  readonly views: Pick<Views, 'transfer'>;
  /** A new, time-ordered id. */
  readonly newId: () => string;
  readonly time: Time;
}
