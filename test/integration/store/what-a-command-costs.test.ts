import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AccountId, Caller } from '../../../events/values.ts';
import type { CommandRequest } from '../../../functions/store/deciding/command-result.ts';
import { keyOn, requests } from '../../../testing/ledger-requests.ts';
import { depositsOfOne, plantHistory } from '../../../testing/plant-history.ts';
import { createMeteredStore, type MeteredStore } from '../../setup/metered-store.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/tables.ts';

let database: TestDatabase;
let metered: MeteredStore;

beforeAll(async () => {
  database = await createTestDatabase();
  metered = createMeteredStore(database);
});

beforeEach(() => {
  metered.requests();
});

const query = { operation: 'Query', readUnits: 1, writeUnits: 0 };
// AWS bills an empty strongly consistent query as 1 read unit; DynamoDB Local counts 0.
const emptyQuery = { operation: 'Query', readUnits: 0, writeUnits: 0 };
const put = { operation: 'PutItem', readUnits: 0, writeUnits: 1 };
const transaction = { operation: 'TransactWriteItems', readUnits: 0, writeUnits: 4 };

describe.each([10, 10_000])('after %i earlier events', (events) => {
  const accountId = AccountId.parse(`history-${events}`);
  /** The version before this test: each leaves a few events more. */
  let version = 0;
  beforeAll(async () => {
    await plantHistory(
      metered.client,
      database.tables.events,
      accountId,
      depositsOfOne(events - 1),
    );
  }, 120_000);
  beforeEach(async () => {
    version = (await metered.store.load(accountId)).version;
    metered.requests();
  });

  it('a withdrawal without an id is one query of at most 1 read unit and one put of 1 write unit', async () => {
    const result = await metered.store.execute(requests.withdraw(accountId, 1));
    expect(result).toMatchObject({ outcome: 'accepted', version: version + 1 });
    expect(metered.requests()).toEqual([query, put]);
  });

  it('a withdrawal with an id is one query and one transaction of 4 write units', async () => {
    const result = await metered.store.execute(requests.withdraw(accountId, 1, { key: 'k1' }));
    expect(result).toMatchObject({ outcome: 'accepted', version: version + 1 });
    expect(metered.requests()).toEqual([query, transaction]);
  });

  it('a rejection without an id is one query, with an id one query and one put', async () => {
    const tooMuch = events * 2;
    expect(await metered.store.execute(requests.withdraw(accountId, tooMuch))).toMatchObject({
      outcome: 'rejected',
    });
    expect(metered.requests()).toEqual([query]);
    expect(
      await metered.store.execute(requests.withdraw(accountId, tooMuch, { key: 'k2' })),
    ).toMatchObject({
      outcome: 'rejected',
    });
    expect(metered.requests()).toEqual([query, put]);
  });
});

it('opening an account is one query that finds nothing and one put', async () => {
  await metered.store.execute(requests.open('opened'));
  expect(metered.requests()).toEqual([emptyQuery, put]);
});

it('a transfer from reserve to settled is at most 9 write units and three queries', async () => {
  for (const accountId of ['cost-a', 'cost-b'])
    await metered.store.execute(requests.open(accountId));
  await metered.store.execute(requests.deposit('cost-a', 100));
  metered.requests();
  await metered.store.execute(requests.reserve('cost-a', 'cost-b', 60, 't1'));
  await metered.store.execute(requests.credit('cost-b', 'cost-a', 60, 't1'));
  await metered.store.execute(requests.settle('cost-a', 't1'));
  expect(metered.requests()).toEqual([query, transaction, query, transaction, query, put]);
});

describe('a transfer that nobody is in the way of', () => {
  beforeAll(async () => {
    for (const accountId of ['short-a', 'short-b'])
      await metered.store.execute(requests.open(accountId));
    await metered.store.execute(requests.deposit('short-a', 100));
  });

  it('is two queries and one transaction of 6 write units', async () => {
    const transfer = requests.reserve('short-a', 'short-b', 10, 'short-1');
    const result = await metered.store.execute({ ...transfer, atOnce: true });
    expect(result).toMatchObject({ answer: { status: 'settled' } });
    expect(metered.requests()).toEqual([query, query, { ...transaction, writeUnits: 6 }]);
  });
  it('is 8 write units with an id and a key', async () => {
    const { keys = [], ...transfer } = requests.reserve('short-a', 'short-b', 10, 'short-2');
    const both = [...keys, keyOn('short-a', 'k')];
    await metered.store.execute({ ...transfer, keys: both, atOnce: true });
    expect(metered.requests()).toEqual([query, query, { ...transaction, writeUnits: 8 }]);
  });
  it('takes no more reads for its destination’s refusal than the long way takes', async () => {
    const transfer = requests.reserve('short-a', 'nobody', 10, 'short-3');
    const result = await metered.store.execute({ ...transfer, atOnce: true });
    expect(result).toMatchObject({ answer: { status: 'reserved' } });
    const sent = metered.requests();
    expect(sent).toHaveLength(3);
    expect(sent).toContainEqual(transaction);
  });
});

describe('what a bank needs', () => {
  const run = async (...sent: readonly CommandRequest[]) => {
    metered.requests();
    for (const request of sent)
      expect(await metered.store.execute(request)).toMatchObject({ outcome: 'accepted' });
    return metered.requests();
  };
  const unitsOf = (sent: Awaited<ReturnType<typeof run>>) =>
    sent.reduce((all, { writeUnits }) => all + writeUnits, 0);
  const keyed = (name: string) => ({ key: name });
  beforeAll(async () => {
    for (let n = 0; n < 20; n += 1) {
      await metered.store.execute(requests.open(`bank-${n}`));
      await metered.store.execute(requests.deposit(`bank-${n}`, 1_000));
    }
  });

  it('freezing with a key is one query and one transaction of 4 write units, without one a put of 1', async () => {
    expect(await run(requests.freeze('bank-9', 'debits', keyed('f')))).toEqual([
      query,
      transaction,
    ]);
    expect(await run(requests.unfreeze('bank-9'))).toEqual([query, put]);
  });

  it('a hold is what a reservation is; so are its capture and its void, under a key', async () => {
    const hold = (id: string) => requests.hold('bank-0', 'bank-1', 10, id);
    expect(await run(hold('cost-h1'))).toEqual([query, transaction]);
    expect(await run(requests.capture('bank-0', 'cost-h1', keyed('c')))).toEqual([
      query,
      transaction,
    ]);
    expect(await run(hold('cost-h2'))).toEqual([query, transaction]);
    expect(await run(requests.void('bank-0', 'cost-h2', keyed('v')))).toEqual([query, transaction]);
  });

  it('a hold captured in full and carried out is 4 write units more than a transfer the long way', async () => {
    const ends = (id: string) => [
      requests.credit('bank-3', 'bank-2', 10, id),
      requests.settle('bank-2', id),
    ];
    const plain = await run(requests.reserve('bank-2', 'bank-3', 10, 'cost-t'), ...ends('cost-t'));
    const held = await run(
      requests.hold('bank-2', 'bank-3', 10, 'cost-h3'),
      requests.capture('bank-2', 'cost-h3', keyed('c')),
      ...ends('cost-h3'),
    );
    expect(unitsOf(plain)).toBe(9);
    expect(unitsOf(held)).toBe(9 + 4);
  });

  it('a reversal is a reservation, with one read and 2 write units for what is reversed', async () => {
    const paid = { transferId: 'cost-t0', amount: 100 };
    const first = await run(requests.reverse('bank-4', 'bank-5', paid, 'cost-r1', 10));
    expect(first.map(({ operation }) => operation)).toEqual([
      'Query',
      'GetItem',
      'TransactWriteItems',
    ]);
    expect(unitsOf(first)).toBe(4 + 2);
    // Its release gives back in a transaction too.
    const released = await run(requests.release('bank-4', 'cost-r1', 'account_not_open'));
    expect(unitsOf(released)).toBe(2 + 2);
  });

  it.each([2, 20])(
    'a posting of %i legs is one transaction: 2 write units for each leg and 2 for its record',
    async (count) => {
      const legs = Array.from(
        { length: count },
        (_, n) => [`bank-${n}`, n === 0 ? 1 - count : 1] as const,
      );
      const sent = await run(requests.post(legs, `cost-p${count}`));
      // Of 20 legs the record, which has the answer, is larger than 1 KB.
      const ofRecord = count === 2 ? 2 : 4;
      expect(sent).toEqual([
        ...Array(count).fill(query),
        { ...transaction, writeUnits: 2 * count + ofRecord },
      ]);
    },
  );
});

describe('asking whose an account is', () => {
  const alice = Caller.parse('alice');
  const mallory = Caller.parse('mallory');
  const only = (command: CommandRequest, onlyFor = alice) => ({ ...command, onlyFor });
  let fresh: MeteredStore;
  beforeEach(async () => {
    await metered.store.execute(requests.open('own-a'));
    await metered.store.execute(requests.open('own-b'));
    await metered.store.execute(requests.deposit('own-a', 100));
    // An environment that has seen nothing yet.
    fresh = createMeteredStore(database);
  });

  it('costs an owner’s command nothing, the first time and later', async () => {
    for (const _ of ['first', 'later']) {
      await fresh.store.execute(only(requests.withdraw('own-a', 1)));
      expect(fresh.requests()).toEqual([query, put]);
    }
  });

  it('costs an owner’s rejection nothing', async () => {
    await fresh.store.execute(only(requests.withdraw('own-a', 1_000_000)));
    expect(fresh.requests()).toEqual([query]);
  });

  it('costs a transfer at once nothing: both streams are read together, once', async () => {
    for (const transferId of ['own-1', 'own-2']) {
      const transfer = only({ ...requests.reserve('own-a', 'own-b', 1, transferId), atOnce: true });
      const result = await fresh.store.execute(transfer);
      expect(result).toMatchObject({ answer: { status: 'settled' } });
      expect(fresh.requests()).toEqual([query, query, { ...transaction, writeUnits: 6 }]);
    }
  });

  it('costs a stranger one query each time, whether it is there or not', async () => {
    for (const _ of ['first', 'again']) {
      await fresh.store.execute(only(requests.withdraw('own-a', 1, { key: 'k' }), mallory));
      expect(fresh.requests()).toEqual([query]);
      await fresh.store.execute(only(requests.withdraw('own-none', 1, { key: 'k' }), mallory));
      expect(fresh.requests()).toEqual([emptyQuery]);
      await fresh.store.isOwnedBy(AccountId.parse('own-a'), mallory);
      expect(fresh.requests()).toEqual([query]);
    }
  });

  it('costs an owner’s reading one query, and later none', async () => {
    await fresh.store.isOwnedBy(AccountId.parse('own-a'), alice);
    expect(fresh.requests()).toEqual([query]);
    await fresh.store.isOwnedBy(AccountId.parse('own-a'), alice);
    expect(fresh.requests()).toEqual([]);
  });
});

it('losing a race costs one more put and no second read', async () => {
  await metered.store.execute(requests.open('raced'));
  await metered.store.execute(requests.deposit('raced', 100));
  const rival = createMeteredStore(database);
  let raced = false;
  metered.inject(async (operation, send) => {
    if (operation === 'PutItem' && !raced) {
      raced = true;
      await rival.store.execute(requests.withdraw('raced', 30));
    }
    return send();
  });
  metered.requests();
  const result = await metered.store.execute(requests.withdraw('raced', 50));
  expect(result).toMatchObject({ outcome: 'accepted', version: 4, answer: { balanceAfter: 20 } });
  expect(metered.requests()).toEqual([query, put]);
});
