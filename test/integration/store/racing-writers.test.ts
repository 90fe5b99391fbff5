import { beforeAll, describe, expect, it } from 'vitest';
import { AccountId } from '../../../events/values.ts';
import { available } from '../../../functions/ledger/account.ts';
import { requests } from '../../../testing/ledger-requests.ts';
import { verifyStream } from '../../../testing/verify-stream.ts';
import { createMeteredStore, type MeteredStore } from '../../setup/metered-store.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/tables.ts';

let database: TestDatabase;
let metered: MeteredStore;

beforeAll(async () => {
  database = await createTestDatabase();
  metered = createMeteredStore(database);
});

/** Writers that share nothing but the tables. */
const writers = (count: number) =>
  Array.from({ length: count }, () => createMeteredStore(database).store);

const account = async (accountId: string, balance: number) => {
  await metered.store.execute(requests.open(accountId));
  if (balance > 0) await metered.store.execute(requests.deposit(accountId, balance));
};

it('of two withdrawals of 100 that race on a balance of 100 exactly one wins, 200 rounds in a row', async () => {
  const [left, right] = writers(2);
  for (let round = 0; round < 200; round += 1) {
    const accountId = `round-${round}`;
    await account(accountId, 100);
    const results = await Promise.all(
      [left, right].map((store) =>
        store?.execute(requests.withdraw(accountId, 100, { key: crypto.randomUUID() })),
      ),
    );
    const outcomes = results.map((result) =>
      result?.outcome === 'rejected' ? result.rejection.code : result?.outcome,
    );
    expect(outcomes.sort()).toEqual(['accepted', 'insufficient_funds']);
    expect((await verifyStream(metered.store, AccountId.parse(accountId))).account.balance).toBe(0);
  }
}, 60_000);

it('every deposit of twenty concurrent writers lands, in one stream without a gap or a fork', async () => {
  await account('crowded', 0);
  const results = await Promise.all(
    writers(20).map((store) => store.execute(requests.deposit('crowded', 5))),
  );
  expect(results.map(({ outcome }) => outcome)).toEqual(Array(20).fill('accepted'));
  const { commits, account: folded } = await verifyStream(
    metered.store,
    AccountId.parse('crowded'),
  );
  expect(commits).toHaveLength(21);
  expect(folded.balance).toBe(100);
});

it('concurrent withdrawals never take more than there is', async () => {
  await account('drained', 70);
  const results = await Promise.all(
    writers(16).map((store, index) =>
      store.execute(requests.withdraw('drained', 10, { key: `w${index}` })),
    ),
  );
  expect(results.filter(({ outcome }) => outcome === 'accepted')).toHaveLength(7);
  expect(results.filter(({ outcome }) => outcome === 'rejected')).toHaveLength(9);
  const { account: folded } = await verifyStream(metered.store, AccountId.parse('drained'));
  expect(available(folded)).toBe(0);
});

describe('the same command sent by ten writers at once under one key', () => {
  it('happens once, and all ten hear the same', async () => {
    await account('repeated', 100);
    const results = await Promise.all(
      writers(10).map((store) => store.execute(requests.withdraw('repeated', 40, { key: 'same' }))),
    );
    const answers = new Set(
      results.map((result) => JSON.stringify({ ...result, replayed: undefined })),
    );
    expect(answers.size).toBe(1);
    expect(
      results.filter((result) => result.outcome === 'accepted' && !result.replayed),
    ).toHaveLength(1);
    expect((await metered.store.load(AccountId.parse('repeated'))).account?.balance).toBe(60);
  });

  it('is rejected once, and all ten hear the same, even when there is money later', async () => {
    await account('poor', 10);
    const first = await Promise.all(
      writers(10).map((store) => store.execute(requests.withdraw('poor', 40, { key: 'same' }))),
    );
    await metered.store.execute(requests.deposit('poor', 1_000));
    const again = await metered.store.execute(requests.withdraw('poor', 40, { key: 'same' }));
    for (const result of [...first, again]) {
      expect(result).toMatchObject({
        outcome: 'rejected',
        rejection: { code: 'insufficient_funds', available: 10 },
      });
    }
    expect(again).toMatchObject({ replayed: true });
    expect((await metered.store.load(AccountId.parse('poor'))).account?.balance).toBe(1_010);
  });
});
