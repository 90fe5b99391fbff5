import * as z from 'zod/mini';
import { json } from '../http/answer/http-answer.ts';
import { type HttpHandler, httpHandler } from '../http/chain/http-handler.ts';
import type { HttpTelemetry } from '../runtime/telemetry.ts';
import document from './openapi.json' with { type: 'json' };

/**
 * `GET /openapi.json`: this API as OpenAPI 3.1. The document is written by hand; a test holds it to
 * the code.
 * @param dependencies telemetry.
 * @returns a handler that answers 200 with the document.
 */
export const createHandler = ({ telemetry }: { readonly telemetry: HttpTelemetry }): HttpHandler =>
  httpHandler(telemetry, z.object({}), async () => json(200, document));
