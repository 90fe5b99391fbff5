import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { HttpMiddleware } from './http-middleware.ts';

/** Structured JSON logs. Service and level come from the environment. */
export const logger = new Logger();

/** Metrics in CloudWatch's embedded format, one record per request. Namespace and service come from the environment. */
export const metrics = new Metrics();

/**
 * Says what became of every request: one log line, `RequestLatency`, and `ServerError` where the fault is ours.
 * The clock here only measures; nothing is decided by it.
 */
export const observation = (): HttpMiddleware => {
  const report: NonNullable<HttpMiddleware['after']> = ({ event, context, response }) => {
    const milliseconds = Math.round((performance.now() - (context.startedAt ?? 0)) * 1000) / 1000;
    const status = response?.statusCode ?? 500;
    metrics.addMetric('RequestLatency', MetricUnit.Milliseconds, milliseconds);
    if (status >= 500) metrics.addMetric('ServerError', MetricUnit.Count, 1);
    const { routeKey, rawPath } = event;
    logger.info('answered', { route: routeKey, path: rawPath, status, milliseconds, caller: context.caller });
    metrics.publishStoredMetrics();
  };
  return {
    before: ({ context }) => {
      context.startedAt = performance.now();
      logger.resetKeys();
      logger.addContext(context);
    },
    after: report,
    onError: report,
  };
};
