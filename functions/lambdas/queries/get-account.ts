import { createHandler } from '../../queries/get-account.ts';
import { storeFromEnvironment } from '../../store/from-environment.ts';
import { requestTelemetry } from '../telemetry.ts';

export const handler = createHandler({
  store: storeFromEnvironment(),
  clock: Date.now,
  telemetry: requestTelemetry(),
});
