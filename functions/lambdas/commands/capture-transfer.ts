import { createHandler } from '../../commands/transfers/capture-transfer.ts';
import { httpFromEnvironment } from '../../http/identity/from-environment.ts';
import { storeFromEnvironment } from '../../store/from-environment.ts';
import { endOfHoldFromEnvironment } from '../../transfers/from-environment.ts';

export const handler = createHandler({
  store: storeFromEnvironment(),
  endOfHold: endOfHoldFromEnvironment(),
  ...httpFromEnvironment(),
});
