import { beforeEach, expect, it } from 'vitest';
import { AccountId } from '../../../events/values.ts';
import { keyOn, requests } from '../../../testing/ledger-requests.ts';
import { createMeteredStore, type MeteredStore } from '../../setup/metered-store.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/tables.ts';
import { createTestTime } from '../../setup/test-time.ts';

let database: TestDatabase;
let metered: MeteredStore;

beforeEach(async () => {
  database = await createTestDatabase();
  metered = createMeteredStore(database);
  await metered.store.execute(requests.open('a'));
  await metered.store.execute(requests.deposit('a', 100));
});

const version = async () => (await metered.store.load(AccountId.parse('a'))).version;

it('a repeat gets the recorded answer, whatever has happened since', async () => {
  const first = await metered.store.execute(requests.withdraw('a', 10, { key: 'repeat' }));
  await metered.store.execute(requests.deposit('a', 5));
  const again = await metered.store.execute(requests.withdraw('a', 10, { key: 'repeat' }));
  expect(again).toEqual({ ...first, replayed: true });
});

it('a repeat whose If-Match has been overtaken, by itself among others, gets the recorded answer', async () => {
  const expectedVersion = await version();
  const request = requests.withdraw('a', 1, { key: 'conditional', expectedVersion });
  const first = await metered.store.execute(request);
  expect(first).toMatchObject({ outcome: 'accepted', replayed: false });
  expect(await metered.store.execute(request)).toEqual({ ...first, replayed: true });
});

it('a key that belongs to another command is refused and nothing is written', async () => {
  await metered.store.execute(requests.withdraw('a', 2, { key: 'taken' }));
  const before = await version();
  expect(await metered.store.execute(requests.withdraw('a', 3, { key: 'taken' }))).toEqual({
    outcome: 'key_reused',
  });
  expect(await metered.store.execute(requests.deposit('a', 2, { key: 'taken' }))).toEqual({
    outcome: 'key_reused',
  });
  expect(await version()).toBe(before);
});

it('a reservation that is sent again while it is open gets the recorded answer, and another under its id is refused', async () => {
  const first = await metered.store.execute(requests.reserve('a', 'b', 5, 'open'));
  expect(first).toMatchObject({ outcome: 'accepted', replayed: false });
  expect(await metered.store.execute(requests.reserve('a', 'b', 5, 'open'))).toEqual({
    ...first,
    replayed: true,
  });
  expect(await metered.store.execute(requests.reserve('a', 'b', 6, 'open'))).toEqual({
    outcome: 'key_reused',
  });
});

it('a command under two keys is found under either', async () => {
  const request = requests.deposit('a', 7, { key: 'one' });
  const both = { ...request, keys: [...(request.keys ?? []), keyOn('a', 'two')] };
  const first = await metered.store.execute(both);
  expect(await metered.store.execute(requests.deposit('a', 7, { key: 'two' }))).toEqual({
    ...first,
    replayed: true,
  });
  expect(await metered.store.execute(requests.deposit('a', 8, { key: 'two' }))).toEqual({
    outcome: 'key_reused',
  });
  expect(await metered.store.execute(both)).toEqual({ ...first, replayed: true });
});

it('a key that a repeat is sent with for the first time belongs to that command from then on', async () => {
  const reserve = requests.reserve('a', 'b', 1, 'with-key-later');
  await metered.store.execute(reserve);
  const keyed = { ...reserve, keys: [...(reserve.keys ?? []), keyOn('a', 'later')] };
  expect(await metered.store.execute(keyed)).toMatchObject({ outcome: 'accepted', replayed: true });
  expect(await metered.store.execute(requests.deposit('a', 1, { key: 'later' }))).toEqual({
    outcome: 'key_reused',
  });
});

it('a repeat whose further key cannot be claimed in time is undecided, and not told that all is well', async () => {
  const reserve = requests.reserve('a', 'b', 1, 'claimed-late');
  await metered.store.execute(reserve);
  const keyed = { ...reserve, keys: [...(reserve.keys ?? []), keyOn('a', 'unclaimed')] };
  const hurried = createMeteredStore(database, { ...createTestTime(), budget: 400 });
  hurried.inject(async (operation, send) => {
    if (operation === 'PutItem')
      throw Object.assign(new Error('slow'), { name: 'ThrottlingException' });
    return send();
  });
  expect(await hurried.store.execute(keyed)).toEqual({ outcome: 'undecided', reason: 'throttled' });
  expect(await metered.store.execute(keyed)).toMatchObject({ outcome: 'accepted', replayed: true });
});

it('a version that is not the expected one is answered with the current one and recorded nowhere', async () => {
  const current = await version();
  const stale = requests.withdraw('a', 1, { key: 'stale', expectedVersion: current - 1 });
  expect(await metered.store.execute(stale)).toEqual({
    outcome: 'version_mismatch',
    currentVersion: current,
  });
  const fresh = requests.withdraw('a', 1, { key: 'stale', expectedVersion: current });
  expect(await metered.store.execute(fresh)).toMatchObject({
    outcome: 'accepted',
    replayed: false,
  });
});

it('an expected version that loses the race is answered with the version that won', async () => {
  const rival = createMeteredStore(database).store;
  const current = await version();
  let raced = false;
  metered.inject(async (operation, send) => {
    if (operation !== 'Query' && !raced) {
      raced = true;
      await rival.execute(requests.deposit('a', 1));
    }
    return send();
  });
  const result = await metered.store.execute(
    requests.withdraw('a', 1, { expectedVersion: current }),
  );
  expect(result).toEqual({ outcome: 'version_mismatch', currentVersion: current + 1 });
});

it('a credit to an account that is not there is rejected for ever, even once the account is opened', async () => {
  const credit = requests.credit('later', 'a', 5, 't-missing');
  expect(await metered.store.execute(credit)).toMatchObject({
    rejection: { code: 'account_not_found' },
  });
  await metered.store.execute(requests.open('later'));
  expect(await metered.store.execute(credit)).toMatchObject({
    outcome: 'rejected',
    rejection: { code: 'account_not_found' },
    replayed: true,
  });
});
