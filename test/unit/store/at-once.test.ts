import { beforeEach, describe, expect, it } from 'vitest';
import { AccountId, Version } from '../../../events/values.ts';
import type { CommandRequest } from '../../../functions/store/deciding/command-result.ts';
import { recordKey } from '../../../functions/store/writing/record-key.ts';
import { requests } from '../../../testing/ledger-requests.ts';
import { verifyStream } from '../../../testing/verify-stream.ts';
import { createLedgerDatabase } from '../../mutants/memory-database.ts';
import { createMeteredStore, type Fault, type MeteredStore } from '../../setup/metered-store.ts';

const [a, b] = [AccountId.parse('a'), AccountId.parse('b')];

let database: Awaited<ReturnType<typeof createLedgerDatabase>>;
/** Whoever else writes to the accounts. */
let rival: MeteredStore;
let bank: MeteredStore;

beforeEach(async () => {
  database = await createLedgerDatabase();
  rival = createMeteredStore(database);
  bank = createMeteredStore(database, { queueing: true });
  for (const id of [a, b]) await rival.store.execute(requests.open(id));
  await rival.store.execute(requests.deposit('a', 100));
});

/** A transfer that may go the short way. */
const transfer = (from: string, to: string, amount: number, id: string): CommandRequest => ({
  ...requests.reserve(from, to, amount, id),
  atOnce: true,
});
const balances = async () =>
  Promise.all([a, b].map(async (id) => (await verifyStream(rival.store, id)).account.balance));
const operations = () => bank.requests().map(({ operation }) => operation);
const named = (name: string, fields: object = {}) =>
  Object.assign(new Error(name), { name, ...fields });
const isWrite = (operation: string) =>
  operation === 'TransactWriteItems' || operation === 'PutItem';

/** What becomes of one write after the other; the others go through. */
const writes = (...fates: ((send: () => Promise<unknown>) => Promise<unknown>)[]): Fault => {
  const left = [...fates];
  return async (operation, send) => {
    const fate = isWrite(operation) ? left.shift() : undefined;
    return fate ? fate(send) : send();
  };
};

/** A bank whose time goes on by its own waits alone. */
const patientBank = (budget = 8_000) => {
  let now = Date.now();
  const begun = now;
  bank = createMeteredStore(database, {
    ...{ queueing: true, budget, clock: () => now, random: () => 1 },
    sleep: async (milliseconds) => {
      now += milliseconds;
    },
  });
  return () => now - begun;
};

describe('a transfer with nobody in its way', () => {
  it('is settled by two reads and one transaction, and its answer says so', async () => {
    const result = await bank.store.execute(transfer('a', 'b', 30, 't'));
    expect(operations()).toEqual(['Query', 'Query', 'TransactWriteItems']);
    expect(result).toMatchObject({
      outcome: 'accepted',
      version: 3,
      replayed: false,
      answer: {
        ...{ transferId: 't', from: 'a', to: 'b', amount: 30, currency: 'EUR', status: 'settled' },
        steps: [
          { step: 'credited', accountId: 'b', version: 2 },
          { step: 'settled', accountId: 'a', version: 3 },
        ],
      },
    });
    expect(await balances()).toEqual([70, 30]);
  });
  it('names the other side and its version in both events', async () => {
    await bank.store.execute(transfer('a', 'b', 30, 't'));
    const last = async (id: AccountId) =>
      (await verifyStream(rival.store, id)).commits.at(-1)?.events ?? [];
    expect(await last(a)).toMatchObject([
      {
        type: 'MoneyWithdrawn',
        data: { transferId: 't', counterparty: 'b', counterpartyVersion: 2, currency: 'EUR' },
      },
    ]);
    expect(await last(b)).toMatchObject([
      {
        type: 'MoneyDeposited',
        data: { transferId: 't', counterparty: 'a', counterpartyVersion: 3 },
      },
    ]);
    const [[mine], [theirs]] = [await last(a), await last(b)];
    expect(mine?.at).toBe(theirs?.at);
  });
  it('is answered the same when it is sent again, here or there, short or long', async () => {
    const first = await bank.store.execute(transfer('a', 'b', 30, 't'));
    const again = { ...first, replayed: true };
    expect(await bank.store.execute(transfer('a', 'b', 30, 't'))).toEqual(again);
    expect(await rival.store.execute(requests.reserve('a', 'b', 30, 't'))).toEqual(again);
    expect(await balances()).toEqual([70, 30]);
  });
  it('keeps its id from every other transfer', async () => {
    await bank.store.execute(transfer('a', 'b', 30, 't'));
    expect(await bank.store.execute(transfer('b', 'a', 30, 't'))).toMatchObject({
      outcome: 'key_reused',
    });
    expect(await bank.store.execute(requests.reserve('a', 'b', 31, 't'))).toMatchObject({
      outcome: 'key_reused',
    });
  });
  it('does not happen again where its id went the long way', async () => {
    const long = await rival.store.execute(requests.reserve('a', 'b', 30, 't'));
    expect(await bank.store.execute(transfer('a', 'b', 30, 't'))).toEqual({
      ...long,
      replayed: true,
    });
    expect(await balances()).toEqual([100, 0]);
  });
  it('has the record of each of its keys', async () => {
    const request = transfer('a', 'b', 30, 't');
    const both = { ...request, keys: [...(request.keys ?? []), recordKey('a.k')] };
    const first = await bank.store.execute(both);
    for (const key of both.keys)
      expect(await bank.store.execute({ ...request, keys: [key] })).toEqual({
        ...first,
        replayed: true,
      });
  });
  it('is decided at the version of its source that If-Match asks for, or not at all', async () => {
    const at = (version: number) => ({
      ...transfer('a', 'b', 30, `at-${version}`),
      expectedVersions: [Version.parse(version)],
    });
    expect(await bank.store.execute(at(1))).toEqual({
      outcome: 'version_mismatch',
      currentVersion: 2,
    });
    expect(await bank.store.execute(at(2))).toMatchObject({ answer: { status: 'settled' } });
  });
});

describe('a transfer that an account refuses', () => {
  it.each([
    ['too much for its source', transfer('a', 'b', 101, 't'), 'insufficient_funds'],
    ['from nobody', transfer('c', 'b', 1, 't'), 'account_not_found'],
    ['to itself', transfer('a', 'a', 1, 't'), 'same_account'],
  ])('is rejected by its source: %s', async (_name, request, code) => {
    const result = await bank.store.execute(request);
    expect(result).toMatchObject({ outcome: 'rejected', rejection: { code } });
    expect(await bank.store.execute(request)).toMatchObject({
      outcome: 'rejected',
      rejection: { code },
      replayed: true,
    });
    expect(await balances()).toEqual([100, 0]);
  });
  it.each([
    ['there is none', 'c'],
    ['it is kept in another currency', 'd'],
  ])('is reserved, to be released, where its destination refuses: %s', async (_name, to) => {
    await rival.store.execute(requests.open('d', { currency: 'USD' }));
    bank.requests();
    expect(await bank.store.execute(transfer('a', to, 30, 't'))).toMatchObject({
      answer: { status: 'reserved' },
    });
    // The tail that the short way read serves the long way.
    expect(operations()).toEqual(['Query', 'Query', 'TransactWriteItems']);
  });
});

describe('a transfer in whose way others are', () => {
  it('is decided again from the winner of either stream, without a read', async () => {
    bank.inject(
      writes(async (send) => {
        await rival.store.execute(requests.deposit('b', 5));
        return send();
      }),
    );
    expect(await bank.store.execute(transfer('a', 'b', 30, 't'))).toMatchObject({
      answer: { status: 'settled', steps: [{ version: 3 }, { version: 3 }] },
    });
    expect(operations()).toEqual(['Query', 'Query', 'TransactWriteItems']);
    expect(await balances()).toEqual([70, 35]);
  });
  it('goes the long way after the second lost race, from the winner of its source', async () => {
    const rivals = ['a', 'b'].map((id) => async (send: () => Promise<unknown>) => {
      await rival.store.execute(requests.deposit(id, 5));
      return send();
    });
    bank.inject(writes(...rivals));
    expect(await bank.store.execute(transfer('a', 'b', 30, 't'))).toMatchObject({
      answer: { status: 'reserved' },
      version: 4,
    });
    expect(operations()).toEqual(['Query', 'Query', 'TransactWriteItems']);
  });
  it('goes the long way after the second conflict with another transaction', async () => {
    const conflict = async () => {
      throw named('TransactionCanceledException', {
        CancellationReasons: [{ Code: 'TransactionConflict' }, {}, {}],
      });
    };
    bank.inject(writes(conflict, conflict));
    expect(await bank.store.execute(transfer('a', 'b', 30, 't'))).toMatchObject({
      answer: { status: 'reserved' },
    });
  });
  it('does not try the short way again at once, and soon does', async () => {
    let now = Date.now();
    bank = createMeteredStore(database, { queueing: true, clock: () => now });
    const beaten = async (send: () => Promise<unknown>) => {
      await rival.store.execute(requests.deposit('b', 5));
      return send();
    };
    bank.inject(writes(beaten, beaten));
    const status = async (id: string) => {
      const result = await bank.store.execute(transfer('a', 'b', 1, id));
      return 'answer' in result && result.answer?.['status'];
    };
    expect(await status('t1')).toBe('reserved');
    expect(await status('t2')).toBe('reserved');
    now += 100;
    expect(await status('t3')).toBe('settled');
    expect(await status('t4')).toBe('settled');
  });
  it.each([
    [4, 'reserved'],
    [3, 'settled'],
  ])(
    'goes the long way where %i commands were decided together elsewhere a moment ago: it is %s',
    async (many, status) => {
      const deposits = Array.from({ length: many }, () => requests.deposit('b', 1));
      await rival.store.executeTogether(b, deposits);
      expect(await bank.store.execute(transfer('a', 'b', 30, 't'))).toMatchObject({
        answer: { status },
      });
      expect(operations()).toEqual(['Query', 'Query', 'TransactWriteItems']);
    },
  );
  it('does not read an account again on which many were decided together elsewhere, for a while', async () => {
    const deposits = Array.from({ length: 4 }, () => requests.deposit('b', 1));
    await rival.store.executeTogether(b, deposits);
    let now = Date.now();
    bank = createMeteredStore(database, { queueing: true, clock: () => now });
    await bank.store.execute(transfer('a', 'b', 1, 't1'));
    now += 9_000;
    bank.requests();
    await bank.store.execute(transfer('a', 'b', 1, 't2'));
    expect(operations()).toEqual(['Query', 'TransactWriteItems']);
    now += 1_001;
    expect(await bank.store.execute(transfer('a', 'b', 1, 't3'))).toMatchObject({
      answer: { status: 'settled' },
    });
  });
  it('stays away from the account alone that others were at', async () => {
    await rival.store.execute(requests.open('c'));
    const now = Date.now();
    bank = createMeteredStore(database, { queueing: true, clock: () => now });
    const beaten = async (send: () => Promise<unknown>) => {
      await rival.store.execute(requests.deposit('b', 5));
      return send();
    };
    bank.inject(writes(beaten, beaten));
    await bank.store.execute(transfer('a', 'b', 1, 't1'));
    const [toOther, again] = [transfer('a', 'c', 1, 't2'), transfer('a', 'b', 1, 't3')];
    expect(await bank.store.execute(toOther)).toMatchObject({ answer: { status: 'settled' } });
    expect(await bank.store.execute(again)).toMatchObject({ answer: { status: 'reserved' } });
  });
  it('queues for its source where that was in the way twice, and races for it again after a win', async () => {
    patientBank(1_000);
    const beaten = async (send: () => Promise<unknown>) => {
      await rival.store.execute(requests.deposit('a', 5));
      return send();
    };
    for (const id of ['t1', 't2', 't3']) {
      bank.inject(writes(beaten, beaten));
      expect(await bank.store.execute(transfer('a', 'b', 1, id))).toMatchObject({
        outcome: 'pending',
      });
      bank.inject(writes());
      // By now it has waited for longer than anybody stays away who has won since the last time.
      expect(await bank.store.execute(requests.deposit('a', 1))).toMatchObject({
        outcome: 'accepted',
      });
      for (const n of [1, 2, 3, 4])
        expect(await bank.store.execute(transfer('a', 'b', 1, `${id}-${n}`))).toMatchObject({
          answer: { status: 'settled' },
        });
    }
  });
  it('does not queue for a source of which nobody knows that it was in the way', async () => {
    const conflict = async () => {
      throw named('TransactionCanceledException', {
        CancellationReasons: [{}, { Code: 'TransactionConflict' }, {}],
      });
    };
    patientBank(1_000);
    bank.inject(writes(conflict, conflict));
    expect(await bank.store.execute(transfer('a', 'b', 30, 't'))).toMatchObject({
      answer: { status: 'reserved' },
    });
    // After a conflict it reads afresh: who was in the way has gone on.
    expect(operations()).toEqual([...Array(5).fill('Query'), 'TransactWriteItems']);
  });
  it('stays where the many were its own environment’s', async () => {
    const many = Array.from({ length: 6 }, (_, n) => transfer('a', 'b', 1, `t${n}`));
    await Promise.all(many.map((request) => bank.store.execute(request)));
    expect(await bank.store.execute(transfer('a', 'b', 30, 't'))).toMatchObject({
      answer: { status: 'settled' },
    });
  });
  it('goes the long way where its account has a command alone under way', async () => {
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    bank.inject(
      writes(async (send) => {
        await gate;
        return send();
      }),
    );
    const deposit = bank.store.execute(requests.deposit('b', 5));
    const result = bank.store.execute(transfer('a', 'b', 30, 't'));
    expect(await result).toMatchObject({ answer: { status: 'reserved' } });
    release();
    expect(await deposit).toMatchObject({ outcome: 'accepted' });
  });
});

describe('a destination that does not let itself be written', () => {
  const isShort = (operation: string, input: object) =>
    operation === 'TransactWriteItems' && JSON.stringify(input).split('streamId').length > 4;

  it.each([1, 3, 40])(
    'is left after as many lost races as %i commands are worth, and 6 at most',
    async (many) => {
      patientBank();
      let races = 0;
      bank.inject(async (operation, send, input) => {
        if (isShort(operation, input)) {
          races += 1;
          await rival.store.execute(requests.deposit('b', 1));
        }
        return send();
      });
      const results = await Promise.all(
        Array.from({ length: many }, (_, n) => bank.store.execute(transfer('a', 'b', 1, `t${n}`))),
      );
      for (const result of results)
        expect(result).toMatchObject({ answer: { status: 'reserved' } });
      expect(races).toBe(many < 4 ? 2 : 6);
    },
  );
  it.each([
    ['is throttled', (operation: string, input: object) => isShort(operation, input)],
    [
      'cannot be read in time',
      (operation: string, input: object) =>
        operation === 'Query' && JSON.stringify(input).includes('"b"'),
    ],
  ])('%s: the transfer is reserved, with time to spare', async (_name, isHit) => {
    const spent = patientBank();
    bank.inject(async (operation, send, input) => {
      if (isHit(operation, input)) throw named('ThrottlingException');
      return send();
    });
    expect(await bank.store.execute(transfer('a', 'b', 30, 't'))).toMatchObject({
      answer: { status: 'reserved' },
    });
    expect(spent()).toBeLessThanOrEqual(4_000);
  });
  it('has a winner that this code cannot read: the transfer is reserved', async () => {
    bank.inject(async (operation, send, input) => {
      if (isShort(operation, input)) throw named('ValidationException');
      return send();
    });
    expect(await bank.store.execute(transfer('a', 'b', 30, 't'))).toMatchObject({
      answer: { status: 'reserved' },
    });
  });
  it('is met once where first a conflict tells of a rival and then the rival’s commit', async () => {
    bank.inject(
      writes(async () => {
        await rival.store.execute(requests.deposit('b', 5));
        throw named('TransactionCanceledException', {
          CancellationReasons: [{ Code: 'TransactionConflict' }, {}, {}],
        });
      }),
    );
    expect(await bank.store.execute(transfer('a', 'b', 30, 't'))).toMatchObject({
      answer: { status: 'settled' },
    });
  });
  it('is met twice where another rival is faster after a conflict: the transfer is reserved', async () => {
    bank.inject(
      writes(
        async () => {
          throw named('TransactionCanceledException', {
            CancellationReasons: [{}, { Code: 'TransactionConflict' }, {}],
          });
        },
        async (send) => {
          await rival.store.execute(requests.deposit('b', 5));
          return send();
        },
      ),
    );
    expect(await bank.store.execute(transfer('a', 'b', 30, 't'))).toMatchObject({
      answer: { status: 'reserved' },
    });
  });
  it('is dated ahead of now: its time does not pass on to the source', async () => {
    const ahead = createMeteredStore(database, { clock: () => Date.now() + 3_600_000 });
    await ahead.store.execute(requests.deposit('b', 5));
    expect(await bank.store.execute(transfer('a', 'b', 30, 't'))).toMatchObject({
      answer: { status: 'reserved' },
    });
    const { at } = await rival.store.load(a);
    expect(Date.parse(at ?? '')).toBeLessThanOrEqual(Date.now());
  });
});

it('a transfer without a key is not carried out at once: nothing would keep it from happening twice', async () => {
  const { keys: _, ...keyless } = transfer('a', 'b', 30, 't');
  expect(await bank.store.execute(keyless)).toMatchObject({ answer: { status: 'reserved' } });
});

describe('transfers that meet in one environment', () => {
  it('share their transactions, both directions together', async () => {
    await rival.store.execute(requests.deposit('b', 100));
    const results = await Promise.all(
      Array.from({ length: 150 }, (_, n) =>
        bank.store.execute(n % 2 ? transfer('a', 'b', 1, `t${n}`) : transfer('b', 'a', 1, `t${n}`)),
      ),
    );
    for (const result of results) expect(result).toMatchObject({ answer: { status: 'settled' } });
    expect(operations().filter((operation) => operation === 'TransactWriteItems')).toHaveLength(2);
    expect(await balances()).toEqual([100, 100]);
  });
  it('are each decided for themselves', async () => {
    const results = await Promise.all([
      bank.store.execute(transfer('a', 'b', 60, 't1')),
      bank.store.execute(transfer('a', 'b', 60, 't2')),
      bank.store.execute(transfer('a', 'b', 40, 't3')),
      bank.store.execute(transfer('a', 'b', 60, 't1')),
    ]);
    expect(results).toMatchObject([
      { answer: { status: 'settled' } },
      { outcome: 'rejected', rejection: { code: 'insufficient_funds' } },
      { outcome: 'accepted' },
      { outcome: 'accepted', replayed: true },
    ]);
    expect((await balances())[0]).toBeGreaterThanOrEqual(0);
  });
});

describe('a transaction whose answer is lost', () => {
  const lost = async (send: () => Promise<unknown>) => {
    await send();
    throw named('TimeoutError');
  };
  it('is sent again, and recognized as this call’s own', async () => {
    bank.inject(writes(lost));
    expect(await bank.store.execute(transfer('a', 'b', 30, 't'))).toMatchObject({
      answer: { status: 'settled' },
      replayed: false,
    });
    expect(await balances()).toEqual([70, 30]);
  });
  it('does not go the long way while it is not known whether it landed', async () => {
    bank = createMeteredStore(database, { queueing: true, budget: 300 });
    bank.inject(async (operation, send) => {
      if (!isWrite(operation)) return send();
      throw named('TimeoutError');
    });
    expect(await bank.store.execute(transfer('a', 'b', 30, 't'))).toMatchObject({
      outcome: 'undecided',
      reason: 'unknown',
    });
  });
  it('goes the long way where a stream cannot be read, and fails only on its own account’s', async () => {
    bank.inject(async (operation, send, input) => {
      if (operation === 'Query' && JSON.stringify(input).includes('"b"'))
        throw named('ValidationException');
      return send();
    });
    expect(await bank.store.execute(transfer('a', 'b', 30, 't'))).toMatchObject({
      answer: { status: 'reserved' },
    });
  });
  it('was ours where another’s reasons alone are told', async () => {
    bank.inject(writes(lost, keepOne(0)));
    expect(await bank.store.execute(transfer('a', 'b', 30, 't'))).toMatchObject({
      answer: { status: 'settled' },
      replayed: false,
    });
    expect(await balances()).toEqual([70, 30]);
  });
});

/** Of the reasons for which a transaction was cancelled only one is told. */
const keepOne =
  (kept: number) =>
  async (send: () => Promise<unknown>): Promise<unknown> => {
    try {
      return await send();
    } catch (error) {
      const { CancellationReasons: reasons } = error as {
        CancellationReasons?: { Code?: string }[];
      };
      if (!reasons) throw error;
      const failed = reasons.flatMap(({ Code }, index) =>
        Code === 'ConditionalCheckFailed' ? [index] : [],
      );
      const told = failed[kept % failed.length];
      throw Object.assign(error as Error, {
        CancellationReasons: reasons.map((reason, index) =>
          index === told ? reason : { Code: 'TransactionConflict' },
        ),
      });
    }
  };
