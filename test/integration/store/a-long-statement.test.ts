import { beforeAll, expect, it } from 'vitest';
import { createHandler } from '../../../functions/queries/statement/get-statement.ts';
import { depositsOfOne, plantHistory } from '../../../testing/plant-history.ts';
import { createMeteredStore, type MeteredStore } from '../../setup/metered-store.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/tables.ts';
import { send } from '../../unit/http/request.ts';
import { silentHttp } from '../../unit/runtime/recorded-telemetry.ts';

/** Entries of a short account, and of a long one. */
const FEW = 1_000;
const MANY = Number(process.env['HOLDFAST_ENTRIES'] ?? 4_000);

let database: TestDatabase;
let metered: MeteredStore;

beforeAll(async () => {
  database = await createTestDatabase();
  metered = createMeteredStore(database);
  for (const [accountId, entries] of [
    ['short', FEW],
    ['long', MANY],
  ] as const)
    await plantHistory(metered.client, database.tables.events, accountId, depositsOfOne(entries));
}, 120_000);

/** A page of a statement, and what it took. */
const page = async (accountId: string, query: Record<string, string> = {}) => {
  const handler = createHandler({ store: metered.store, clock: Date.now, ...silentHttp });
  metered.requests();
  const answer = await send(handler, { path: { accountId }, query });
  const read = metered.requests();
  const units = read.reduce((all, { readUnits }) => all + readUnits, 0);
  return { answer, units, requests: read.length };
};

it(`the first page of ${MANY} entries, totals included, takes no more than that of ${FEW}`, async () => {
  const [short, long] = [await page('short'), await page('long')];
  expect(short.answer.body).toMatchObject({ credits: { count: FEW, amount: FEW } });
  expect(long.answer.body).toMatchObject({ credits: { count: MANY, amount: MANY } });
  expect(long.answer.body['entries']).toHaveLength(1_000);
  expect(long.requests).toBeLessThanOrEqual(short.requests);
  // The numbers of a longer stream have a digit more.
  expect(long.units).toBeLessThanOrEqual(short.units * 1.1);
});

it('all of its pages have every entry once, and each takes as much as the first', async () => {
  const first = await page('long');
  let cursor = first.answer.body['nextCursor'];
  let entries = 1_000;
  while (cursor !== undefined) {
    const next = await page('long', { cursor: String(cursor) });
    expect(next.units).toBeLessThanOrEqual(first.units + 5);
    expect(next.answer.body['credits']).toEqual(first.answer.body['credits']);
    const list: unknown = next.answer.body['entries'];
    entries += Array.isArray(list) ? list.length : 0;
    cursor = next.answer.body['nextCursor'];
  }
  expect(entries).toBe(MANY);
});

it('is told again once it is final, to a client that may have it from before', async () => {
  const to = new Date().toISOString();
  const ask = (ahead: number, headers: Record<string, string> = {}) => {
    const clock = () => Date.now() + ahead;
    const handler = createHandler({ store: metered.store, clock, ...silentHttp });
    return send(handler, { path: { accountId: 'short' }, query: { to, limit: '1' }, headers });
  };
  const first = await ask(0);
  expect(first.body).toMatchObject({ final: false });
  const known = { 'If-None-Match': String(first.headers['ETag']) };
  expect(await ask(0, known)).toMatchObject({ status: 304 });
  expect(await ask(600_000, known)).toMatchObject({ status: 200, body: { final: true } });
});
