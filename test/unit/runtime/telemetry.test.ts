import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { telemetryFromEnvironment } from '../../../functions/runtime/telemetry.ts';

let lines: string[];

beforeEach(() => {
  lines = [];
  vi.stubEnv('POWERTOOLS_METRICS_NAMESPACE', 'Holdfast');
  // Powertools writes to a console of its own, except in development, where it would write no
  // metrics.
  vi.stubEnv('POWERTOOLS_DEV', 'true');
  vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false');
  vi.stubEnv('POWERTOOLS_SERVICE_NAME', 'carry-out-transfers');
  vi.spyOn(console, 'log').mockImplementation((line) => void lines.push(line));
});

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

it('a count is written at once, as a metric of the service', () => {
  telemetryFromEnvironment().count('TransfersRecovered', 3);
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { service: 'carry-out-transfers', TransfersRecovered: 3 },
  ]);
  expect(lines[0]).toContain('"Namespace":"Holdfast"');
});

it('a count of 0 writes nothing', () => {
  telemetryFromEnvironment().count('TransfersRecovered', 0);
  expect(lines).toEqual([]);
});
