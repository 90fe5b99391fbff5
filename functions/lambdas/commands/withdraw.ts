import { createHandler } from '../../commands/withdraw.ts';
import { httpTelemetryFromEnvironment } from '../../runtime/telemetry.ts';
import { storeFromEnvironment } from '../../store/from-environment.ts';

export const handler = createHandler({
  store: storeFromEnvironment(),
  telemetry: httpTelemetryFromEnvironment(),
});
