import * as z from 'zod/mini';
import { type HttpHandler, publicHandler } from '../http/chain/http-handler.ts';
import type { HttpTelemetry } from '../runtime/telemetry.ts';

/** Every path of the API, as in its route, and the methods that it answers. */
export const MethodsByPath = z.record(z.string(), z.array(z.string()));

/**
 * Answers `$default`, which takes all that no other route takes, and `ANY` of every path, which
 * takes the methods that the path does not answer.
 * @param dependencies the methods of every path, and telemetry.
 * @returns a handler that answers 404, or 405 with `Allow` where the path has other methods (RFC
 *   9110, 15.5.6).
 */
export const createHandler = ({ methodsByPath, telemetry }: Dependencies): HttpHandler =>
  publicHandler(telemetry, z.object({ routeKey: z.string() }), async ({ routeKey }) => {
    const [, path = ''] = routeKey.split(' ');
    const methods = Object.hasOwn(methodsByPath, path) ? methodsByPath[path] : undefined;
    if (methods) {
      const allow = methods.join(', ');
      return {
        code: 'method_not_allowed',
        detail: `This path answers ${allow}.`,
        headers: { Allow: allow },
      };
    }
    return {
      code: 'route_not_found',
      detail: 'There is nothing under this path. GET /openapi.json tells what there is.',
    };
  });

interface Dependencies {
  readonly methodsByPath: z.infer<typeof MethodsByPath>;
  readonly telemetry: HttpTelemetry;
}
