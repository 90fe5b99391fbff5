import * as z from 'zod/mini';
import { TransferId } from '../../../events/values.ts';
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

/** What `POST /transfers/{transferId}/void` takes. */
export const voidTransferRequest = z.object({
  path: z.strictObject({ transferId: TransferId }),
  query: postQuery,
  headers: z.object({
    'idempotency-key': z.optional(IdempotencyKey),
    'if-match': z.optional(IfMatch),
  }),
  body: z.strictObject({}),
});

/**
 * `POST /transfers/{transferId}/void`: gives what a transfer holds back to its source. `If-Match` and
 * the key are about the source.
 * @param dependencies the store, how a hold ended that is gone, telemetry, and how callers are told
 *   apart.
 * @returns a handler that answers 200 with the transfer, released.
 */
export const createHandler = ({ store, endOfHold, ...http }: Dependencies): HttpHandler =>
  httpHandler(http, 'ledger:write', voidTransferRequest, async (input, sender) => {
    const { transferId } = input.path;
    const { caller: actor, correlationId, onlyFor, repeatableBy } = sender;
    const found = await transferOf(store, transferId, 'from', onlyFor);
    if ('problem' in found) return found.problem;
    const { from } = found.transfer;
    const command = { type: 'void' as const, accountId: from, transferId };
    const keys = keysOnAccount(actor, from, input.headers['idempotency-key']);
    const request = { command, keys, onlyFor, actor, correlationId };
    const result = await executeCommand(store, request, sender, input.headers['if-match']);
    if (result.outcome !== 'accepted') return notAccepted(command, result, repeatableBy, endOfHold);
    return acceptance(
      { ...result, answer: { ...result.answer, ...saidOf(found.transfer) } },
      200,
      {},
    );
  });

interface Dependencies extends HttpDependencies {
  readonly store: Pick<Store, 'execute' | 'rehearse' | 'recordOf' | 'isOwnedBy'>;
  readonly endOfHold: EndOfHold;
}
