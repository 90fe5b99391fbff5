import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AccountId } from '../../../events/values.ts';
import { isStoreUnavailable } from '../../../functions/runtime/unavailable.ts';
import { requests } from '../../../testing/ledger-requests.ts';
import { verifyStream } from '../../../testing/verify-stream.ts';
import { createMeteredStore, type Fault, type MeteredStore } from '../../setup/metered-store.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/tables.ts';
import { createTestTime } from '../../setup/test-time.ts';

let database: TestDatabase;
let metered: MeteredStore;
let accountId: string;
let accounts = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  metered = createMeteredStore(database, { ...createTestTime(), budget: 1_000 });
});

beforeEach(async () => {
  accountId = `account-${++accounts}`;
  await metered.store.execute(requests.open(accountId));
  await metered.store.execute(requests.deposit(accountId, 100));
  metered.requests();
});

const named = (name: string, fields: object = {}) =>
  Object.assign(new Error(name), { name, ...fields });
const timeout = () => named('TimeoutError');
const throttled = () => named('ProvisionedThroughputExceededException');
const cancelled = (...codes: string[]) =>
  named('TransactionCanceledException', { CancellationReasons: codes.map((Code) => ({ Code })) });

const isWrite = (operation: string) =>
  operation === 'PutItem' || operation === 'TransactWriteItems';

/**
 * Fails the first `times` requests that `which` picks: before they are sent, or after they have
 * taken effect.
 */
const failing = (
  times: number,
  which: (operation: string) => boolean,
  error: () => Error,
  when: 'before' | 'after' = 'before',
): Fault => {
  let left = times;
  return async (operation, send) => {
    if (!which(operation) || left === 0) return send();
    left -= 1;
    if (when === 'after') await send();
    throw error();
  };
};

const balance = async () => (await metered.store.load(AccountId.parse(accountId))).account?.balance;

describe.each([
  ['without an id', undefined],
  ['with an id', 'key-1'],
])('a withdrawal %s', (_, key) => {
  const withdraw = () =>
    metered.store.execute(requests.withdraw(accountId, 30, key ? { key } : {}));
  const conflict = key
    ? () => cancelled('TransactionConflict', 'None')
    : () => named('TransactionConflictException');

  it.each([
    ['a transaction conflict', conflict],
    ['throttling', throttled],
    ['a cancellation for throttling', key ? () => cancelled('None', 'ThrottlingError') : throttled],
    ['a timeout that never arrived', timeout],
    ['a lost connection', () => named('Error', { code: 'ECONNRESET' })],
    [
      'an error inside DynamoDB',
      () => named('InternalServerError', { $metadata: { httpStatusCode: 500 } }),
    ],
  ])('goes through after %s', async (_name, error) => {
    metered.inject(failing(2, isWrite, error));
    expect(await withdraw()).toMatchObject({ outcome: 'accepted', version: 3, replayed: false });
    expect(await balance()).toBe(70);
  });

  it('that landed although its answer was lost is found by its own id and is not done twice', async () => {
    metered.inject(failing(1, isWrite, timeout, 'after'));
    expect(await withdraw()).toMatchObject({ outcome: 'accepted', version: 3, replayed: false });
    expect(await balance()).toBe(70);
    expect((await verifyStream(metered.store, AccountId.parse(accountId))).commits).toHaveLength(3);
  });

  it('whose answer was lost is decided again where a rival took its place', async () => {
    const rival = createMeteredStore(database).store;
    let first = true;
    metered.inject(async (operation, send) => {
      if (!isWrite(operation) || !first) return send();
      first = false;
      await rival.execute(requests.withdraw(accountId, 80));
      throw timeout();
    });
    expect(await withdraw()).toMatchObject({
      outcome: 'rejected',
      rejection: { code: 'insufficient_funds', available: 20 },
    });
    expect(await balance()).toBe(20);
  });

  it.each([
    ['contention', conflict],
    ['throttled', throttled],
    ['unknown', timeout],
  ])(
    'is undecided, for the reason %s, when that does not end in the time allowed',
    async (reason, error) => {
      metered.inject(failing(Number.POSITIVE_INFINITY, isWrite, error));
      expect(await withdraw()).toEqual({ outcome: 'undecided', reason });
      metered.inject(undefined);
      expect(await balance()).toBe(100);
    },
  );

  it('is undecided when the stream cannot be read in the time allowed', async () => {
    metered.inject(
      failing(Number.POSITIVE_INFINITY, (operation) => operation === 'Query', throttled),
    );
    expect(await withdraw()).toEqual({ outcome: 'undecided', reason: 'throttled' });
  });

  it('passes on what is wrong with the request itself', async () => {
    metered.inject(failing(1, isWrite, () => named('AccessDeniedException')));
    await expect(withdraw()).rejects.toThrow('AccessDeniedException');
  });
});

it('a repeat after an unknown result hears what was decided', async () => {
  let landed = false;
  metered.inject(async (operation, send) => {
    if (!isWrite(operation)) return send();
    if (!landed) await send();
    landed = true;
    throw timeout();
  });
  expect(await metered.store.execute(requests.withdraw(accountId, 30, { key: 'k' }))).toEqual({
    outcome: 'undecided',
    reason: 'unknown',
  });
  metered.inject(undefined);
  expect(await metered.store.execute(requests.withdraw(accountId, 30, { key: 'k' }))).toMatchObject(
    {
      outcome: 'accepted',
      version: 3,
      replayed: true,
    },
  );
  expect(await balance()).toBe(70);
});

it('reading an account says that the store is unavailable once the time allowed is over', async () => {
  metered.inject(failing(Number.POSITIVE_INFINITY, () => true, timeout));
  const error = await metered.store
    .load(AccountId.parse(accountId))
    .catch((reason: unknown) => reason);
  expect(isStoreUnavailable(error)).toBe(true);
});

it('a writer that loses race after race gives up in the time allowed and has changed nothing', async () => {
  const rival = createMeteredStore(database).store;
  metered.inject(async (operation, send) => {
    if (isWrite(operation)) await rival.execute(requests.deposit(accountId, 1));
    return send();
  });
  expect(await metered.store.execute(requests.withdraw(accountId, 30))).toEqual({
    outcome: 'undecided',
    reason: 'contention',
  });
  metered.inject(undefined);
  const { commits } = await verifyStream(metered.store, AccountId.parse(accountId));
  expect(commits.flatMap(({ events }) => events.map(({ type }) => type))).not.toContain(
    'MoneyWithdrawn',
  );
});

describe('a writer that loses every race', () => {
  /**
   * A store whose time goes on by its own waits, and a millisecond whenever it looks; a rival
   * writes before each of its writes.
   */
  const outraced = (budget: number) => {
    const waits: number[] = [];
    let now = Date.now();
    const loser = createMeteredStore(database, {
      budget,
      clock: () => ++now,
      random: () => 1,
      sleep: async (milliseconds) => {
        waits.push(milliseconds);
        now += milliseconds;
      },
    });
    const rival = createMeteredStore(database).store;
    loser.inject(async (operation, send) => {
      if (isWrite(operation)) await rival.execute(requests.deposit(accountId, 1));
      return send();
    });
    return { loser, waits };
  };
  const asked = async (budget: number) => {
    const { loser, waits } = outraced(budget);
    expect(await loser.store.execute(requests.withdraw(accountId, 30))).toEqual({
      outcome: 'undecided',
      reason: 'contention',
    });
    return {
      waits,
      queries: loser.requests().filter(({ operation }) => operation === 'Query').length,
    };
  };

  it('waits after every third loss, ever longer, and reads afresh then', async () =>
    expect(await asked(400)).toEqual({ waits: [40, 80, 160], queries: 4 }));
  it('follows the winners without a read until then, and gives up where the time is up before the third loss', async () =>
    expect(await asked(6)).toEqual({ waits: [], queries: 1 }));
});
