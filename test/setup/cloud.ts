import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { type LocalCloud, startLocalCloud } from '../../local-cloud/cloud.ts';
import type { Interceptor } from '../../local-cloud/endpoint.ts';
import type { RunningFunction } from '../../local-cloud/lambda/function.ts';
import { type Api, apiAt } from './api.ts';

/** A local cloud with a database of its own, and what tests do with it. */
export interface TestCloud extends LocalCloud {
  readonly api: Api;
  /** A function by its short name. */
  function(name: string): RunningFunction;
  /** What went wrong inside so far. */
  readonly warnings: readonly string[];
}

/** Starts a local cloud on any free port, in the run's shared DynamoDB Local. */
export const startTestCloud = async (): Promise<TestCloud> => {
  const warnings: string[] = [];
  const cloud = await startLocalCloud({
    assembly: inject('assembly'),
    port: 0,
    dynamodb: { endpoint: inject('dynamodb').endpoint, accessKeyId: randomBytes(10).toString('hex') },
    report: { step: () => {}, log: () => {}, warn: (line) => warnings.push(line) },
  });
  return {
    ...cloud,
    api: apiAt(cloud.url),
    warnings,
    function: (name) => {
      const found = cloud.functions.get(`holdfast-dev-${name}`);
      if (!found) throw new Error(`there is no function ${name}`);
      return found;
    },
  };
};

const WRITES = new Set([
  'PutItem',
  'UpdateItem',
  'DeleteItem',
  'BatchWriteItem',
  'TransactWriteItems',
  'StartExecution',
]);

/**
 * Kills a function's workers, as a crash, around one of its writes.
 * @param name the function's short name.
 * @param nth which of its writes from now on: 1 is the next.
 * @param when `before` it is done, or `after`, so that the function never hears of it.
 * @returns whether it has happened.
 */
export const killAroundWrite = (
  cloud: TestCloud,
  name: string,
  nth: number,
  when: 'before' | 'after',
): { readonly done: () => boolean; readonly disarm: () => void } => {
  let writes = 0;
  let done = false;
  const target = cloud.function(name);
  const interceptor: Interceptor = async (call, forward) => {
    if (done || call.functionName !== target.name || !WRITES.has(call.operation)) return forward();
    writes += 1;
    if (writes !== nth) return forward();
    done = true;
    if (when === 'after') await forward();
    await target.kill();
    throw new Error('killed');
  };
  return { done: () => done, disarm: cloud.intercept(interceptor) };
};
