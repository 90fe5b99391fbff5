import * as z from 'zod/mini';
import { type HttpHandler, httpHandler } from '../http/http-handler.ts';

/**
 * `$default`: what no other route takes.
 * @returns a handler that answers 404.
 */
export const createHandler = (): HttpHandler =>
  httpHandler(z.object({}), async () => ({
    code: 'route_not_found',
    detail: 'There is nothing under this method and path. GET /openapi.json tells what there is.',
  }));
