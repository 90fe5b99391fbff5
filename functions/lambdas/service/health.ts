import { createHandler } from '../../queries/health.ts';
import { httpTelemetryFromEnvironment } from '../../runtime/telemetry.ts';

export const handler = createHandler({ telemetry: httpTelemetryFromEnvironment() });
