import { randomBytes } from 'node:crypto';
import { createHandler } from '../../commands/open-account.ts';
import { createIds } from '../../http/ids.ts';
import { storeFromEnvironment } from '../../store/from-environment.ts';
import { requestTelemetry } from '../telemetry.ts';

export const handler = createHandler({
  store: storeFromEnvironment(),
  newId: createIds({ clock: Date.now, random: randomBytes }),
  telemetry: requestTelemetry(),
});
