import { budgets } from '../../runtime/budgets.ts';
import { telemetryFromEnvironment } from '../../runtime/telemetry.ts';
import { storeFromEnvironment } from '../../store/from-environment.ts';
import { createHandler } from '../../transfers/holds/expire-holds.ts';
import { viewsFromEnvironment } from '../../views/from-environment.ts';

const telemetry = telemetryFromEnvironment();

/** What Lambda calls: every minute, or by hand. */
export const handler = createHandler({
  views: viewsFromEnvironment({ budget: budgets.recoverPage, telemetry }),
  store: storeFromEnvironment({ budget: budgets.carryOutStep }),
  telemetry,
  clock: Date.now,
  budget: budgets.expireHolds,
});
