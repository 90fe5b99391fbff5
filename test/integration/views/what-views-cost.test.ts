import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { foldCommits } from '../../../functions/projections/fold-commits.ts';
import { createViewWriter } from '../../../functions/projections/view-writer.ts';
import { createTestDatabase } from '../../setup/tables.ts';
import {
  type Committed,
  createMemoryLedger,
  type MemoryLedger,
} from '../../unit/projections/memory-ledger.ts';
import {
  capture,
  credit,
  deposit,
  hold,
  open,
  release,
  reserve,
  reverse,
  settle,
} from './projected-ledger.ts';

const Consumed = z.union([
  z.object({ CapacityUnits: z.number() }),
  z.array(z.object({ CapacityUnits: z.number() })),
]);

/**
 * The write units that the views of commits cost, their indexes included, as DynamoDB Local counts
 * them.
 */
const createMeteredWriter = async () => {
  const { config, tables } = await createTestDatabase();
  const base = new DynamoDBClient(config);
  let units = 0;
  base.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const consumed = Consumed.parse(Object(result.output)['ConsumedCapacity']);
      for (const { CapacityUnits } of [consumed].flat()) units += CapacityUnits;
      return result;
    },
    { step: 'initialize', priority: 'low' },
  );
  const client = DynamoDBDocumentClient.from(base, {
    marshallOptions: { removeUndefinedValues: true },
  });
  /** An environment of the projection, which remembers nothing yet. */
  const environment = () => {
    const writer = createViewWriter({
      ...{ client, table: tables.views, clock: Date.now, random: Math.random },
      sleep: async () => {},
    });
    return async (...committed: readonly Committed[]): Promise<number> => {
      units = 0;
      const changes = foldCommits(committed.map(({ commit }) => commit));
      expect(await writer.write(changes, Date.now() + 10_000)).toEqual(new Map());
      return units;
    };
  };
  return environment;
};

let ledger: MemoryLedger;
let environment: Awaited<ReturnType<typeof createMeteredWriter>>;

const happens = (...commands: object[]): Committed => {
  const committed = ledger.commit(...commands);
  if (!committed) throw new Error('nothing happened');
  return committed;
};

beforeEach(async () => {
  ledger = createMemoryLedger();
  environment = await createMeteredWriter();
  for (const accountId of ['a', 'b']) ledger.commit(open(accountId), deposit(accountId, 1_000));
});

describe('of a transfer the long way, one commit at a time, the views cost at most', () => {
  const longWay = (): Committed[] => [
    happens(reserve('a', 'b', 't1')),
    happens(credit('b', 'a', 't1')),
    happens(settle('a', 't1')),
  ];

  it('7 write units, by one environment', async () => {
    const project = environment();
    const units: number[] = [];
    for (const committed of longWay()) units.push(await project(committed));
    // The row with its open key, and two pointers; the credit; the end without the open key.
    expect(units).toEqual([4, 1, 2]);
  });

  it('7 by as many environments', async () => {
    let units = 0;
    for (const committed of longWay()) units += await environment()(committed);
    expect(units).toBe(7);
  });

  it('3 where all its steps come together', async () => {
    expect(await environment()(...longWay())).toBe(3);
  });

  it('6 where it is released', async () => {
    const project = environment();
    let units = await project(happens(reserve('a', 'nobody', 't1')));
    units += await project(happens(release('a', 't1')));
    expect(units).toBe(6);
  });
});

describe('of a hold that is captured and settled, one commit at a time, the views cost at most', () => {
  const captured = (): Committed[] => [
    happens(hold('a', 'b', 't1')),
    happens(capture('a', 't1')),
    happens(credit('b', 'a', 't1')),
    happens(settle('a', 't1')),
  ];

  // With the one of the capture's commit, 4 more than a transfer that is not held.
  it('10 write units, 3 more than of a transfer that is not held, by one environment', async () => {
    const project = environment();
    const units: number[] = [];
    for (const committed of captured()) units.push(await project(committed));
    // The capture moves it within the index: from what is held to what is to be carried out.
    expect(units).toEqual([4, 3, 1, 2]);
  });

  it('10 by as many environments', async () => {
    let units = 0;
    for (const committed of captured()) units += await environment()(committed);
    expect(units).toBe(10);
  });

  it('3 where all its steps come together', async () => {
    expect(await environment()(...captured())).toBe(3);
  });

  it('6 where it is voided', async () => {
    const project = environment();
    let units = await project(happens(hold('a', 'b', 't1')));
    const voided = ledger.endHold('void', 'a', 't1');
    units += voided ? await project(voided) : 0;
    expect(units).toBe(6);
  });
});

it('of a reversal they cost 1 more than of a transfer: what it takes back shows it', async () => {
  const paid = { transferId: 't1', amount: 10 };
  happens(reserve('a', 'b', 't1'));
  happens(credit('b', 'a', 't1'));
  expect(await environment()(happens(reverse('b', 'a', 'v1', paid)))).toBe(5);
});

it('of a transfer the short way the views cost 3 write units', async () => {
  let units = 0;
  for (const committed of ledger.transferAtOnce('t1', 'a', 'b', 30))
    units += await environment()(committed);
  expect(units).toBe(3);
});

it('of a deposit and a withdrawal they cost nothing', async () => {
  const withdrawal = { ...deposit('a', 5), type: 'withdraw' };
  expect(await environment()(happens(deposit('a', 5)), happens(withdrawal))).toBe(0);
});

it('of an account they cost 2, once', async () => {
  expect(await environment()(happens(open('c')))).toBe(2);
});
