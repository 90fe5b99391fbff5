import { randomBytes } from 'node:crypto';
import { createHandler } from '../../commands/request-transfer.ts';
import { createIds } from '../../http/ids.ts';
import { machineTime } from '../../http/polling.ts';
import { storeFromEnvironment } from '../../store/from-environment.ts';
import { viewsFromEnvironment } from '../../views/from-environment.ts';
import { lateTelemetry, requestTelemetry } from '../telemetry.ts';

export const handler = createHandler({
  store: storeFromEnvironment(),
  views: viewsFromEnvironment({ telemetry: lateTelemetry() }),
  newId: createIds({ clock: Date.now, random: randomBytes }),
  time: machineTime,
  telemetry: requestTelemetry(),
});
