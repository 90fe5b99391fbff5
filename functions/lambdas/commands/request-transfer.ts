import { randomBytes } from 'node:crypto';
import { createHandler } from '../../commands/request-transfer.ts';
import { httpFromEnvironment } from '../../http/identity/from-environment.ts';
import { createIds } from '../../http/ids.ts';
import { machineTime } from '../../http/polling.ts';
import { environmentChoice } from '../../runtime/environment.ts';
import { storeFromEnvironment } from '../../store/from-environment.ts';
import { viewsFromEnvironment } from '../../views/from-environment.ts';

export const handler = createHandler({
  shortWay: environmentChoice('SHORT_WAY', ['on', 'off']) === 'on',
  store: storeFromEnvironment(),
  views: viewsFromEnvironment(),
  newId: createIds({ clock: Date.now, random: randomBytes }),
  time: machineTime,
  ...httpFromEnvironment(),
});
