import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Client } from '../../client/client.ts';
import { connect, payInvoice, payOutAll } from '../../client/examples.ts';
import { joinTestCloud, type TestCloud } from '../setup/cloud.ts';

let cloud: TestCloud;
let ledger: Client;

beforeAll(async () => {
  cloud = await joinTestCloud();
  ledger = connect(cloud.url, () => cloud.showing);
  await cloud.api.account('payer', 1_000);
  await cloud.api.account('payee');
});

afterAll(() => cloud.stop());

const invoice = () => ({ id: randomUUID(), payer: 'payer', payee: 'payee', cents: 10 });
const balance = async (accountId: string) =>
  (await cloud.api.get(`/accounts/${accountId}`)).body['balance'];

it('an invoice is paid once, however often that is asked for', async () => {
  const [one, before] = [invoice(), Number(await balance('payer'))];
  const [first, second] = [await payInvoice(ledger, one), await payInvoice(ledger, one)];
  expect(first).toMatchObject({ status: 'settled', amount: 10 });
  expect(second).toEqual(first);
  expect(await balance('payer')).toBe(before - 10);
});

it('an invoice that cannot be paid says why', async () => {
  await expect(payInvoice(ledger, { ...invoice(), cents: 1_000_000 })).rejects.toThrow(
    'not paid: insufficient_funds',
  );
});

it('an invoice is paid though the worker dies that pays it', async () => {
  const one = invoice();
  const order = { function: 'request-transfer', when: 'after-next-write' };
  expect(await cloud.api.post('/_local/kill', order)).toMatchObject({ status: 202 });
  const before = Number(await balance('payer'));
  expect(await payInvoice(ledger, one)).toMatchObject({ status: 'settled' });
  expect(await balance('payer')).toBe(before - 10);
});

it('all is paid out of an account that somebody else is at', async () => {
  await cloud.api.account('busy', 100);
  const others = Array.from({ length: 5 }, () =>
    cloud.api.post('/accounts/busy/deposits', { amount: 1 }),
  );
  const paid = await payOutAll(ledger, 'busy');
  await Promise.all(others);
  expect(await balance('busy')).toBe(105 - paid);
  expect(await payOutAll(ledger, 'busy')).toBe(105 - paid);
  expect(await payOutAll(ledger, 'busy')).toBe(0);
});
