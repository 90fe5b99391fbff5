import * as z from 'zod/mini';
import { environmentChoice, environmentVariable } from '../../runtime/environment.ts';
import { httpTelemetryFromEnvironment } from '../../runtime/telemetry.ts';
import type { HttpDependencies } from '../chain/http-handler.ts';
import type { Callers } from './callers.ts';
import { scopes } from './scope.ts';

/**
 * What every route takes whose callers are told apart, as the variables set it. To be called once
 * per environment.
 * @throws {Error} naming the variable that is missing, or has a value that it cannot have.
 */
export const httpFromEnvironment = (): HttpDependencies => ({
  telemetry: httpTelemetryFromEnvironment(),
  callers: callersFromEnvironment(),
});

/**
 * How the stage tells its callers apart: `CALLERS`, which is `token` or `open`; with tokens `SCOPES`
 * as well, a JSON object of our scopes by the provider's names.
 */
export const callersFromEnvironment = (): Callers => {
  if (environmentChoice('CALLERS', ['token', 'open']) === 'open') return { by: 'nothing' };
  const names = ScopeNames.safeParse(parsed(environmentVariable('SCOPES')));
  if (names.success) return { by: 'token', scopes: new Map(Object.entries(names.data)) };
  throw new Error(
    `the environment variable SCOPES is no JSON object whose values are each one of ${scopes.join(', ')}`,
  );
};

const ScopeNames = z.record(z.string(), z.enum(scopes));

const parsed = (json: string): unknown => {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
};
