import type { TestProject } from 'vitest/node';
import { startDynamoDbLocal } from '../../local-cloud/dynamodb/dynamodb-local.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /**
     * The DynamoDB Local that the whole run shares. Every access key id is a database of its own in
     * it.
     */
    dynamodb: { readonly endpoint: string };
  }
}

/**
 * Starts DynamoDB Local once for the run and provides where it is. Each project that names this
 * file calls it: the first one starts the engine and provides it through the root project, which
 * all projects inherit from.
 * @returns what stops it; nothing when another project owns it.
 */
export default async (project: TestProject): Promise<(() => Promise<void>) | undefined> => {
  const root = project.vitest.getRootProject();
  if ('dynamodb' in root.getProvidedContext()) return undefined;
  const database = await startDynamoDbLocal({ longRunning: true, report: () => {} });
  root.provide('dynamodb', { endpoint: database.endpoint });
  return () => database.stop();
};
