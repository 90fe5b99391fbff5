import { expect, vi } from 'vitest';
import type { HttpDependencies } from '../../../functions/http/chain/http-handler.ts';
import { scopes } from '../../../functions/http/identity/scope.ts';
import { chosenFields, type LogFields } from '../../../functions/runtime/log/log-fields.ts';
import type { HttpTelemetry, Telemetry } from '../../../functions/runtime/telemetry.ts';

/**
 * Telemetry that a test can look at: what was logged, by fields that are chosen alone, what was counted (0 is not), and what was
 * measured, each time.
 */
export const recordedTelemetry = () => {
  const counts: Record<string, number> = {};
  const measured: Record<string, number[]> = {};
  const line = () =>
    vi.fn((_message: string, fields?: LogFields) => {
      const names = Object.keys(fields ?? {});
      expect(names.filter((name) => !chosenFields.has(name))).toEqual([]);
    });
  const logger = { info: line(), warn: line(), error: line() } satisfies Telemetry['logger'];
  const count = (metric: string, value: number): void => {
    if (value > 0) counts[metric] = (counts[metric] ?? 0) + value;
  };
  const measure = (metric: string, milliseconds: number): void => {
    measured[metric] = [...(measured[metric] ?? []), milliseconds];
  };
  return { telemetry: { logger, count, measure }, logger, counts, measured };
};

/** Telemetry of a Lambda that answers requests, which nobody looks at. */
export const silentHttpTelemetry: HttpTelemetry = {
  ofRequest: () => ({ ...recordedTelemetry().telemetry, publish: () => {} }),
};

/** What every route takes: nobody looks at its telemetry, and everybody is `local`. */
export const silentHttp: HttpDependencies = {
  telemetry: silentHttpTelemetry,
  callers: { by: 'nothing' },
};

/** The same, where tokens tell callers apart, by our own names of scopes. */
export const silentHttpWithTokens: HttpDependencies = {
  telemetry: silentHttpTelemetry,
  callers: { by: 'token', scopes: new Map(scopes.map((scope) => [scope, scope])) },
};
