import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { AccountId, TransferId } from '../../../events/values.ts';
import { Command } from '../../../functions/ledger/account.ts';
import { createHandler as createProjectViews } from '../../../functions/projections/project-views.ts';
import { createViewWriter } from '../../../functions/projections/view-writer.ts';
import type { Store } from '../../../functions/store/store.ts';
import { recordKey } from '../../../functions/store/writing/record-key.ts';
import { createHandler as createCredit } from '../../../functions/transfers/credit-transfer.ts';
import { createEndOfHold } from '../../../functions/transfers/holds/end-of-hold.ts';
import { createHandler as createExpireHolds } from '../../../functions/transfers/holds/expire-holds.ts';
import { createHandler as createSettle } from '../../../functions/transfers/settle-transfer.ts';
import { createViews } from '../../../functions/views/views.ts';
import { requests } from '../../../testing/ledger-requests.ts';
import { verifyStream } from '../../../testing/verify-stream.ts';
import { createMeteredStore } from '../../setup/metered-store.ts';
import { createTestDatabase } from '../../setup/tables.ts';
import { streamRecord } from '../../unit/projections/memory-ledger.ts';
import { recordedTelemetry } from '../../unit/runtime/recorded-telemetry.ts';
import { transfer } from '../../unit/transfers/transfer.ts';

const [a, t1] = [AccountId.parse('a'), TransferId.parse('t1')];
const MINUTE_MS = 60_000;

const open = async () => {
  const database = await createTestDatabase();
  // The environments' clocks go on as the test says.
  let ahead = 0;
  const clock = () => Date.now() + ahead;
  const environment = () => createMeteredStore(database, { clock }).store;
  const { client } = createMeteredStore(database);
  const table = {
    ...{ client, table: database.tables.views, clock, random: Math.random, sleep: async () => {} },
  };
  const views = createViews({
    ...table,
    budget: 10_000,
    passOver: (row) => {
      throw row;
    },
  });
  const store = environment();
  const { telemetry, measured } = recordedTelemetry();
  return {
    ...{ environment, store, views, measured },
    metered: () => createMeteredStore(database, { clock }),
    later: (minutes: number) => {
      ahead += minutes * MINUTE_MS;
    },
    expire: (by = environment()) =>
      createExpireHolds({ views, store: by, telemetry, clock, budget: 10_000 })({}),
    endOfHold: createEndOfHold({ views, store }),
    project: async () => {
      const { Items = [] } = await client.send(
        new ScanCommand({ TableName: database.tables.events, ConsistentRead: true }),
      );
      const handle = createProjectViews({
        ...{ writer: createViewWriter(table), telemetry, clock, budget: 10_000 },
      });
      await handle({ Records: Items.map((item) => streamRecord(item)) });
    },
  };
};

/** A command on account a, as its function would ask for it. */
const ask = (store: Store, type: string, more: object = {}, key = 't1') =>
  store.execute({
    ...requests.deposit('a', 1),
    command: Command.parse({ type, accountId: 'a', transferId: 't1', ...more }),
    ...(type === 'hold' ? { keys: [recordKey(key)] } : {}),
  });

let world: Awaited<ReturnType<typeof open>>;

beforeEach(async () => {
  world = await open();
  const { store } = world;
  for (const id of ['a', 'b']) await store.execute(requests.open(id));
  await store.execute(requests.deposit('a', 1_000));
  const expiresAt = new Date(Date.now() + 5 * MINUTE_MS).toISOString();
  await ask(store, 'hold', { to: 'b', amount: 100, expiresAt });
});

const account = async () => {
  const { account: found } = await verifyStream(world.store, a);
  const { balance, reserved } = found;
  return { balance, reserved };
};

describe('a hold', () => {
  it('is given back once its time is over, by the schedule, once', async () => {
    await world.project();
    expect(await world.expire()).toEqual({ due: 0, ended: 0, hasMore: false });
    expect(await account()).toEqual({ balance: 1_000, reserved: 100 });
    world.later(6);
    expect(await world.expire()).toEqual({ due: 1, ended: 1, hasMore: false });
    expect(await account()).toEqual({ balance: 1_000, reserved: 0 });
    // The views are behind: it looks due, and has ended.
    expect(await world.expire()).toEqual({ due: 1, ended: 1, hasMore: false });
    await world.project();
    expect(await world.expire()).toEqual({ due: 0, ended: 0, hasMore: false });
    expect(await world.views.transfer(t1)).toMatchObject({ status: 'released', reason: 'expired' });
    expect(world.measured['OldestOverdueHoldAge']).toEqual([0, 0, 0, 0]);
  });

  it('cannot be captured once its time is over, though no schedule came by', async () => {
    world.later(6);
    expect(await ask(world.store, 'capture')).toMatchObject({
      ...{ outcome: 'rejected', rejection: { code: 'hold_expired' } },
    });
    expect(await account()).toEqual({ balance: 1_000, reserved: 100 });
  });

  it('is left alone by whoever tries to carry it out: nothing is credited, and nothing settled', async () => {
    const { telemetry } = recordedTelemetry();
    const { store } = world;
    const input = { ...transfer, amount: 100 };
    await expect(createCredit({ store, telemetry })(input)).rejects.toThrow(
      'has no such reservation',
    );
    await createSettle({ store, telemetry })({ ...input, credit: { outcome: 'credited' } });
    expect(await account()).toEqual({ balance: 1_000, reserved: 100 });
  });

  it('that was lost from the views comes back into the search when these are made again', async () => {
    world.later(6);
    expect(await world.expire()).toEqual({ due: 0, ended: 0, hasMore: false });
    await world.project();
    expect(await world.expire()).toEqual({ due: 1, ended: 1, hasMore: false });
  });
});

it('of a hold, its capture costs the store 1 write unit more than a transfer that is not held', async () => {
  const { store, requests: since } = world.metered();
  const units = () => since().reduce((sum, { writeUnits }) => sum + writeUnits, 0);
  const settled = async (transferId: string) => {
    await store.execute(requests.credit('b', 'a', 100, transferId));
    await store.execute(requests.settle('a', transferId));
  };
  await store.execute(requests.reserve('a', 'b', 100, 't2'));
  await settled('t2');
  const plain = units();
  const held = { transferId: 't3', to: 'b', amount: 100 };
  await ask(
    store,
    'hold',
    { ...held, expiresAt: new Date(Date.now() + MINUTE_MS).toISOString() },
    't3',
  );
  await ask(store, 'capture', { transferId: 't3' });
  await settled('t3');
  expect(units() - plain).toBe(1);
});

describe('of those who end a hold at once', () => {
  const contests: [string, string[]][] = [
    ['a capture and a void', ['capture', 'void']],
    ['two captures', ['capture', 'capture']],
    ['two voids', ['void', 'void']],
  ];

  it.each(contests)('%s, one wins, and the other hears which it was', async (_, types) => {
    for (let round = 0; round < 10; round += 1) {
      const results = await Promise.all(types.map((type) => ask(world.environment(), type)));
      const winners = types.filter((_type, n) => results[n]?.outcome === 'accepted');
      expect(winners).toHaveLength(1);
      const loser = results.find(({ outcome }) => outcome === 'rejected');
      if (loser?.outcome !== 'rejected') throw new Error('one is rejected');
      const heard =
        loser.rejection.code === 'hold_ended'
          ? await world.endOfHold(t1, a)
          : loser.rejection.code.replace('hold_', '');
      expect(heard).toBe(winners[0] === 'capture' ? 'captured' : 'voided');
      // The next round has a hold of its own.
      world = await open();
      const { store } = world;
      for (const id of ['a', 'b']) await store.execute(requests.open(id));
      await store.execute(requests.deposit('a', 1_000));
      await ask(store, 'hold', { to: 'b', amount: 100 });
    }
  });

  it('a void and the schedule, one wins, and the other hears which it was', async () => {
    await world.project();
    world.later(6);
    const [voided] = await Promise.all([ask(world.environment(), 'void'), world.expire()]);
    const end = await world.endOfHold(t1, a);
    expect(end).toBe(voided.outcome === 'accepted' ? 'voided' : 'expired');
    expect(await account()).toEqual({ balance: 1_000, reserved: 0 });
  });
});
