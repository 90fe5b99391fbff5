import { createHandler } from '../../queries/get-account.ts';
import { httpTelemetryFromEnvironment } from '../../runtime/telemetry.ts';
import { storeFromEnvironment } from '../../store/from-environment.ts';

export const handler = createHandler({
  store: storeFromEnvironment(),
  clock: Date.now,
  telemetry: httpTelemetryFromEnvironment(),
});
