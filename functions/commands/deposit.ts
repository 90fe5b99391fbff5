import { commandHandler } from '../http/command-handler.ts';
import { movementRequest } from './movement-request.ts';

/**
 * `POST /accounts/{accountId}/deposits`: pays money in from outside, to anybody's account, and
 * answers with the line of the statement. It takes a scope of its own, or every customer could make
 * money.
 */
export const createHandler = commandHandler(
  { scope: 'ledger:deposit', accounts: 'any' },
  movementRequest,
  ({ path, body }) => ({ type: 'deposit', ...path, ...body }),
);
