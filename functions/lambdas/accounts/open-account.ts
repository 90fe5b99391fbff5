import { randomBytes } from 'node:crypto';
import { createHandler } from '../../commands/open-account.ts';
import { httpFromEnvironment } from '../../http/identity/from-environment.ts';
import { createIds } from '../../http/ids.ts';
import { storeFromEnvironment } from '../../store/from-environment.ts';

export const handler = createHandler({
  store: storeFromEnvironment(),
  newId: createIds({ clock: Date.now, random: randomBytes }),
  ...httpFromEnvironment(),
});
