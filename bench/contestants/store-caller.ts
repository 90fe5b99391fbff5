import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { createStore, type Store } from '../../functions/store/store.ts';
import type { Database } from '../engine.ts';
import { lambdaTimeouts, type Meter, meteredClient } from '../metering.ts';

/**
 * A store that shares nothing with any other: its own client, its own connections, its own memory
 * of hot accounts.
 */
export interface StoreCaller {
  readonly store: Store;
  close(): void;
}

/**
 * A store as one Lambda environment has it.
 * @param options.queueing whether commands queue for hot accounts, or race for them.
 */
export const createStoreCaller = (
  database: Database,
  meter: Meter,
  { queueing }: { readonly queueing: boolean },
): StoreCaller => {
  const client = meteredClient(database, meter, lambdaTimeouts);
  return {
    store: createStore({
      client,
      eventsTable: database.tables.events,
      commandsTable: database.tables.commands,
      queueTable: database.tables.queue,
      clock: Date.now,
      newId: randomUUID,
      random: Math.random,
      sleep: (milliseconds) => setTimeout(milliseconds),
      budget: BUDGET_MS,
      queueing,
    }),
    close: () => client.destroy(),
  };
};

/** What a Lambda allows one command, in milliseconds; see functions/store/from-environment.ts. */
const BUDGET_MS = 8_000;
