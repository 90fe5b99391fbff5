import * as z from 'zod/mini';
import { TransferId } from '../../events/values.ts';
import { json } from '../http/http-answer.ts';
import { type HttpHandler, httpHandler } from '../http/http-handler.ts';
import { poll, type Time } from '../http/polling.ts';
import type { Views } from '../views/views.ts';

/** What `GET /transfers/{transferId}` takes. */
export const getTransferRequest = z.object({
  path: z.strictObject({ transferId: TransferId }),
  query: z.strictObject({}),
});

/**
 * The views follow a reservation within moments: so long a transfer they do not know yet is waited for; milliseconds.
 */
const PATIENCE = 500;

/**
 * `GET /transfers/{transferId}`: a transfer with its steps. Who has just been told of a transfer finds it here, though
 * the views may be a little behind.
 * @param dependencies the views, and time for waiting.
 * @returns a handler that answers 200 with the transfer, 404 where there is none.
 */
export const createHandler = ({ views, time }: Dependencies): HttpHandler =>
  httpHandler(getTransferRequest, async ({ path: { transferId } }) => {
    const now = time.clock();
    const transfer = await poll(
      time,
      () => views.transfer(transferId),
      (found) => found !== undefined,
      { begunAt: now, expectedAt: now, deadline: now + PATIENCE },
    );
    if (!transfer) return { code: 'transfer_not_found', detail: `There is no transfer ${transferId}.` };
    return json(200, transfer);
  });

interface Dependencies {
  readonly views: Pick<Views, 'transfer'>;
  readonly time: Time;
}
