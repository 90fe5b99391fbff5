import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { Context } from 'aws-lambda';
import { chosen, type LogFields } from './log/log-fields.ts';

/**
 * The ledger's metrics. An alarm watches each, or the dashboard shows it:
 * `infra/constructs/ledger-metrics.ts` says which functions emit it.
 */
export type MetricName =
  // What became of commands and requests
  | 'CommandAccepted'
  | 'CommandRejected'
  | 'CommandReplayed'
  | 'CommandVersionMismatch'
  | 'CommandNotTheirs'
  | 'CommandKeyReused'
  | 'CommandPending'
  | 'CommandInProgress'
  | 'CommandUndecided'
  | 'CommandsDecidedTogether'
  | 'RequestLatency'
  | 'ServerError'
  // What became of transfers
  | 'TransfersSettledAtOnce'
  | 'TransfersCarriedOut'
  | 'TransfersLeftToWorkflow'
  | 'TransferTime'
  | 'CreditsRejected'
  | 'CreditsWithoutReservation'
  | 'OldestOpenTransferAge'
  | 'TransfersRecovered'
  | 'TransfersLeftForLater'
  | 'HoldsExpired'
  | 'OldestOverdueHoldAge'
  // What went wrong
  | 'CommitsAheadOfTime'
  | 'DecidePendingFailures'
  | 'HoldExpiryFailures'
  | 'ProjectionFailures'
  | 'TransferRecoveryFailures'
  | 'TransferStartFailures'
  | 'UnreadableRecords'
  | 'UnreadableRows';

/** How a Lambda tells what it does: structured log lines, and metrics for the alarms. */
export interface Telemetry {
  readonly logger: Readonly<Record<'info' | 'warn' | 'error', LogLine>>;
  /** Adds to a CloudWatch metric (EMF); 0 writes nothing. */
  count(metric: MetricName, value: number): void;
  /** Adds a duration to a CloudWatch metric (EMF); 0 is one too. */
  measure(metric: MetricName, milliseconds: number): void;
}

/** Writes one line, with the fields that are chosen for it. */
type LogLine = (message: string, fields?: LogFields) => void;

/**
 * Telemetry of one request: all of its lines and metrics carry its ids, and nothing of another
 * request that is under way meanwhile.
 */
export interface RequestTelemetry extends Telemetry {
  /** Writes all counts and durations as one line, once the request has been answered. */
  publish(): void;
}

/** Telemetry of a Lambda that answers requests, possibly several at once. */
export interface HttpTelemetry {
  /** Begins the telemetry of one request. */
  ofRequest(context: Context, correlationId: string): RequestTelemetry;
}

/**
 * Makes Powertools' metrics when the first is counted, not when the module is loaded. Where an
 * environment takes several requests at once, Powertools (2.35) looks for the invocation as soon as
 * it makes them, and throws outside of one.
 */
const metricsWhenUsed = (options?: ConstructorParameters<typeof Metrics>[0]): (() => Metrics) => {
  let made: Metrics | undefined;
  return () => {
    made ??= new Metrics(options);
    return made;
  };
};

/**
 * Telemetry as the `POWERTOOLS_*` variables set it, for a Lambda without a caller. To be made once
 * per environment.
 */
export const telemetryFromEnvironment = (): Telemetry => {
  // Each count is a line of its own, written at once, so that an invocation that fails later loses
  // none.
  const metrics = metricsWhenUsed({ singleMetric: true });
  return {
    logger: linesOf(new Logger()),
    count: (metric, value) => {
      if (value > 0) metrics().addMetric(metric, MetricUnit.Count, value);
    },
    measure: (metric, milliseconds) => {
      metrics().addMetric(metric, MetricUnit.Milliseconds, milliseconds);
    },
  };
};

/**
 * Telemetry as the `POWERTOOLS_*` variables set it, for a Lambda that answers requests. To be made
 * once per environment.
 *
 * All requests share the logger and the metrics, which keep nothing between two calls: each
 * request's fields are held beside them, and handed over whole with each line and with its metrics.
 */
export const httpTelemetryFromEnvironment = (): HttpTelemetry => {
  const logger = new Logger();
  const metrics = metricsWhenUsed();
  // Where Lambda makes an environment ahead of its first request, nobody waited for the start.
  let isColdStart = process.env['AWS_LAMBDA_INITIALIZATION_TYPE'] === 'on-demand';

  return {
    ofRequest: (context, correlationId) => {
      const ids = { ...namesOf(context), cold_start: isColdStart, correlation_id: correlationId };
      isColdStart = false;
      const measured: Parameters<Metrics['addMetric']>[] = [];
      return {
        logger: linesOf(logger, ids),
        count: (metric, value) => {
          if (value > 0) measured.push([metric, MetricUnit.Count, value]);
        },
        measure: (metric, milliseconds) => {
          measured.push([metric, MetricUnit.Milliseconds, milliseconds]);
        },
        publish: () => {
          const record = metrics();
          record.addMetadata('correlation_id', correlationId);
          for (const metric of measured.splice(0)) record.addMetric(...metric);
          record.publishStoredMetrics();
        },
      };
    },
  };
};

/** The names that Powertools gives on a line to what Lambda says of an invocation. */
const namesOf = ({ functionName, invokedFunctionArn, memoryLimitInMB, awsRequestId }: Context) => ({
  function_name: functionName,
  function_arn: invokedFunctionArn,
  function_memory_size: memoryLimitInMB,
  function_request_id: awsRequestId,
});

/** @param ids stand on every line. */
const linesOf = (
  logger: Logger,
  ids: Readonly<Record<string, unknown>> = {},
): Telemetry['logger'] => {
  const line =
    (level: keyof Telemetry['logger']): LogLine =>
    (message, fields = {}) =>
      logger[level](message, { ...ids, ...chosen(fields) });
  return { info: line('info'), warn: line('warn'), error: line('error') };
};
