import { createHandler, MethodsByPath } from '../../queries/route-not-found.ts';
import { environmentVariable } from '../../runtime/environment.ts';
import { httpTelemetryFromEnvironment } from '../../runtime/telemetry.ts';

export const handler = createHandler({
  methodsByPath: MethodsByPath.parse(JSON.parse(environmentVariable('METHODS_BY_PATH'))),
  telemetry: httpTelemetryFromEnvironment(),
});
