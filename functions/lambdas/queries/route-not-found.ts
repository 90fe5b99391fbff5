import { createHandler } from '../../queries/route-not-found.ts';
import { httpTelemetryFromEnvironment } from '../../runtime/telemetry.ts';

export const handler = createHandler({ telemetry: httpTelemetryFromEnvironment() });
