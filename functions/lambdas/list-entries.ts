import { createHandler } from '../queries/list-entries.ts';
import { storeFromEnvironment } from '../store/from-environment.ts';
import { viewsFromEnvironment } from '../views/from-environment.ts';

export const handler = createHandler({ store: storeFromEnvironment(), views: viewsFromEnvironment() });
