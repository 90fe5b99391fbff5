import { acceptance, nonAcceptance } from '../http/answer/command-answer.ts';
import { etag } from '../http/answer/http-answer.ts';
import { type HttpHandler, httpHandler } from '../http/chain/http-handler.ts';
import { executeCommand } from '../http/execute-command.ts';
import { keysOnAccount } from '../http/request/idempotency.ts';
import type { HttpTelemetry } from '../runtime/telemetry.ts';
import type { Store } from '../store/store.ts';
import { movementRequest } from './movement-request.ts';

/**
 * `POST /accounts/{accountId}/deposits`: Pays money in.
 * @param dependencies the store that decides, and telemetry.
 * @returns a handler that answers 201 with the line of the statement.
 */
export const createHandler = ({ store, telemetry }: Dependencies): HttpHandler =>
  httpHandler(telemetry, movementRequest, async ({ path: { accountId }, headers, body }, sender) => {
    const command = { type: 'deposit' as const, accountId, ...body };
    const request = {
      command,
      keys: keysOnAccount(sender.caller, accountId, headers['idempotency-key']),
      actor: sender.caller,
      correlationId: sender.correlationId,
    };
    const result = await executeCommand(store, request, sender.telemetry, headers['if-match']);
    if (result.outcome !== 'accepted') return nonAcceptance(command, result, sender.repeatableBy);
    return acceptance(result, 201, { ETag: etag(result.version) });
  });

interface Dependencies {
  readonly store: Pick<Store, 'execute'>;
  readonly telemetry: HttpTelemetry;
}
