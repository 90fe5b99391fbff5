import { commandHandler } from '../http/command-handler.ts';
import { movementRequest } from './movement-request.ts';

/**
 * `POST /accounts/{accountId}/deposits`: pays money in, and answers with the line of the statement.
 */
export const createHandler = commandHandler(movementRequest, ({ path, body }) => ({
  type: 'deposit',
  ...path,
  ...body,
}));
