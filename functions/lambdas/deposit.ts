import { createHandler } from '../commands/deposit.ts';
import { storeFromEnvironment } from '../store/from-environment.ts';

export const handler = createHandler({ store: storeFromEnvironment() });
