import { randomBytes } from 'node:crypto';
import { createHandler } from '../../commands/open-account.ts';
import { createIds } from '../../http/ids.ts';
import { httpTelemetryFromEnvironment } from '../../runtime/telemetry.ts';
import { storeFromEnvironment } from '../../store/from-environment.ts';

export const handler = createHandler({
  store: storeFromEnvironment(),
  newId: createIds({ clock: Date.now, random: randomBytes }),
  telemetry: httpTelemetryFromEnvironment(),
});
