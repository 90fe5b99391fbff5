import { createHandler } from '../../commands/decide-pending.ts';
import { telemetryFromEnvironment } from '../../runtime/telemetry.ts';
import { storeFromEnvironment } from '../../store/from-environment.ts';

/** What Lambda calls, for those records of the commands table's stream that hold a command which waits. */
export const handler = createHandler({ store: storeFromEnvironment(), telemetry: telemetryFromEnvironment() });
