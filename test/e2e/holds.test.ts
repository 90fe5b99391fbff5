import { afterAll, beforeAll, expect, it } from 'vitest';
import { Command } from '../../functions/ledger/account.ts';
import { recordKey } from '../../functions/store/writing/record-key.ts';
import { requests } from '../../testing/ledger-requests.ts';
import { joinTestCloud, type TestCloud } from '../setup/cloud.ts';
import { eventually } from '../setup/eventually.ts';
import { createMeteredStore, type MeteredStore } from '../setup/metered-store.ts';

let cloud: TestCloud;
let store: MeteredStore['store'];

beforeAll(async () => {
  cloud = await joinTestCloud();
  const tables = {
    ...{ events: 'holdfast-dev-events', commands: 'holdfast-dev-commands' },
    ...{ queue: 'holdfast-dev-queue', views: 'holdfast-dev-views' },
  };
  ({ store } = createMeteredStore({ config: cloud.dynamodb, tables }));
  for (const id of ['holder', 'taker']) await cloud.api.account(id, 1_000);
});

afterAll(() => cloud.stop());

/** A command on account a, as its function asks for it. */
const ask = (type: string, transferId: string, more: object = {}) =>
  store.execute({
    ...requests.deposit('holder', 1),
    command: Command.parse({ type, accountId: 'holder', transferId, ...more }),
    ...(type === 'hold' ? { keys: [recordKey(transferId)] } : {}),
  });

it('a hold rests until it is captured, and is then carried out with what was captured', async () => {
  await ask('hold', 'hold-1', { to: 'taker', amount: 100 });
  await eventually(async () => {
    const { body } = await cloud.api.get('/transfers/hold-1');
    expect(body).toMatchObject({ status: 'held', steps: [{ step: 'held' }] });
  });
  await ask('capture', 'hold-1', { amount: 60 });
  expect((await cloud.api.ended('hold-1')).body).toMatchObject({
    ...{ status: 'settled', amount: 60, heldAmount: 100 },
  });
  expect((await cloud.api.get('/accounts/holder')).body).toMatchObject({
    balance: 940,
    reserved: 0,
  });
});

it('a hold whose time is over is given back by expire-holds, in its own role', async () => {
  await ask('hold', 'hold-2', {
    ...{ to: 'taker', amount: 100, expiresAt: new Date(Date.now() + 500).toISOString() },
  });
  await eventually(async () => {
    expect(await cloud.function('expire-holds').invoke({})).toMatchObject({ ok: true });
    expect((await cloud.api.get('/transfers/hold-2')).body).toMatchObject({
      ...{ status: 'released', reason: 'expired' },
    });
  });
  expect((await cloud.api.get('/accounts/holder')).body).toMatchObject({ reserved: 0 });
});

it('a hold that is captured for an account that is not there is released with the reason', async () => {
  await ask('hold', 't3', { to: 'missing', amount: 100 });
  await ask('capture', 't3');
  expect((await cloud.api.ended('t3')).body).toMatchObject({
    ...{ status: 'released', reason: 'account_not_found' },
    steps: [{ step: 'held' }, { step: 'reserved' }, { step: 'released' }],
  });
});
