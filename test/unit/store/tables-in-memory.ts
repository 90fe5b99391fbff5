import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { vi } from 'vitest';
import { lookTogether } from '../../../functions/runtime/look-together.ts';
import type { CommandRequest } from '../../../functions/store/deciding/command-result.ts';
import type { DecidingDependencies } from '../../../functions/store/deciding/lane.ts';
import { createLanes } from '../../../functions/store/deciding/lanes.ts';
import type { PendingCommand } from '../../../functions/store/writing/command-record.ts';
import type { RecordKey } from '../../../functions/store/writing/record-key.ts';
import { requests } from '../../../testing/ledger-requests.ts';
import { createLedgerDatabase } from '../../mutants/memory-database.ts';
import { leavePending } from '../../setup/leave-pending.ts';
import { createMeteredStore } from '../../setup/metered-store.ts';
import { NOON } from '../ledger/given.ts';

/** What becomes of a request: it fails, after `send` or without it. */
export type Fate = (send: () => Promise<unknown>) => Promise<unknown>;

/** An error as the SDK throws it. */
export const named = (name: string, fields: object = {}): Error =>
  Object.assign(new Error(name), { name, ...fields });

/** The request fails, and was not carried out. */
export const fails =
  (name: string, fields: object = {}): Fate =>
  async () => {
    throw named(name, fields);
  };

/** It was carried out, and its answer was lost. */
export const answerLost: Fate = async (send) => {
  await send();
  throw named('TimeoutError');
};

/** Tables in memory, and what queueing and deciding on them takes. */
const createTablesInMemory = async () => {
  const database = await createLedgerDatabase();
  const { commands } = database.tables;
  let now = Date.parse(NOON);
  let ids = 0;
  const clock = () => now;
  const metered = createMeteredStore(database);
  const rival = createMeteredStore(database, { clock });
  /** The operations that were sent, in order. */
  const operations: string[] = [];
  /**
   * What becomes of one write after the other, and of one read of a record after the other. Those
   * that are not named go through.
   */
  const writes: Fate[] = [];
  const records: Fate[] = [];
  /** What others do while one waits, in order. */
  const meanwhile: (() => Promise<unknown>)[] = [];
  const waits: number[] = [];
  const world = {
    ...{ operations, writes, records, meanwhile, waits },
    /** What is told of hot accounts. */
    met: vi.fn(),
    took: vi.fn(),
    clock,
    pass: (milliseconds: number) => {
      now += milliseconds;
    },
    /** Whoever else uses these tables. */
    rival: rival.store,
    leavePending: (request: CommandRequest): Promise<PendingCommand> =>
      leavePending(rival.client, commands, request),
    put: (item: object) =>
      rival.client.send(new PutCommand({ TableName: commands, Item: { ...item } })),
    putCommit: (item: object) =>
      rival.client.send(new PutCommand({ TableName: database.tables.events, Item: { ...item } })),
    record: async (key: RecordKey) =>
      (
        await rival.client.send(
          new GetCommand({ TableName: commands, Key: { key }, ConsistentRead: true }),
        )
      ).Item,
    queued: async (accountId: string, place: string) =>
      (
        await rival.client.send(
          new GetCommand({
            TableName: database.tables.queue,
            Key: { accountId, place },
            ConsistentRead: true,
          }),
        )
      ).Item,
  };
  metered.inject(async (operation, send) => {
    operations.push(operation);
    const isWrite = operation === 'PutItem' || operation === 'TransactWriteItems';
    const fate = isWrite
      ? writes.shift()
      : operation.endsWith('GetItem')
        ? records.shift()
        : undefined;
    return fate ? fate(send) : send();
  });
  /** Time passes by waiting alone; the ids are own-1, own-2, … */
  const deciding: DecidingDependencies = {
    client: metered.client,
    eventsTable: database.tables.events,
    commandsTable: commands,
    queueTable: database.tables.queue,
    clock,
    random: () => 1,
    sleep: async (milliseconds) => {
      waits.push(milliseconds);
      now += milliseconds;
      await meanwhile.shift()?.();
    },
    newId: () => `own-${++ids}`,
  };
  const hot = {
    has: () => false,
    enter: () => () => {},
    present: () => 1,
    met: world.met,
    metHere: () => false,
    raced: () => {},
    isContended: () => false,
    wait: () => ({ expected: () => 60, took: world.took }),
  };
  const look = lookTogether({ client: metered.client, table: commands });
  const dependencies = { ...deciding, hot, look, lanes: createLanes(deciding) };
  return { ...world, dependencies };
};
export type TablesInMemory = Awaited<ReturnType<typeof createTablesInMemory>>;

/** The same, with the account `a`, into which 1,000 was paid. */
export const createFundedTables = async (): Promise<TablesInMemory> => {
  const tables = await createTablesInMemory();
  await tables.rival.execute(requests.open('a'));
  await tables.rival.execute(requests.deposit('a', 1_000));
  return tables;
};

/** A deposit into `a` under these keys. */
export const deposit = (amount: number, ...keys: RecordKey[]): CommandRequest => ({
  ...requests.deposit('a', amount),
  keys,
});
