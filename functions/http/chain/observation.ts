import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { HttpTelemetry } from '../../runtime/telemetry.ts';
import type { HttpMiddleware } from './http-middleware.ts';

/** What ids look like; those of commands that are longer keys are not told. */
const ID = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * The ids in a path. The path itself is not told: anybody may write anything into it.
 */
const idsIn = (parameters: APIGatewayProxyEventV2['pathParameters']) => {
  const id = (name: string) => {
    const value = parameters?.[name];
    return value !== undefined && ID.test(value) ? { [name]: value } : {};
  };
  return { ...id('accountId'), ...id('transferId'), ...id('commandId'), ...id('postingId') };
};

/**
 * Says what became of every request: one log line, `RequestLatency`, and `ServerError` where the
 * fault is ours. Several requests may be under way at once, so all that it knows of one is in that
 * request's context. The clock here only measures; it decides nothing.
 * @param telemetry takes the line and the metrics. The request has its correlation id by then.
 */
export const observation = (telemetry: HttpTelemetry): HttpMiddleware => {
  const report: NonNullable<HttpMiddleware['after']> = ({ event, context, response }) => {
    const milliseconds = Math.round((performance.now() - (context.startedAt ?? 0)) * 1000) / 1000;
    const status = response?.statusCode ?? 500;
    const { caller, problem } = context;
    context.telemetry?.measure('RequestLatency', milliseconds);
    if (status >= 500) context.telemetry?.count('ServerError', 1);
    context.telemetry?.logger.info('answered', {
      route: event.routeKey,
      ...idsIn(event.pathParameters),
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
