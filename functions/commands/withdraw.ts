import { commandHandler } from '../http/command-handler.ts';
import { movementRequest } from './movement-request.ts';

/**
 * `POST /accounts/{accountId}/withdrawals`: pays money out, and answers with the line of the
 * statement.
 */
export const createHandler = commandHandler(
  { scope: 'ledger:write', accounts: 'own' },
  movementRequest,
  ({ path, body }) => ({ type: 'withdraw', ...path, ...body }),
);
