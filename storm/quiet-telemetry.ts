import type { Telemetry } from '../functions/runtime/telemetry.ts';
import type { Report } from './violation.ts';

/** A consumer's log lines mean nothing in a storm: all kinds of things go wrong there. */
const silence = () => {};

/** Counts that no weather explains: something wrote what nothing may write. */
const ALARMS = new Set(['UnreadableRecords', 'CreditsWithoutReservation']);

/** Telemetry that reports only what may never happen. */
export const quietTelemetry = (report: Report): Telemetry => ({
  logger: { info: silence, warn: silence, error: silence },
  measure: silence,
  count: (metric, value) => {
    if (value > 0 && ALARMS.has(metric))
      report('no alarm rings that the weather does not explain', { metric, value });
  },
});
