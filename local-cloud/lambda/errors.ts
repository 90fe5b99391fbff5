import { types } from 'node:util';
import type { LambdaError } from './protocol.ts';

/**
 * Describes a thrown value as the Node.js runtime of Lambda does: an error by its name, message and
 * stack, anything else by its type and text.
 */
export const toLambdaError = (thrown: unknown): LambdaError =>
  types.isNativeError(thrown)
    ? {
        errorType: thrown.name,
        errorMessage: thrown.message,
        trace: (thrown.stack ?? '').split('\n'),
        ...(Object.keys(thrown).length > 0 && { fields: fieldsOf(thrown) }),
      }
    : { errorType: typeof thrown, errorMessage: String(thrown), trace: [] };

/** An error's own fields, as JSON has them. */
const fieldsOf = (error: Error): Record<string, unknown> => {
  try {
    return JSON.parse(JSON.stringify(error));
  } catch {
    return {};
  }
};

/**
 * Describes an error in loading the module: a missing import and a syntax error have names of their
 * own.
 */
export const toInitError = (thrown: unknown): LambdaError => {
  const error = toLambdaError(thrown);
  if (isModuleNotFound(thrown)) {
    return {
      ...error,
      errorType: 'Runtime.ImportModuleError',
      errorMessage: `Error: ${error.errorMessage}`,
    };
  }
  if (thrown instanceof SyntaxError) {
    return {
      ...error,
      errorType: 'Runtime.UserCodeSyntaxError',
      errorMessage: `SyntaxError: ${error.errorMessage}`,
    };
  }
  return error;
};

/** @param seconds the function's `Timeout`. */
export const timedOut = (requestId: string, seconds: number): LambdaError => ({
  errorType: 'Sandbox.Timedout',
  errorMessage: `RequestId: ${requestId} Error: Task timed out after ${seconds.toFixed(2)} seconds`,
});

/**
 * @param how e.g. `exit status 1` or `signal: killed`; absent when the process ended with status 0.
 */
export const exited = (requestId: string, how: string | undefined): LambdaError => ({
  errorType: 'Runtime.ExitError',
  errorMessage: `RequestId: ${requestId} Error: Runtime exited ${how ? `with error: ${how}` : 'without providing a reason'}`,
});

const isModuleNotFound = (thrown: unknown): boolean =>
  thrown instanceof Error &&
  'code' in thrown &&
  (thrown.code === 'ERR_MODULE_NOT_FOUND' || thrown.code === 'MODULE_NOT_FOUND');
