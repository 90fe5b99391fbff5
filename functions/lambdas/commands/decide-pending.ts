import { createHandler } from '../../commands/decide-pending.ts';
import { budgets } from '../../runtime/budgets.ts';
import { withBareErrors } from '../../runtime/log/described-error.ts';
import { telemetryFromEnvironment } from '../../runtime/telemetry.ts';
import { storeFromEnvironment } from '../../store/from-environment.ts';

/** What Lambda calls, for those records of the queue's stream. */
export const handler = withBareErrors(
  createHandler({
    store: storeFromEnvironment(),
    telemetry: telemetryFromEnvironment(),
    clock: Date.now,
    budget: budgets.decidePending,
  }),
);
