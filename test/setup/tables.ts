import { inject } from 'vitest';
import { createLedgerDatabase, type LedgerDatabase } from './ledger-database.ts';

/** A database of its own inside the shared DynamoDB Local, with the ledger's tables. */
export type TestDatabase = LedgerDatabase;

/** Makes one. Call it once per file, or once per test that needs an empty stream. */
export const createTestDatabase = (): Promise<TestDatabase> => createLedgerDatabase(inject('dynamodb').endpoint);
