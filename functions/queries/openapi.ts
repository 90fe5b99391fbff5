import * as z from 'zod/mini';
import { json } from '../http/answer/http-answer.ts';
import { type HttpHandler, publicHandler } from '../http/chain/http-handler.ts';
import type { HttpTelemetry } from '../runtime/telemetry.ts';
import document from './openapi.json' with { type: 'json' };

/** What `GET /openapi.json` takes: anything, which it does not look at. */
export const openApiRequest = z.object({});

/**
 * `GET /openapi.json`: this API as OpenAPI 3.1. `npm run openapi` makes the document from the code.
 * @param dependencies telemetry.
 * @returns a handler that answers 200 with the document.
 */
export const createHandler = ({ telemetry }: { readonly telemetry: HttpTelemetry }): HttpHandler =>
  publicHandler(telemetry, openApiRequest, async () => json(200, document));
