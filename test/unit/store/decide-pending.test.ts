import { marshall } from '@aws-sdk/util-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { AccountId } from '../../../events/values.ts';
import { isStoreUnavailable } from '../../../functions/runtime/unavailable.ts';
import { decidePending } from '../../../functions/store/queueing/decide-pending.ts';
import type { PendingCommand } from '../../../functions/store/writing/command-record.ts';
import type { RecordKey } from '../../../functions/store/writing/record-key.ts';
import { requests } from '../../../testing/ledger-requests.ts';
import { plantedCommit } from '../../../testing/planted-commit.ts';
import { deposited } from '../ledger/facts.ts';
import { NOON } from '../ledger/given.ts';
import {
  answerLost,
  createFundedTables,
  deposit,
  fails,
  type TablesInMemory,
} from './tables-in-memory.ts';

const a = AccountId.parse('a');
const k: RecordKey = 'command:k';
const l: RecordKey = 'command:l';

let tables: TablesInMemory;

beforeEach(async () => {
  tables = await createFundedTables();
});

const decided = (pending: readonly PendingCommand[], timeLeft = 1_000) =>
  decidePending(tables.dependencies, a, pending, tables.clock() + timeLeft);
const balance = async () => (await tables.rival.load(a)).account?.balance;

describe('pending commands', () => {
  it('are decided in order, in one commit, each as the command of its first key', async () => {
    const pending = [
      await tables.leavePending(deposit(5, k, l)),
      await tables.leavePending({ ...requests.withdraw('a', 2_000), keys: ['credit:m'] }),
    ];
    expect(await decided(pending)).toEqual({ decided: 2, passedOver: [] });
    expect(tables.operations).toEqual(['Query', 'TransactWriteItems']);
    for await (const { events } of tables.rival.history(a, { from: 3 }))
      expect(events.map(({ origin }) => origin)).toMatchObject([
        { commandId: 'k', actor: 'alice', correlationId: pending[0]?.correlationId },
      ]);
    const accepted = { outcome: 'accepted', version: 3, pendingId: pending[0]?.writeId };
    expect(await tables.record(k)).toMatchObject(accepted);
    expect(await tables.record(l)).toMatchObject(accepted);
    expect(await tables.record('credit:m')).toMatchObject({
      outcome: 'rejected',
      pendingId: pending[1]?.writeId,
      fingerprint: pending[1]?.fingerprint,
    });
  });
  it('that were delivered twice at once are decided once, and count as decided twice', async () => {
    const pending = await tables.leavePending(deposit(5, k));
    expect(await decided([pending, pending])).toEqual({ decided: 2, passedOver: [] });
    expect(tables.operations).toEqual(['Query', 'TransactWriteItems']);
    expect(await balance()).toBe(1_005);
  });
  it('of another account are passed over, and the others decided', async () => {
    const foreign = await tables.leavePending({ ...requests.deposit('b', 5), keys: [k, l] });
    const own = await tables.leavePending(deposit(5, 'command:m'));
    const { decided: count, passedOver } = await decided([foreign, own]);
    expect(count).toBe(1);
    expect(passedOver).toEqual([
      { keys: [k, l], cause: expect.stringContaining('a command on b') },
    ]);
    expect(await tables.record(k)).toMatchObject({ outcome: 'pending' });
    expect(await balance()).toBe(1_005);
  });
  it('whose key belongs to another command by now are left alone', async () => {
    const pending = await tables.leavePending(deposit(5, k));
    await tables.leavePending(deposit(6, k));
    expect(await decided([pending])).toEqual({ decided: 1, passedOver: [] });
    expect(await tables.record(k)).toMatchObject({ outcome: 'pending', command: { amount: 6 } });
  });
  it('cannot be decided without a key', async () => {
    const pending = await tables.leavePending(deposit(5, k));
    await expect(decided([{ ...pending, keys: [] }])).rejects.toThrow('has no key');
  });
});

describe('a pending command that was decided under one of its keys', () => {
  let pending: PendingCommand;
  beforeEach(async () => {
    pending = await tables.leavePending(deposit(5, k, l));
    await decided([{ ...pending, keys: [k] }]);
    tables.operations.length = 0;
  });

  it('has the outcome under the others from then on, too', async () => {
    expect(await decided([pending])).toEqual({ decided: 1, passedOver: [] });
    expect(tables.operations).toEqual(['Query', 'TransactWriteItems', 'PutItem']);
    expect(await tables.record(l)).toMatchObject({ outcome: 'accepted', version: 3 });
    expect(await balance()).toBe(1_005);
  });
  it('is passed over where the record under another one cannot be read', async () => {
    const stands = marshall({ ...(await tables.record(k)) });
    tables.writes.push(
      // Of the other one nothing is said.
      fails('TransactionCanceledException', {
        CancellationReasons: [
          { Code: 'None' },
          { Code: 'ConditionalCheckFailed', Item: stands },
          { Code: 'None' },
        ],
      }),
      async (send) => {
        await tables.put({ key: l, schema: 99 });
        return send();
      },
    );
    const { decided: count, passedOver } = await decided([pending]);
    expect(count).toBe(0);
    expect(passedOver).toEqual([{ keys: [k, l], cause: expect.any(Error) }]);
    expect(passedOver.map(({ cause }) => isStoreUnavailable(cause))).toEqual([false]);
  });
  it.each([
    ['throttled', 'ThrottlingException'],
    ['unavailable', 'TransactionConflictException'],
  ])('is tried another time where it cannot be recorded: %s', async (reason, name) => {
    tables.writes.push((send) => send(), fails(name));
    await expect(decided([pending], 20)).rejects.toMatchObject({
      code: 'store_unavailable',
      reason,
    });
    expect(await tables.record(l)).toMatchObject({ outcome: 'pending' });
  });
  it('is done with where another command has the other key', async () => {
    tables.writes.push(
      (send) => send(),
      async (send) => {
        await tables.leavePending(deposit(6, l));
        return send();
      },
    );
    expect(await decided([pending])).toEqual({ decided: 1, passedOver: [] });
    expect(await tables.record(l)).toMatchObject({ outcome: 'pending', command: { amount: 6 } });
  });
});

describe('a pending command whose record is no longer the one it was taken with', () => {
  it('is given up under each key where it still is', async () => {
    const pending = await tables.leavePending(deposit(5, k, l, 'command:m'));
    const repeated = await tables.leavePending(deposit(5, k));
    expect(await decided([pending])).toEqual({ decided: 1, passedOver: [] });
    expect(await tables.record(k)).toMatchObject({
      outcome: 'pending',
      writeId: repeated.writeId,
    });
    const { accountId, schema, fingerprint, writeId: pendingId } = pending;
    for (const key of [l, 'command:m'] as const)
      expect(await tables.record(key)).toEqual({
        key,
        accountId,
        schema,
        fingerprint,
        writeId: expect.stringMatching(/^own-\d$/),
        at: NOON,
        outcome: 'given_up',
        pendingId,
      });
    expect(await balance()).toBe(1_000);
  });
});

describe('a pending command whose commit would be too large even alone', () => {
  let full: PendingCommand;
  beforeEach(async () => {
    await fill();
    full = await tables.leavePending({ ...requests.reserve('a', 'b', 1, 'more'), keys: [k, l] });
  });

  it('is given up under all its keys at once, and the others are decided', async () => {
    const other = await tables.leavePending({
      ...requests.withdraw('a', 5_000),
      keys: ['credit:m'],
    });
    expect(await decided([full, other])).toEqual({ decided: 2, passedOver: [] });
    const givenUp = { outcome: 'given_up', pendingId: full.writeId, at: NOON };
    const [first, second] = [await tables.record(k), await tables.record(l)];
    expect([first, second]).toMatchObject([givenUp, givenUp]);
    expect(first?.['writeId']).toBe(second?.['writeId']);
    expect(await tables.record('credit:m')).toMatchObject({ outcome: 'rejected' });
  });
  it('is given up also where the answer to that is lost', async () => {
    tables.writes.push(answerLost);
    expect(await decided([full])).toEqual({ decided: 1, passedOver: [] });
    expect(await tables.record(l)).toMatchObject({ outcome: 'given_up' });
  });
  it.each([
    ['throttled', 'ThrottlingException'],
    ['unavailable', 'TransactionConflictException'],
  ])('is still pending where that cannot be written: %s', async (reason, name) => {
    tables.writes.push(fails(name));
    await expect(decided([full], 20)).rejects.toMatchObject({ code: 'store_unavailable', reason });
    expect(await tables.record(k)).toMatchObject({ outcome: 'pending' });
  });
  it('is still pending where the time is up before that', async () => {
    // Its records are asked first.
    tables.records.push((send) => {
      tables.pass(1_000);
      return send();
    });
    await expect(decided([full])).rejects.toMatchObject({ reason: 'unavailable' });
    expect(await tables.record(k)).toMatchObject({ outcome: 'pending' });
    expect(tables.operations).not.toContain('TransactWriteItems');
  });
});

/** Plants a snapshot that has no room for another reservation. */
const fill = async () => {
  const tail = await tables.rival.load(a);
  if (!tail.account) throw new Error('it is open');
  const reservation = {
    ...{ transferId: 't'.repeat(64), to: 'b'.repeat(64), amount: 1, version: 2, at: NOON },
  };
  const next = plantedCommit(
    tail,
    'w',
    [{ commandId: 'c', events: [deposited(1)] }],
    tables.clock(),
  );
  if (next === 'too_large') throw new Error('it is small');
  const reservations = Array(2_500).fill(reservation);
  await tables.putCommit({ ...next.item, state: { ...next.tail.account, reservations } });
};

describe('pending commands that cannot be decided', () => {
  let pending: readonly PendingCommand[];
  beforeEach(async () => {
    pending = [await tables.leavePending(deposit(5, k)), await tables.leavePending(deposit(6, l))];
  });

  it.each([
    ['throttled', 'ThrottlingException'],
    ['unavailable', 'TransactionConflictException'],
    ['unavailable', 'TimeoutError'],
  ])('in time are still pending: %s', async (reason, name) => {
    tables.writes.push(fails(name));
    await expect(decided(pending, 20)).rejects.toMatchObject({
      code: 'store_unavailable',
      reason,
    });
    expect(await tables.record(k)).toMatchObject({ outcome: 'pending' });
  });
  it('as a record of theirs cannot be read are passed over, and the others decided', async () => {
    await tables.put({ key: k, schema: 99 });
    const { decided: count, passedOver } = await decided(pending);
    expect(count).toBe(1);
    expect(passedOver).toEqual([{ keys: [k], cause: expect.any(Error) }]);
    expect(await balance()).toBe(1_006);
  });
  it('as their stream cannot be read are passed over', async () => {
    await tables.putCommit({ streamId: 'a', version: 3, of: 'other code' });
    const { decided: count, passedOver } = await decided(pending);
    expect(count).toBe(0);
    expect(passedOver.map(({ keys }) => keys)).toEqual([[k], [l]]);
    expect(passedOver.map(({ cause }) => String(cause))).toEqual(
      Array(2).fill(expect.stringContaining('not a commit')),
    );
  });
  it('as a right is missing are tried another time, and one that can be is decided', async () => {
    const denied = fails('AccessDeniedException', { $fault: 'client' });
    tables.writes.push(denied, denied);
    await expect(decided(pending)).rejects.toMatchObject({ name: 'AccessDeniedException' });
    expect(await tables.record(k)).toMatchObject({ outcome: 'pending' });
    expect(await balance()).toBe(1_006);
  });
});
