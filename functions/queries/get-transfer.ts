import * as z from 'zod/mini';
import { AccountId, TransferId } from '../../events/values.ts';
import { recordUnreadable } from '../http/answer/command-answer.ts';
import { json } from '../http/answer/http-answer.ts';
import type { Problem } from '../http/answer/problem.ts';
import {
  type HttpDependencies,
  type HttpHandler,
  httpHandler,
} from '../http/chain/http-handler.ts';
import type { Store } from '../store/store.ts';
import { recordKey } from '../store/writing/record-key.ts';
import type { Views } from '../views/views.ts';

/** What `GET /transfers/{transferId}` takes. */
export const getTransferRequest = z.object({
  path: z.strictObject({ transferId: TransferId }),
  query: z.strictObject({}),
});

/**
 * `GET /transfers/{transferId}`: a transfer with its steps. The record that claims its id knows it
 * from the moment it was accepted; the views, which may be behind, know how far it has got. Only
 * the record can tell that there is none.
 * @param dependencies the views, the store for transfers that they do not know yet and for whose
 *   accounts they are between, telemetry, and how callers are told apart.
 * @returns a handler that answers 200 with the transfer, 404 where the id is no accepted
 *   transfer's (free, another command's, rejected, or not decided yet) or neither side is the
 *   caller's; 503 where what the views or the record have of it cannot be read.
 */
export const createHandler = ({ store, views, ...http }: Dependencies): HttpHandler =>
  httpHandler(http, 'ledger:read', getTransferRequest, async ({ path: { transferId } }, sender) => {
    const { onlyFor } = sender;
    const notFound: Problem = {
      code: 'transfer_not_found',
      detail: `There is no transfer ${transferId}.`,
    };
    /** Whether the caller has one side of it. */
    const isShown = async ({ from, to }: { readonly from: unknown; readonly to: unknown }) => {
      if (onlyFor === undefined) return true;
      const sides = [from, to].flatMap((side) => AccountId.safeParse(side).data ?? []);
      const own = await Promise.all(sides.map((side) => store.isOwnedBy(side, onlyFor)));
      return own.includes(true);
    };
    let isUnreadable = false;
    const transfer = await views.transfer(transferId, undefined, () => {
      isUnreadable = true;
    });
    if (transfer) return (await isShown(transfer)) ? json(200, transfer) : notFound;
    // The record says how the transfer began, and the row says that it has got further: nobody may
    // hear of a settled transfer that it is reserved.
    if (isUnreadable) return recordUnreadable;
    const record = await store.recordOf(recordKey(transferId));
    if (record?.outcome === 'unreadable') return recordUnreadable;
    // An `Idempotency-Key` becomes an id too, and may stand for a deposit, or for a transfer whose
    // client chose another id.
    if (record?.outcome !== 'accepted' || record.answer?.['transferId'] !== transferId)
      return notFound;
    // What the source has available is for those who asked for the transfer.
    const { availableAfter: _, ...answer } = record.answer;
    return (await isShown({ from: answer['from'], to: answer['to'] }))
      ? json(200, answer)
      : notFound;
  });

interface Dependencies extends HttpDependencies {
  readonly store: Pick<Store, 'recordOf' | 'isOwnedBy'>;
  readonly views: Pick<Views, 'transfer'>;
}
