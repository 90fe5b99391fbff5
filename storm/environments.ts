import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Patience } from '../functions/runtime/patience.ts';
import { createStore, type Store } from '../functions/store/store.ts';
import type { LedgerDatabase } from '../testing/ledger-database.ts';
import type { Random } from '../testing/random.ts';
import type { Report } from './violation.ts';
import {
  otherDeployment,
  type SnapshotSightings,
  thisDeployment,
} from './weather/other-deployment.ts';
import { rolesOf, type Work } from './weather/roles.ts';
import { StormyWire } from './weather/stormy-wire.ts';
import type { Weather } from './weather/weather.ts';

/** A Lambda environment: it shares nothing with the others but the database. */
export interface Environment extends Patience {
  readonly name: string;
  readonly store: Store;
  readonly client: DynamoDBDocumentClient;
  /** Closes its connections. */
  readonly close: () => void;
}

/** What the environments of one seed have in common. */
export interface World {
  readonly database: LedgerDatabase;
  readonly weather: Weather;
  readonly sightings: SnapshotSightings;
  /** How wrong clocks may be. Where they are wrong, no environment sees that an account is hot. */
  readonly clocks: 'true' | 'minutes off' | 'hours off';
  /** Told of a request that no role allows. */
  readonly report: Report;
}

const MINUTE_MS = 60_000;

/**
 * How wrong a clock is, in milliseconds: by some milliseconds everywhere, and by more in a world
 * that has such clocks.
 */
const skewOf = (random: Random, clocks: World['clocks']): number => {
  if (clocks === 'true' || random.chance(0.5)) return random.between(-50, 50);
  if (clocks === 'hours off' && random.chance(0.5)) return random.between(0, 120 * MINUTE_MS);
  return random.between(-2 * MINUTE_MS, 2 * MINUTE_MS);
};

/**
 * Makes environments, each with its own clock, patience, connections and, in half of them, another
 * deployment's way of writing.
 * @param count how many.
 * @param work whose roles they act under.
 */
export const createEnvironments = (
  world: World,
  random: Random,
  count: number,
  work: Work,
): Environment[] =>
  Array.from({ length: count }, (_, n) => {
    const dice = random.fork();
    const skew = skewOf(dice, world.clocks);
    return createEnvironment(world, dice, {
      name: `environment ${n}`,
      work,
      clock: () => Date.now() + skew,
      isOther: n % 2 === 1,
      budget: dice.between(300, 1_500),
      queueing: dice.chance(0.6),
    });
  });

const createEnvironment = (
  { database, weather, sightings, report }: World,
  dice: Random,
  {
    name,
    work,
    clock,
    isOther,
    budget,
    queueing,
  }: {
    readonly name: string;
    readonly work: Work;
    readonly clock: () => number;
    readonly isOther: boolean;
    readonly budget: number;
    readonly queueing: boolean;
  },
): Environment => {
  const { config, tables } = database;
  const deployment = isOther ? otherDeployment(sightings, tables) : thisDeployment(sightings);
  const requestHandler = new StormyWire(weather, deployment, rolesOf(work, report), dice.fork());
  const base = new DynamoDBClient({ ...config, maxAttempts: 1, requestHandler });
  const client = DynamoDBDocumentClient.from(base, {
    marshallOptions: { removeUndefinedValues: true },
  });
  const patience = {
    clock,
    random: () => dice.next(),
    sleep: (milliseconds: number) => sleep(milliseconds),
  };
  const store = createStore({
    client,
    eventsTable: tables.events,
    commandsTable: tables.commands,
    queueTable: tables.queue,
    ...patience,
    newId: randomUUID,
    budget,
    queueing,
  });
  return { name, store, client, ...patience, close: () => base.destroy() };
};

/**
 * An environment in fair weather, with a true clock and time enough: it prepares the accounts, and
 * reads what remains.
 */
export const createObserver = ({ config, tables }: LedgerDatabase): Environment => {
  const base = new DynamoDBClient({ ...config });
  const client = DynamoDBDocumentClient.from(base, {
    marshallOptions: { removeUndefinedValues: true },
  });
  const patience: Patience = {
    clock: Date.now,
    random: Math.random,
    sleep: (milliseconds) => sleep(milliseconds),
  };
  const store = createStore({
    client,
    eventsTable: tables.events,
    commandsTable: tables.commands,
    queueTable: tables.queue,
    ...patience,
    newId: randomUUID,
    budget: 10_000,
    queueing: false,
  });
  return { name: 'the observer', store, client, ...patience, close: () => base.destroy() };
};
