import * as z from 'zod/mini';
import { json } from '../http/answer/http-answer.ts';
import { type HttpHandler, publicHandler } from '../http/chain/http-handler.ts';
import type { HttpTelemetry } from '../runtime/telemetry.ts';

/** What `GET /health` takes: anything, which it does not look at. */
export const healthRequest = z.object({});

/** What it answers. */
export const Health = z.object({ status: z.literal('ok') });

/**
 * `GET /health`: shows that the API answers requests. It reads no table: a slow table must not take
 * the API down with it.
 * @param dependencies telemetry.
 * @returns a handler that answers 200.
 */
export const createHandler = ({ telemetry }: { readonly telemetry: HttpTelemetry }): HttpHandler =>
  publicHandler(telemetry, healthRequest, async () => {
    const body: z.infer<typeof Health> = { status: 'ok' };
    return json(200, body);
  });
