import { gunzipSync } from 'node:zlib';
import * as z from 'zod/mini';
import { type HttpHandler, publicHandler } from '../http/chain/http-handler.ts';
import type { HttpTelemetry } from '../runtime/telemetry.ts';

/** What `GET /docs` takes: anything, of which it looks at one header. */
export const docsRequest = z.object({
  headers: z.object({ 'accept-encoding': z.optional(z.string()) }),
});

/** A page that is made ahead, with what a browser may load for it. */
export const DocsPage = z.object({
  contentSecurityPolicy: z.string(),
  /** The HTML, compressed with gzip, as base64. */
  gzip: z.string(),
});

/**
 * `GET /docs`: the API for people. The page is made ahead and shows `GET /openapi.json`; it holds
 * everything else, and its content security policy forbids a browser to ask any other host.
 * @param dependencies the page, and telemetry.
 * @returns a handler that answers 200 with the page, compressed for those who take it so: as it is
 *   it has 2 MB.
 */
export const createHandler = ({ page, telemetry }: Dependencies): HttpHandler =>
  publicHandler(
    telemetry,
    docsRequest,
    async ({ headers: { 'accept-encoding': accepted = '' } }) => {
      const isCompressed = takesGzip(accepted);
      return {
        statusCode: 200,
        headers: {
          'Content-Type': 'text/html; charset=utf-8',
          // It is the same for everybody until the next deployment.
          'Cache-Control': 'public, max-age=3600',
          'Content-Security-Policy': page.contentSecurityPolicy,
          'Referrer-Policy': 'no-referrer',
          'X-Content-Type-Options': 'nosniff',
          Vary: 'Accept-Encoding',
          ...(isCompressed && { 'Content-Encoding': 'gzip' }),
        },
        ...(isCompressed
          ? { body: page.gzip, isBase64Encoded: true }
          : { body: gunzipSync(Buffer.from(page.gzip, 'base64')).toString() }),
      };
    },
  );

interface Dependencies {
  readonly page: z.infer<typeof DocsPage>;
  readonly telemetry: HttpTelemetry;
}

/** Whether a client takes gzip (RFC 9110, 12.5.3): it names it, with no weight or one above 0. */
const takesGzip = (accepted: string): boolean =>
  accepted.split(',').some((choice) => {
    const [coding = '', ...parameters] = choice.split(';').map((part) => part.trim().toLowerCase());
    const isRefused = parameters.some((parameter) => /^q\s*=\s*0(?:\.0*)?$/.test(parameter));
    return coding === 'gzip' && !isRefused;
  });
