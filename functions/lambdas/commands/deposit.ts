import { createHandler } from '../../commands/deposit.ts';
import { storeFromEnvironment } from '../../store/from-environment.ts';
import { requestTelemetry } from '../telemetry.ts';

export const handler = createHandler({
  store: storeFromEnvironment(),
  telemetry: requestTelemetry(),
});
