import type { LedgerDatabase } from '../../testing/ledger-database.ts';
import { memoryDynamoDb } from './memory-dynamodb.ts';

/**
 * Stands for `testing/ledger-database.ts` while mutants are run: a database of its own in this
 * process.
 */
export const createLedgerDatabase = async (): Promise<LedgerDatabase> => {
  const requestHandler = memoryDynamoDb({
    events: ['streamId', 'version'],
    commands: ['key'],
    queue: ['accountId', 'place'],
  });
  const config = {
    endpoint: 'http://memory',
    region: 'us-east-1',
    credentials: { accessKeyId: 'memory', secretAccessKey: 'memory' },
    requestHandler,
  };
  return {
    config,
    tables: { events: 'events', commands: 'commands', queue: 'queue', views: 'views' },
    streams: { events: '', queue: '' },
  };
};
