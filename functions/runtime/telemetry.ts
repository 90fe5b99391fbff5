import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';

/** How a Lambda without a caller tells what it does: structured log lines, and counts for the alarms. */
export interface Telemetry {
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** Adds to a CloudWatch metric (EMF); 0 writes nothing. */
  count(metric: string, value: number): void;
}

/** Telemetry as the `POWERTOOLS_*` variables set it. To be made once per environment. */
export const telemetryFromEnvironment = (): Telemetry => {
  // Each count is a line of its own, written at once: nothing is lost when the invocation fails later.
  const metrics = new Metrics({ singleMetric: true });
  return {
    logger: new Logger(),
    count: (metric, value) => {
      if (value > 0) metrics.addMetric(metric, MetricUnit.Count, value);
    },
  };
};
