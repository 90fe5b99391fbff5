import { vi } from 'vitest';
import type { Telemetry } from '../../../functions/runtime/telemetry.ts';

/** Telemetry that a test can look at: what was logged, and what was counted (0 is not). */
export const recordedTelemetry = () => {
  const counts: Record<string, number> = {};
  const logger = { info: vi.fn(), warn: vi.fn(), error: vi.fn() } satisfies Telemetry['logger'];
  const count = (metric: string, value: number): void => {
    if (value > 0) counts[metric] = (counts[metric] ?? 0) + value;
  };
  return { telemetry: { logger, count }, logger, counts };
};
