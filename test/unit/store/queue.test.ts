import { beforeEach, describe, expect, it, vi } from 'vitest';
import { AccountId, Timestamp, Version } from '../../../events/values.ts';
import type {
  CommandRequest,
  CommandResult,
} from '../../../functions/store/deciding/command-result.ts';
import { type Submission, submissionOf } from '../../../functions/store/deciding/plan.ts';
import { pendingOutcome, queue } from '../../../functions/store/queueing/queue.ts';
import {
  fingerprint,
  PendingCommand,
  readRecord,
} from '../../../functions/store/writing/command-record.ts';
import type { RecordKey } from '../../../functions/store/writing/record-key.ts';
import { requests } from '../../../testing/ledger-requests.ts';
import { NOON } from '../ledger/given.ts';
import {
  answerLost,
  createFundedTables,
  deposit,
  fails,
  named,
  type TablesInMemory,
} from './tables-in-memory.ts';

const a = AccountId.parse('a');
const k: RecordKey = 'command:k';
const l: RecordKey = 'command:l';

let tables: TablesInMemory;

beforeEach(async () => {
  tables = await createFundedTables();
});

const submitted = (request: CommandRequest): Submission =>
  submissionOf({ newId: () => 'made-up' }, request);
/** What the sender of a command hears that queues. */
const queued = (
  request: CommandRequest,
  { timeLeft = 1_000, elsewhere = request.elsewhere } = {},
) => queue(tables.dependencies, submitted(request), tables.clock() + timeLeft, elsewhere);
const balance = async () => (await tables.rival.load(a)).account?.balance;
/** Somebody decides what is pending under a key. */
const decide = async (key: RecordKey, ...others: PendingCommand[]) => {
  const pending = PendingCommand.parse(await tables.record(key));
  await tables.rival.decidePending(a, [pending, ...others]);
};
const write = 'TransactWriteItems';
const undecided = (reason: string) => ({ outcome: 'undecided', reason });
const accepted = (replayed: boolean) => ({ outcome: 'accepted', version: 3, replayed });
/** A command that was given up, by its record under `k`. */
const giveUp = (pending: PendingCommand, writeId: string) =>
  tables.put({ ...pending, key: k, outcome: 'given_up', writeId, pendingId: pending.writeId });

describe('a command that queues', () => {
  it('claims all its keys and a place, together, and is pending where nobody decides it in time', async () => {
    tables.pass(1);
    const at = '2026-11-21T12:00:00.001Z';
    const request = deposit(5, k, l);
    expect(await queued(request, { timeLeft: 90 })).toEqual({ outcome: 'pending', key: k });
    const pending = {
      accountId: 'a',
      schema: 1,
      commandSchema: 2,
      fingerprint: fingerprint(request.command),
      writeId: 'own-1',
      at,
      keys: [k, l],
      command: request.command,
      actor: 'alice',
      correlationId: request.correlationId,
    };
    const place = `${at}#own-1`;
    expect(await tables.record(k)).toEqual({ ...pending, key: k, outcome: 'pending' });
    expect(await tables.record(l)).toEqual({ ...pending, key: l, outcome: 'pending' });
    // Two days, in whole seconds, and the millisecond after noon counts for one.
    const expiresAt = Date.parse(NOON) / 1_000 + 48 * 3_600 + 1;
    expect(await tables.queued('a', place)).toEqual({ ...pending, place, expiresAt });
    expect(tables.operations).toEqual([write]);
  });
  it('without a key is pending under an id of its own', async () => {
    const key = 'command:made-up';
    expect(await queued(deposit(5), { timeLeft: 50 })).toEqual({ outcome: 'pending', key });
    expect(await tables.record(key)).toMatchObject({ outcome: 'pending', keys: [key] });
  });
  it('is not sent where the time is up', async () => {
    expect(await queued(deposit(5, k), { timeLeft: 0 })).toEqual(undecided('unavailable'));
    expect(tables.operations).toEqual([]);
  });
  it.each([
    ['contention', 'TransactionConflictException'],
    ['throttled', 'ThrottlingException'],
    ['unavailable', 'InvalidSignatureException'],
    ['unknown', 'TimeoutError'],
  ])('is undecided where it cannot be written: %s', async (reason, name) => {
    tables.writes.push(fails(name));
    expect(await queued(deposit(5, k), { timeLeft: 20 })).toEqual(undecided(reason));
  });
});

describe('whoever waits for a queued command', () => {
  it('looks a little after it is expected, then after half of that or a quarter of the time waited', async () => {
    await queued(deposit(5, k), { timeLeft: 60 * 1.6 + 4 * 30 });
    expect(tables.waits).toEqual([96, 30, 31.5, 39.375]);
    expect(tables.operations).toEqual([write, 'GetItem', 'GetItem', 'GetItem', 'GetItem']);
  });
  it('looks less often the longer it waits, some thirty times in eight seconds', async () => {
    const fail = fails('SomethingElse');
    tables.writes.push((send) => send(), fail, fail, fail);
    expect(await queued(deposit(5, k), { timeLeft: 8_000 })).toMatchObject({ outcome: 'pending' });
    expect(tables.operations.filter((operation) => operation === 'GetItem').length).toBeLessThan(
      40,
    );
    expect(Math.max(...tables.waits)).toBe(500);
  });
  it('hears its outcome, and remembers how many met and how long it took', async () => {
    const other = await tables.leavePending(deposit(1, l));
    tables.meanwhile.push(() => decide(k, other));
    expect(await queued(deposit(5, k))).toEqual({
      ...accepted(false),
      at: '2026-11-21T12:00:00.096Z',
      answer: expect.objectContaining({ balanceAfter: 1_005 }),
    });
    expect(tables.met.mock.calls).toEqual([['a', 2]]);
    expect(tables.took.mock.calls).toEqual([[96]]);
  });
  it('hears a rejection, and remembers that it was alone', async () => {
    tables.meanwhile.push(() => decide(k));
    const request = { ...requests.withdraw('a', 2_000), keys: [k] };
    expect(await queued(request)).toMatchObject({
      outcome: 'rejected',
      rejection: { available: 1_000 },
      replayed: false,
    });
    expect(tables.met.mock.calls).toEqual([['a', 1]]);
    expect(tables.operations).toEqual([write, 'GetItem']);
  });
  it('hears that it was given up', async () => {
    tables.meanwhile.push(async () => giveUp(PendingCommand.parse(await tables.record(k)), 'w'));
    expect(await queued(deposit(5, k))).toEqual(undecided('commit_too_large'));
  });
  it('hears nothing of a record that other code has written', async () => {
    tables.meanwhile.push(() => tables.put({ key: k, schema: 99 }));
    expect(await queued(deposit(5, k))).toEqual(undecided('record_unreadable'));
  });
  it('hears that it is pending where its record cannot be looked at in time, and does not look again', async () => {
    tables.records.push(fails('TimeoutError'), fails('TimeoutError'));
    expect(await queued(deposit(5, k), { timeLeft: 150 })).toEqual({ outcome: 'pending', key: k });
    // There is no time for the wait before a third try, though there is for one before a look.
    expect(tables.waits).toEqual([96, 20]);
    expect(tables.operations).toEqual([write, 'GetItem', 'GetItem']);
  });
  it('fails where it may not look', async () => {
    tables.records.push(fails('AccessDeniedException'));
    await expect(queued(deposit(5, k))).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });

  describe('and has waited for two seconds,', () => {
    /** The first look, at once after two seconds. */
    const elsewhere = () => ({ expectedAt: tables.clock() + 2_000, look: async () => undefined });

    it('decides it itself, and looks again at once', async () => {
      const request = { ...deposit(5, k), elsewhere: elsewhere() };
      expect(await queued(request, { timeLeft: 9_000 })).toMatchObject(accepted(false));
      expect(tables.waits).toEqual([2_000, 0]);
      expect(tables.operations).toEqual([write, 'GetItem', 'Query', write, 'GetItem']);
    });
    it('does not before', async () => {
      const request = { ...deposit(5, k), elsewhere: elsewhere() };
      request.elsewhere.expectedAt -= 1;
      await queued(request, { timeLeft: 9_000 });
      expect(tables.waits).toEqual([1_999, 1, 0]);
    });
    it('does so though it was expected, or its end was, to take longer', async () => {
      const request = { ...deposit(5, k), elsewhere: elsewhere() };
      request.elsewhere.expectedAt += 5_000;
      expect(await queued(request, { timeLeft: 9_000 })).toMatchObject(accepted(false));
      expect(tables.waits).toEqual([2_000, 0]);
    });
    it('is pending where that fails, and looks until the time is up', async () => {
      tables.writes.push((send) => send(), fails('SomethingElse'));
      const request = { ...deposit(5, k), elsewhere: elsewhere() };
      const heard = await queued(request, { timeLeft: 3_100 });
      expect(heard).toEqual({ outcome: 'pending', key: k });
      expect(tables.waits).toEqual([2_000, 0, 500, 500]);
      expect(tables.operations.filter((operation) => operation === 'Query')).toHaveLength(1);
    });
    it('gives way where others are at work on the account, and tries again after two seconds more', async () => {
      const lose: (typeof tables.writes)[number] = async (send) => {
        await tables.rival.execute(deposit(1));
        return send();
      };
      tables.writes.push((send) => send(), lose, lose, lose);
      const request = { ...deposit(5, k), elsewhere: elsewhere() };
      const heard = await queued(request, { timeLeft: 9_000 });
      expect(heard).toMatchObject({ outcome: 'accepted', version: 6, replayed: false });
      const writes = tables.operations.filter((operation) => operation === write);
      // Its place in the queue, three races lost, and one that was won.
      expect(writes).toHaveLength(1 + 3 + 1);
      expect(tables.waits.reduce((sum, wait) => sum + wait)).toBeGreaterThanOrEqual(4_000);
    });
    it('does not try again what will fail again: its account cannot be read by this code', async () => {
      await tables.putCommit({ streamId: 'a', version: 3, of: 'other code' });
      const request = { ...deposit(5, k), elsewhere: elsewhere() };
      const heard = await queued(request, { timeLeft: 7_000 });
      expect(heard).toEqual({ outcome: 'pending', key: k });
      expect(tables.operations.filter((operation) => operation === 'Query')).toHaveLength(1);
    });
    it('hears that it is pending where that cannot be written in time', async () => {
      tables.writes.push((send) => send(), fails('ThrottlingException'));
      const request = { ...deposit(5, k), elsewhere: elsewhere() };
      const heard = await queued(request, { timeLeft: 2_010 });
      expect(heard).toEqual({ outcome: 'pending', key: k });
    });
    it('fails where it may not', async () => {
      tables.writes.push((send) => send(), fails('AccessDeniedException', { $fault: 'client' }));
      const request = { ...deposit(5, k), elsewhere: elsewhere() };
      await expect(queued(request, { timeLeft: 9_000 })).rejects.toMatchObject({
        name: 'AccessDeniedException',
      });
    });
  });

  describe('where it shows elsewhere too', () => {
    const shown: CommandResult = {
      outcome: 'accepted',
      version: Version.parse(9),
      at: Timestamp.parse(NOON),
      replayed: false,
    };

    it('looks there when it is expected, and nowhere else', async () => {
      const elsewhere = { expectedAt: tables.clock() + 400, look: vi.fn(async () => shown) };
      expect(await queued({ ...deposit(5, k), elsewhere })).toEqual(shown);
      expect(tables.waits).toEqual([400]);
      expect(tables.operations).toEqual([write]);
    });
    it('looks there no earlier than it is expected anywhere', async () => {
      const elsewhere = { expectedAt: tables.clock() + 1, look: vi.fn(async () => shown) };
      expect(await queued({ ...deposit(5, k), elsewhere })).toEqual(shown);
      expect(tables.waits).toEqual([96]);
    });
    it('looks at its record where it does not show there', async () => {
      const elsewhere = { expectedAt: 0, look: vi.fn(async () => undefined) };
      tables.meanwhile.push(() => decide(k));
      expect(await queued({ ...deposit(5, k), elsewhere })).toMatchObject(accepted(false));
      expect(elsewhere.look).toHaveBeenCalledOnce();
    });
  });
});

describe('a command under whose key stands', () => {
  it('its outcome already hears it as a repeat, and all its keys have it', async () => {
    await tables.rival.execute(deposit(5, k));
    expect(await queued(deposit(5, k, l))).toMatchObject(accepted(true));
    expect(await tables.record(l)).toMatchObject({ outcome: 'accepted', version: 3 });
    expect(tables.waits).toEqual([]);
  });
  it('its outcome, as another call queued it, hears it as a repeat, and all its keys have it', async () => {
    await tables.leavePending(deposit(5, k));
    await decide(k);
    expect(await queued(deposit(5, k, l))).toMatchObject(accepted(true));
    expect(await tables.record(l)).toMatchObject({ outcome: 'accepted', version: 3 });
  });
  it('its rejection already hears it as a repeat', async () => {
    const request = { ...requests.withdraw('a', 2_000), keys: [k] };
    await tables.rival.execute(request);
    expect(await queued(request)).toMatchObject({ outcome: 'rejected', replayed: true });
  });
  it('its outcome, and under another what cannot be claimed, hears that', async () => {
    await tables.rival.execute(deposit(5, k));
    tables.writes.push((send) => send(), fails('ThrottlingException'));
    expect(await queued(deposit(5, k, l), { timeLeft: 20 })).toEqual(undecided('throttled'));
  });
  it('another command does nothing', async () => {
    await tables.rival.execute(deposit(6, k));
    expect(await queued(deposit(5, k, l))).toEqual({ outcome: 'key_reused' });
    expect(await tables.record(l)).toBeUndefined();
    expect(await balance()).toBe(1_006);
  });
  it('what other code has written is undecided', async () => {
    await tables.put({ key: k, schema: 99 });
    expect(await queued(deposit(5, k, l))).toEqual(undecided('record_unreadable'));
    expect(await tables.record(l)).toBeUndefined();
  });
  it('that it was given up takes its place in the queue once more', async () => {
    const old = await tables.leavePending(deposit(5, k));
    await giveUp(old, 'gone');
    tables.meanwhile.push(() => decide(k));
    expect(await queued(deposit(5, k, l))).toMatchObject(accepted(false));
    expect(await tables.record(k)).toMatchObject({ outcome: 'accepted', pendingId: 'own-2' });
    expect(tables.operations).toEqual([write, write, 'GetItem']);
  });
  it('that it was given up is undecided where the time is up by then', async () => {
    await giveUp(await tables.leavePending(deposit(5, k)), 'gone');
    tables.writes.push((send) => {
      tables.pass(1_000);
      return send();
    });
    expect(await queued(deposit(5, k))).toEqual(undecided('contention'));
    expect(tables.operations).toEqual([write]);
  });
  it('that it is pending is a repeat of that one', async () => {
    await tables.leavePending(deposit(5, k));
    tables.meanwhile.push(() => decide(k));
    expect(await queued(deposit(5, k, l))).toMatchObject(accepted(true));
    expect(await balance()).toBe(1_005);
  });
});

describe('a command that was queued without hearing so', () => {
  it('is this call’s own: it is waited for, and is no replay', async () => {
    tables.writes.push(answerLost);
    tables.meanwhile.push(
      async () => {},
      () => decide(k),
    );
    expect(await queued(deposit(5, k))).toMatchObject(accepted(false));
    expect(tables.operations).toEqual([write, write, 'GetItem']);
  });
  it('is looked for elsewhere, too', async () => {
    tables.writes.push(answerLost);
    const elsewhere = { expectedAt: 0, look: vi.fn(async () => undefined) };
    await queued({ ...deposit(5, k), elsewhere }, { timeLeft: 120 });
    expect(elsewhere.look).toHaveBeenCalledOnce();
  });
  it.each([
    ['accepted', deposit(5, k, l)],
    ['rejected', { ...requests.withdraw('a', 2_000), keys: [k, l] }],
  ])('and is decided by now, is no replay: %s', async (outcome, request) => {
    tables.writes.push(async (send) => {
      await send();
      await decide(k);
      throw named('TimeoutError');
    });
    expect(await queued(request)).toMatchObject({ outcome, replayed: false });
    expect(tables.operations).toEqual([write, write]);
  });
  it('and was given up by now, is so for its sender', async () => {
    tables.writes.push(async (send) => {
      await send();
      await giveUp(PendingCommand.parse(await tables.record(k)), 'w');
      throw named('TimeoutError');
    });
    expect(await queued(deposit(5, k))).toEqual(undecided('commit_too_large'));
  });
});

describe('a command that is refused its place, where nothing is said of what stands under its keys,', () => {
  const refused = fails('TransactionCanceledException', {
    CancellationReasons: [{ Code: 'None' }, { Code: 'ConditionalCheckFailed' }, { Code: 'None' }],
  });

  it('hears what is read there', async () => {
    await tables.rival.execute(deposit(5, l));
    tables.writes.push(refused);
    expect(await queued(deposit(5, k, l))).toMatchObject(accepted(true));
    expect(tables.operations).toEqual([write, 'BatchGetItem', 'PutItem']);
  });
  it.each([
    ['contention', []],
    ['unknown', [fails('TimeoutError')]],
  ])('is undecided where nothing is found: %s', async (reason, before) => {
    tables.writes.push(...before, refused);
    expect(await queued(deposit(5, k, l))).toEqual(undecided(reason));
  });
  it.each([
    ['unavailable', []],
    ['unknown', [fails('TimeoutError')]],
  ])('is undecided where one of them cannot be read in time: %s', async (reason, before) => {
    tables.writes.push(...before, refused);
    const slow = fails('TimeoutError');
    tables.records.push(slow, slow, slow, slow);
    expect(await queued(deposit(5, k, l), { timeLeft: 60 })).toEqual(undecided(reason));
  });
  it('fails where they may not be read', async () => {
    tables.writes.push(refused);
    tables.records.push(fails('AccessDeniedException'));
    await expect(queued(deposit(5, k, l))).rejects.toMatchObject({
      name: 'AccessDeniedException',
    });
  });
});

describe('the repeat of a command that is pending', () => {
  let pending: PendingCommand;
  beforeEach(async () => {
    pending = await tables.leavePending(deposit(5, k));
  });
  /** What is heard of what stands under `k`, by a sender who has sent it under these keys. */
  const heard = (timeLeft: number, ...keys: RecordKey[]) => {
    const record = readRecord({ ...pending, key: k, outcome: 'pending' });
    if (record.outcome !== 'pending') throw new Error('it is pending');
    const submission = submitted(deposit(5, ...keys));
    return pendingOutcome(tables.dependencies, record, submission, tables.clock() + timeLeft);
  };

  it('is in progress where nobody decides it in time, and its keys belong to it', async () => {
    expect(await heard(110, k, l)).toEqual({ outcome: 'in_progress' });
    expect(await tables.record(l)).toMatchObject({ outcome: 'pending', keys: [k, l] });
    expect(tables.waits).toEqual([96]);
  });
  it('hears its outcome as a replay, which its further keys have, too', async () => {
    tables.meanwhile.push(() => decide(k));
    expect(await heard(1_000, k, l)).toMatchObject(accepted(true));
    expect(await tables.record(l)).toMatchObject({ outcome: 'accepted', version: 3 });
    expect(tables.operations).toEqual(['PutItem', 'GetItem', 'PutItem']);
  });
  const another = (key: RecordKey) =>
    tables.put({ ...pending, key, outcome: 'pending', fingerprint: 'another', writeId: 'w' });

  it('hears that its further key is another command’s, and does not wait', async () => {
    await another(l);
    expect(await heard(1_000, k, l)).toEqual({ outcome: 'key_reused' });
    expect(tables.waits).toEqual([]);
  });
  it('hears that its further key is another command’s, since it waits', async () => {
    tables.meanwhile.push(async () => {
      await decide(k);
      await another(l);
    });
    expect(await heard(1_000, k, l)).toEqual({ outcome: 'key_reused' });
  });
  it('decides it itself after a quarter of a second', async () => {
    expect(await heard(1_000, k)).toMatchObject(accepted(true));
    // It takes no longer than that, whenever the next look would have been.
    expect(tables.waits).toEqual([96, 30, 31.5, 39.375, 49.21875, 3.90625, 0]);
    expect(tables.operations.slice(-4)).toEqual(['GetItem', 'Query', write, 'GetItem']);
  });
});
