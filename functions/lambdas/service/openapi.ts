import { createHandler } from '../../queries/openapi.ts';
import { httpTelemetryFromEnvironment } from '../../runtime/telemetry.ts';

export const handler = createHandler({ telemetry: httpTelemetryFromEnvironment() });
