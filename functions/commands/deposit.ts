import { acceptance, nonAcceptance } from '../http/command-answer.ts';
import { executeCommand } from '../http/execute-command.ts';
import { etag } from '../http/http-answer.ts';
import { type HttpHandler, httpHandler } from '../http/http-handler.ts';
import { keysOnAccount } from '../http/idempotency.ts';
import type { Store } from '../store/store.ts';
import { movementRequest } from './movement-request.ts';

/**
 * `POST /accounts/{accountId}/deposits`: Pays money in.
 * @param dependencies the store that decides.
 * @returns a handler that answers 201 with the line of the statement.
 */
export const createHandler = ({ store }: { readonly store: Pick<Store, 'execute' | 'load'> }): HttpHandler =>
  httpHandler(movementRequest, async ({ path: { accountId }, headers, body }, { caller, correlationId }) => {
    const request = {
      command: { type: 'deposit' as const, accountId, ...body },
      keys: keysOnAccount(caller, accountId, headers['idempotency-key']),
      actor: caller,
      correlationId,
    };
    const result = await executeCommand(store, request, headers['if-match']);
    if (result.outcome !== 'accepted') return nonAcceptance(request, result);
    return acceptance(result, 201, { ETag: etag(result.version) });
  });
