import { createHandler } from '../../commands/deposit.ts';
import { httpTelemetryFromEnvironment } from '../../runtime/telemetry.ts';
import { storeFromEnvironment } from '../../store/from-environment.ts';

export const handler = createHandler({
  store: storeFromEnvironment(),
  telemetry: httpTelemetryFromEnvironment(),
});
