import * as z from 'zod/mini';
import { Amount, TransferId } from '../../../events/values.ts';
import { acceptance } from '../../http/answer/command-answer.ts';
import { type EndOfHold, notAccepted } from '../../http/answer/end-of-hold.ts';
import {
  type HttpDependencies,
  type HttpHandler,
  httpHandler,
} from '../../http/chain/http-handler.ts';
import { executeCommand } from '../../http/execute-command.ts';
import { postQuery } from '../../http/request/dry-run.ts';
import { IdempotencyKey, keysOnAccount } from '../../http/request/idempotency.ts';
import { IfMatch } from '../../http/request/if-match.ts';
import type { Store } from '../../store/store.ts';
import { saidOf, transferOf } from './recorded-transfer.ts';

/** What `POST /transfers/{transferId}/capture` takes. */
export const captureTransferRequest = z.object({
  path: z.strictObject({ transferId: TransferId }),
  query: postQuery,
  headers: z.object({
    'idempotency-key': z.optional(IdempotencyKey),
    'if-match': z.optional(IfMatch),
  }),
  body: z.strictObject({ amount: z.optional(Amount) }),
});

/**
 * `POST /transfers/{transferId}/capture`: has a held transfer carried out, all of it or less; what is
 * held beyond that is given back in the same commit. `If-Match` and the key are about the source.
 * @param dependencies the store, how a hold ended that is gone, telemetry, and how callers are told
 *   apart.
 * @returns a handler that answers 202 with the transfer, reserved.
 */
export const createHandler = ({ store, endOfHold, ...http }: Dependencies): HttpHandler =>
  httpHandler(http, 'ledger:write', captureTransferRequest, async (input, sender) => {
    const { path, body, headers } = input;
    const { transferId } = path;
    const { caller: actor, correlationId, onlyFor, repeatableBy } = sender;
    const found = await transferOf(store, transferId, 'from', onlyFor);
    if ('problem' in found) return found.problem;
    const { from, reference } = found.transfer;
    const command = {
      type: 'capture' as const,
      accountId: from,
      transferId,
      ...body,
      ...(reference === undefined ? {} : { reference }),
    };
    const keys = keysOnAccount(actor, from, headers['idempotency-key']);
    const request = { command, keys, onlyFor, actor, correlationId };
    const result = await executeCommand(store, request, sender, headers['if-match']);
    if (result.outcome !== 'accepted') return notAccepted(command, result, repeatableBy, endOfHold);
    const answer = { ...result.answer, ...saidOf(found.transfer) };
    return acceptance({ ...result, answer }, 202, { Location: `/transfers/${transferId}` });
  });

interface Dependencies extends HttpDependencies {
  readonly store: Pick<Store, 'execute' | 'rehearse' | 'recordOf' | 'isOwnedBy'>;
  readonly endOfHold: EndOfHold;
}
