import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { AccountId, TransferId } from '../../../events/values.ts';
import { findTotal } from '../../../functions/store/writing/reversed-total.ts';
import { write } from '../../../functions/store/writing/write.ts';
import { requests } from '../../../testing/ledger-requests.ts';
import { verifyStream } from '../../../testing/verify-stream.ts';
import { createLedgerDatabase } from '../../mutants/memory-database.ts';
import { createMeteredStore, type MeteredStore } from '../../setup/metered-store.ts';

let database: Awaited<ReturnType<typeof createLedgerDatabase>>;
let bank: MeteredStore;
/** Whoever else writes to the accounts. */
let rival: MeteredStore;

beforeEach(async () => {
  database = await createLedgerDatabase();
  bank = createMeteredStore(database, { budget: 3_000, sleep: async () => {} });
  rival = createMeteredStore(database);
  for (const id of ['a', 'b']) {
    await rival.store.execute(requests.open(id));
    await rival.store.execute(requests.deposit(id, 1_000));
  }
});

const paid = { transferId: 't', amount: 100 };
const stateOf = async (id: string) =>
  (await verifyStream(rival.store, AccountId.parse(id))).account;
const named = (name: string, fields: object = {}) =>
  Object.assign(new Error(name), { name, ...fields });
const isWrite = (operation: string) =>
  operation === 'TransactWriteItems' || operation === 'PutItem';

describe('reversals of one transfer', () => {
  it('never overwrite what another has reversed, whatever else of the write would hold', async () => {
    await rival.store.execute(requests.reverse('b', 'a', paid, 'r1', 80));
    const { events: eventsTable, commands: commandsTable, queue: queueTable } = database.tables;
    const tables = { client: rival.client, eventsTable, commandsTable, queueTable };
    const t = TransferId.parse('t');
    const total = { transferId: t, reversed: 30, writeId: 'w' };
    for (const replaces of [undefined, 'older']) {
      const written = await write(tables, {
        writeId: 'w',
        records: [],
        totals: [{ total, replaces }],
      });
      expect(written).toMatchObject({ kind: 'refused', totals: [{ transferId: t, reversed: 80 }] });
    }
    expect(await findTotal(tables, t)).toMatchObject({ reversed: 80 });
  });

  it('that meet in one batch take no more than it, and give back what is released', async () => {
    const results = await bank.store.executeTogether(AccountId.parse('b'), [
      requests.reverse('b', 'a', paid, 'r1', 60),
      requests.reverse('b', 'a', paid, 'r2', 60),
      requests.release('b', 'r1', 'account_not_open'),
      requests.reverse('b', 'a', paid, 'r3', 70),
      requests.reverse('b', 'a', paid, 'r4'),
      requests.reverse('b', 'a', paid, 'r5'),
    ]);
    expect(results).toMatchObject([
      { outcome: 'accepted', answer: { amount: 60, reverses: 't' } },
      { outcome: 'rejected', rejection: { code: 'already_reversed', reversible: 40 } },
      { outcome: 'accepted' },
      { outcome: 'accepted', answer: { amount: 70 } },
      { outcome: 'accepted', answer: { amount: 30 } },
      { outcome: 'rejected', rejection: { code: 'already_reversed', reversible: 0 } },
    ]);
    expect(await stateOf('b')).toMatchObject({ reserved: 100 });
  });

  it('are decided on what is reversed now, and not on what was when the lane last looked', async () => {
    let isFirst = true;
    bank.inject(async (operation, send) => {
      if (isWrite(operation) && isFirst) {
        isFirst = false;
        await rival.store.execute(requests.reverse('b', 'a', paid, 'r1', 80));
      }
      return send();
    });
    expect(await bank.store.execute(requests.reverse('b', 'a', paid, 'r2', 30))).toMatchObject({
      outcome: 'rejected',
      rejection: { code: 'already_reversed', reversible: 20 },
    });
    expect(await bank.store.execute(requests.reverse('b', 'a', paid, 'r3'))).toMatchObject({
      outcome: 'accepted',
      answer: { amount: 20 },
    });
  });

  it('release what was reversed once, where the answer was lost and another has changed the total since', async () => {
    await rival.store.execute(requests.reverse('b', 'a', paid, 'r1', 80));
    let writes = 0;
    bank.inject(async (operation, send) => {
      if (!isWrite(operation)) return send();
      writes += 1;
      if (writes === 1) {
        await send();
        await rival.store.execute(requests.reverse('b', 'a', paid, 'r2', 50));
        throw named('TimeoutError');
      }
      try {
        return await send();
      } catch (error) {
        throw totalAlone(error);
      }
    });
    // Neither has a key: nothing but the place of their commit keeps them from being done again.
    const [, deposit] = await bank.store.executeTogether(AccountId.parse('b'), [
      requests.release('b', 'r1', 'account_not_open'),
      requests.deposit('b', 7),
    ]);
    expect(deposit).toEqual({ outcome: 'undecided', reason: 'unknown' });
    expect(await stateOf('b')).toMatchObject({ balance: 1_007, reserved: 50 });
  });

  /** Of the reasons for which a transaction was cancelled only that of its last item is told. */
  const totalAlone = (error: unknown): unknown => {
    const { CancellationReasons: reasons } = error as { CancellationReasons?: object[] };
    return reasons
      ? named('TransactionCanceledException', {
          CancellationReasons: reasons.map((reason, index) =>
            index === reasons.length - 1 ? reason : { Code: 'TransactionConflict' },
          ),
        })
      : error;
  };
});

describe('a posting', () => {
  it('lands on all its accounts, in one transaction, and is done once', async () => {
    await rival.store.execute(requests.open('c'));
    const post = requests.post(
      [
        ['a', -100],
        ['b', 97],
        ['c', 3],
      ],
      'p',
    );
    bank.requests();
    const answer = {
      postingId: 'p',
      legs: [
        { accountId: 'a', version: 3 },
        { accountId: 'b', version: 3 },
        { accountId: 'c', version: 2 },
      ],
    };
    expect(await bank.store.execute(post)).toMatchObject({ replayed: false, answer });
    expect(bank.requests().filter(({ operation }) => isWrite(operation))).toHaveLength(1);
    expect(await bank.store.execute(post)).toMatchObject({ replayed: true, answer });
    expect(await Promise.all(['a', 'b', 'c'].map(stateOf))).toMatchObject([
      { balance: 900 },
      { balance: 1_097 },
      { balance: 3 },
    ]);
  });

  it.each([
    ['whose account is not there', 'nobody', -1, 'account_not_found'],
    ['whose account has too little', 'b', -1_001, 'insufficient_funds'],
  ])('%s is refused with its leg, and changes nothing', async (_, id, amount, code) => {
    const post = requests.post(
      [
        ['a', -amount],
        [id, amount],
      ],
      'p',
    );
    const refusal = { outcome: 'rejected', rejection: { code, leg: 1 } };
    expect(await bank.store.execute(post)).toMatchObject(refusal);
    await rival.store.execute(requests.deposit('b', 10));
    expect(await bank.store.execute(post)).toMatchObject({ ...refusal, replayed: true });
    expect(await stateOf('a')).toMatchObject({ balance: 1_000 });
  });

  it('lands where a clock was ahead on one of its accounts, whose time does not pass on to the others', async () => {
    const ahead = createMeteredStore(database, { clock: () => Date.now() + 3_600_000 });
    await ahead.store.execute(requests.deposit('b', 1));
    const post = requests.post(
      [
        ['a', -1],
        ['b', 1],
      ],
      'p',
    );
    expect(await bank.store.execute(post)).toMatchObject({ outcome: 'accepted' });
    const [a, b] = await Promise.all(
      ['a', 'b'].map(async (id) => (await rival.store.load(AccountId.parse(id))).at ?? ''),
    );
    const soon = new Date(Date.now() + 60_000).toISOString();
    expect(String(a) < soon).toBe(true);
    expect(String(b) > soon).toBe(true);
  });

  it('that DynamoDB refuses itself fails, and is not told to come again', async () => {
    bank.inject(async (operation, send) => {
      if (isWrite(operation)) throw named('ValidationException');
      return send();
    });
    const post = requests.post(
      [
        ['a', -1],
        ['b', 1],
      ],
      'p',
    );
    await expect(bank.store.execute(post)).rejects.toThrow('ValidationException');
  });

  it('that is too large alone says so, and is not told to come again', async () => {
    await rival.store.execute(requests.reserve('b', 'a', 1, 'open'));
    const TableName = database.tables.events;
    const Key = { streamId: 'b', version: 3 };
    const get = new GetCommand({ TableName, Key, ConsistentRead: true });
    const { Item } = await rival.client.send(get);
    const reservations = Array(6_000).fill(Item?.['state'].reservations[0]);
    const state = { ...Item?.['state'], reservations };
    await rival.client.send(new PutCommand({ TableName, Item: { ...Item, state } }));
    const post = requests.post(
      [
        ['a', -1],
        ['b', 1],
      ],
      'p',
    );
    expect(await bank.store.execute(post)).toEqual({
      outcome: 'undecided',
      reason: 'commit_too_large',
    });
  });

  it('that always loses says that nothing was done, and leaves the winners alone', async () => {
    bank.inject(async (operation, send) => {
      if (isWrite(operation)) await rival.store.execute(requests.deposit('b', 1));
      return send();
    });
    const post = requests.post(
      [
        ['a', -1],
        ['b', 1],
      ],
      'p',
    );
    expect(await bank.store.execute(post)).toEqual({ outcome: 'undecided', reason: 'contention' });
    expect(await stateOf('a')).toMatchObject({ balance: 1_000 });
    expect(await stateOf('b')).toMatchObject({ balance: 1_008 });
  });
});
