import { machineTime } from '../http/polling.ts';
import { createHandler } from '../queries/get-transfer.ts';
import { viewsFromEnvironment } from '../views/from-environment.ts';

export const handler = createHandler({ views: viewsFromEnvironment(), time: machineTime });
