import { withBareErrors } from '../../runtime/log/described-error.ts';
import { telemetryFromEnvironment } from '../../runtime/telemetry.ts';
import { storeFromEnvironment } from '../../store/from-environment.ts';
import { createHandler } from '../../transfers/release-transfer.ts';

/** What the state machine calls. */
export const handler = withBareErrors(
  createHandler({
    store: storeFromEnvironment(),
    telemetry: telemetryFromEnvironment(),
  }),
);
