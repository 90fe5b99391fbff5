import {
  type HttpTelemetry,
  httpTelemetryFromEnvironment,
  type Telemetry,
  telemetryFromEnvironment,
} from '../runtime/telemetry.ts';

/*
 * What the Lambdas that answer requests tell by, made with the first request instead of when their
 * module is loaded. Where an environment takes several requests at once, the metrics of Powertools
 * (2.35) look for the invocation that they belong to as soon as they are made, and throw outside of
 * one.
 */

/** `httpTelemetryFromEnvironment`, from the first request on. */
export const requestTelemetry = (): HttpTelemetry => {
  const made = onFirstUse(httpTelemetryFromEnvironment);
  return { ofRequest: (...of) => made().ofRequest(...of) };
};

/** `telemetryFromEnvironment`, from the first line or metric on. */
export const lateTelemetry = (): Telemetry => {
  const made = onFirstUse(telemetryFromEnvironment);
  return {
    logger: {
      info: (...line) => made().logger.info(...line),
      warn: (...line) => made().logger.warn(...line),
      error: (...line) => made().logger.error(...line),
    },
    count: (...of) => made().count(...of),
    measure: (...of) => made().measure(...of),
  };
};

const onFirstUse = <Made>(make: () => Made): (() => Made) => {
  let made: Made | undefined;
  return () => {
    made ??= make();
    return made;
  };
};
