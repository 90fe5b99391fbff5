import { createHandler } from '../../commands/withdraw.ts';
import { storeFromEnvironment } from '../../store/from-environment.ts';
import { requestTelemetry } from '../telemetry.ts';

export const handler = createHandler({
  store: storeFromEnvironment(),
  telemetry: requestTelemetry(),
});
