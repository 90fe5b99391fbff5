import * as z from 'zod/mini';
import { Amount, Limit, Reference, TransferId } from '../../../events/values.ts';
import { acceptance, nonAcceptance, recordUnreadable } from '../../http/answer/command-answer.ts';
import {
  type HttpDependencies,
  type HttpHandler,
  httpHandler,
} from '../../http/chain/http-handler.ts';
import { executeCommand } from '../../http/execute-command.ts';
import { postQuery } from '../../http/request/dry-run.ts';
import { deriveId, IdempotencyKey } from '../../http/request/idempotency.ts';
import { IfMatch } from '../../http/request/if-match.ts';
import type { Store } from '../../store/store.ts';
import { recordKey } from '../../store/writing/record-key.ts';
import { type RecordedTransfer, transferOf } from './recorded-transfer.ts';

/** What `POST /transfers/{transferId}/reversal` takes. */
export const reverseTransferRequest = z.object({
  path: z.strictObject({ transferId: TransferId }),
  query: postQuery,
  headers: z.object({
    'idempotency-key': z.optional(IdempotencyKey),
    'if-match': z.optional(IfMatch),
  }),
  body: z.strictObject({
    transferId: z.optional(TransferId),
    amount: z.optional(Amount),
    reference: z.optional(Reference),
  }),
});

/**
 * `POST /transfers/{transferId}/reversal`: takes a transfer that was credited back, in part or as far
 * as it has not been yet, by a transfer from its destination to its source. The reversal always
 * reserves first, and is carried out as any other transfer. `If-Match` and the key are about the
 * destination of the original.
 * @param dependencies the store, new ids, telemetry, and how callers are told apart.
 * @returns a handler that answers 202 with the transfer that takes it back.
 */
export const createHandler = ({ store, newId, ...http }: Dependencies): HttpHandler =>
  httpHandler(http, 'ledger:write', reverseTransferRequest, async (input, sender) => {
    const { path, body, headers } = input;
    const { caller: actor, correlationId, onlyFor, repeatableBy } = sender;
    const found = await transferOf(store, path.transferId, 'to', onlyFor);
    if ('problem' in found) return found.problem;
    const { from, to, currency } = found.transfer;
    const paid = await paidIn(store, found.transfer);
    if (paid === 'unreadable') return recordUnreadable;
    const { transferId: sentId, ...rest } = body;
    const key = headers['idempotency-key'];
    const derived = key && deriveId(actor, to, key);
    const transferId = sentId ?? TransferId.parse(derived ?? newId());
    const command = {
      type: 'reverse' as const,
      accountId: to,
      transferId,
      to: from,
      reverses: { transferId: path.transferId, amount: Limit.parse(paid) },
      currency,
      ...rest,
    };
    const ids = new Set([transferId, ...(derived ? [derived] : [])]);
    const keys = [...ids].map(recordKey);
    const request = { command, keys, onlyFor, actor, correlationId };
    const result = await executeCommand(store, request, sender, headers['if-match']);
    if (result.outcome !== 'accepted') return nonAcceptance(command, result, repeatableBy);
    return acceptance(result, 202, { Location: `/transfers/${transferId}` });
  });

/** How much a transfer paid in at its destination; 0: nothing, or nothing yet. */
const paidIn = async (
  store: Pick<Store, 'recordOf'>,
  { transferId, amount, status }: RecordedTransfer,
): Promise<number | 'unreadable'> => {
  if (status === 'settled') return amount;
  const credit = await store.recordOf(`credit:${transferId}`);
  if (credit?.outcome === 'unreadable') return 'unreadable';
  return credit?.outcome === 'accepted' ? Number(credit.answer?.['amount'] ?? 0) : 0;
};

interface Dependencies extends HttpDependencies {
  readonly store: Pick<Store, 'execute' | 'rehearse' | 'recordOf' | 'isOwnedBy'>;
  /** A new, time-ordered id. */
  readonly newId: () => string;
}
