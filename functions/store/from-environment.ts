import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { budgets } from '../runtime/budgets.ts';
import { createDocumentClient } from '../runtime/dynamodb.ts';
import { environmentVariable } from '../runtime/environment.ts';
import type { Patience } from '../runtime/patience.ts';
import { createStore, type Store } from './store.ts';

/** The machine's clock, dice and patience. */
const machine: Patience = {
  clock: Date.now,
  random: Math.random,
  sleep: (milliseconds) => setTimeout(milliseconds),
};

/**
 * The store of the stage this Lambda runs in: tables from `EVENTS_TABLE`, `COMMANDS_TABLE` and
 * `QUEUE_TABLE`, the machine's clock. To be called once per environment.
 * @param options.budget how long the store tries to decide, in milliseconds.
 * @throws {Error} naming the variable that is missing, or has a value that it cannot have.
 */
export const storeFromEnvironment = ({
  budget = budgets.command,
}: {
  readonly budget?: number;
} = {}): Store =>
  createStore({
    client: createDocumentClient({ attempts: 1 }),
    eventsTable: environmentVariable('EVENTS_TABLE'),
    commandsTable: environmentVariable('COMMANDS_TABLE'),
    queueTable: environmentVariable('QUEUE_TABLE'),
    ...machine,
    newId: randomUUID,
    budget,
    queueing: true,
  });
