import * as z from 'zod/mini';
import { json } from '../http/http-answer.ts';
import { type HttpHandler, httpHandler } from '../http/http-handler.ts';

/**
 * `GET /health`: that requests are answered. It asks nothing of the tables: a slow table must not take the API down
 * with it.
 * @returns a handler that answers 200.
 */
export const createHandler = (): HttpHandler => httpHandler(z.object({}), async () => json(200, { status: 'ok' }));
