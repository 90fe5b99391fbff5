import * as z from 'zod/mini';
import { json } from '../http/http-answer.ts';
import { type HttpHandler, httpHandler } from '../http/http-handler.ts';
import document from './openapi.json' with { type: 'json' };

/**
 * `GET /openapi.json`: this API as OpenAPI 3.1. The document is written by hand; a test holds it to the code.
 * @returns a handler that answers 200 with the document.
 */
export const createHandler = (): HttpHandler => httpHandler(z.object({}), async () => json(200, document));
