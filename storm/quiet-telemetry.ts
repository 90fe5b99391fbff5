import type { Telemetry } from '../functions/runtime/telemetry.ts';
import type { Report } from './violation.ts';

/** What a consumer says in a storm says nothing: all kinds of things go wrong there. */
const silence = () => {};

/** Counts that no weather explains: somebody wrote what nobody may write. */
const ALARMS = new Set(['UnreadableRecords', 'CreditsWithoutReservation']);

/** Telemetry that takes note of what may never happen, and of nothing else. */
export const quietTelemetry = (report: Report): Telemetry => ({
  logger: { info: silence, warn: silence, error: silence },
  measure: silence,
  count: (metric, value) => {
    if (value > 0 && ALARMS.has(metric))
      report('no alarm rings that the weather does not explain', { metric, value });
  },
});
