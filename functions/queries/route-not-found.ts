import * as z from 'zod/mini';
import { type HttpHandler, httpHandler } from '../http/chain/http-handler.ts';
import type { HttpTelemetry } from '../runtime/telemetry.ts';

/**
 * `$default`: what no other route takes.
 * @param dependencies telemetry.
 * @returns a handler that answers 404.
 */
export const createHandler = ({ telemetry }: { readonly telemetry: HttpTelemetry }): HttpHandler =>
  httpHandler(telemetry, z.object({}), async () => ({
    code: 'route_not_found',
    detail: 'There is nothing under this method and path. GET /openapi.json tells what there is.',
  }));
