import type { HttpTelemetry } from '../../runtime/telemetry.ts';
import type { HttpMiddleware } from './http-middleware.ts';

/**
 * Says what became of every request: one log line, `RequestLatency`, and `ServerError` where the
 * fault is ours. Several requests may be under way at once: what is told of one is in its context
 * alone. The clock here only measures; nothing is decided by it.
 * @param telemetry where it is told. The request has its correlation id by then.
 */
export const observation = (telemetry: HttpTelemetry): HttpMiddleware => {
  const report: NonNullable<HttpMiddleware['after']> = ({ event, context, response }) => {
    const milliseconds = Math.round((performance.now() - (context.startedAt ?? 0)) * 1000) / 1000;
    const status = response?.statusCode ?? 500;
    const { caller, problem } = context;
    context.telemetry?.measure('RequestLatency', milliseconds);
    if (status >= 500) context.telemetry?.count('ServerError', 1);
    const { routeKey, rawPath } = event;
    context.telemetry?.logger.info('answered', {
      route: routeKey,
      path: rawPath,
      status,
      milliseconds,
      caller,
      problem,
    });
    context.telemetry?.publish();
  };
  return {
    before: ({ context }) => {
      context.startedAt = performance.now();
      context.telemetry = telemetry.ofRequest(context, context.correlationId ?? '');
    },
    after: report,
    onError: report,
  };
};
