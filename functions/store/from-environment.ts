import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { createDocumentClient } from '../runtime/dynamodb.ts';
import { environmentVariable } from '../runtime/environment.ts';
import { createStore, type Store } from './store.ts';

/** How long a Lambda tries to decide: well within an API's 29 s, and long enough to outlast a hot moment. In milliseconds. */
const BUDGET = 8_000;

/**
 * The store of the stage this Lambda runs in: tables from `EVENTS_TABLE` and `COMMANDS_TABLE`, the machine's clock.
 * To be called once per environment.
 * @param options.budget how long it tries to decide, in milliseconds.
 * @throws {Error} naming the variable that is missing, or has a value that it cannot have.
 */
export const storeFromEnvironment = ({ budget = BUDGET }: { readonly budget?: number } = {}): Store =>
  createStore({
    client: createDocumentClient({ attempts: 1 }),
    eventsTable: environmentVariable('EVENTS_TABLE'),
    commandsTable: environmentVariable('COMMANDS_TABLE'),
    clock: Date.now,
    newId: randomUUID,
    random: Math.random,
    sleep: (milliseconds) => setTimeout(milliseconds),
    budget,
    queueing: hotAccounts() === 'queue',
  });

/** What `HOT_ACCOUNTS` asks for, where it is set: functions that change no account are not told. */
const hotAccounts = (): 'queue' | 'race' => {
  const value = process.env['HOT_ACCOUNTS'] ?? 'queue';
  if (value === 'queue' || value === 'race') return value;
  throw new Error(`the environment variable HOT_ACCOUNTS is "${value}": it must be "queue" or "race"`);
};
