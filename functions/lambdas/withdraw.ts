import { createHandler } from '../commands/withdraw.ts';
import { storeFromEnvironment } from '../store/from-environment.ts';

export const handler = createHandler({ store: storeFromEnvironment() });
