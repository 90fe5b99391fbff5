import { vi } from 'vitest';
import type { HttpTelemetry, Telemetry } from '../../../functions/runtime/telemetry.ts';

/** Telemetry that a test can look at: what was logged, and what was counted (0 is not). */
export const recordedTelemetry = () => {
  const counts: Record<string, number> = {};
  const logger = { info: vi.fn(), warn: vi.fn(), error: vi.fn() } satisfies Telemetry['logger'];
  const count = (metric: string, value: number): void => {
    if (value > 0) counts[metric] = (counts[metric] ?? 0) + value;
  };
  return { telemetry: { logger, count }, logger, counts };
};

/** Telemetry of a Lambda that answers requests, which nobody looks at. */
export const silentHttpTelemetry: HttpTelemetry = {
  ofRequest: () => ({ ...recordedTelemetry().telemetry, measure: () => {}, publish: () => {} }),
};
