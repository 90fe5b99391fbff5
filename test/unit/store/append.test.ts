import { describe, expect, it } from 'vitest';
import type { AccountEvent } from '../../../events/event.ts';
import { AccountId, Caller, MinorUnits, Timestamp } from '../../../events/values.ts';
import { ACCOUNT_SCHEMA, type Account } from '../../../functions/ledger/account.ts';
import { nextCommit, timeOfNext, timestampOf } from '../../../functions/store/stream/append.ts';
import { jsonBytes, readCommit } from '../../../functions/store/stream/commit.ts';
import { itemSize } from '../../../functions/store/stream/item-size.ts';
import { emptyTail, type Tail } from '../../../functions/store/stream/tail.ts';
import { plantedCommit } from '../../../testing/planted-commit.ts';
import { credited, deposited, opened, reserved, settled, withdrawn } from '../ledger/facts.ts';
import { NOON, recorded } from '../ledger/given.ts';

const noon = Date.parse(NOON);
const accountId = AccountId.parse('a1');

/** The commit that one command's events make, and the stream after it. */
const commit = (tail: Tail, ...events: readonly AccountEvent[]) => {
  const next = plantedCommit(tail, `w${tail.version + 1}`, [{ commandId: 'c', events }], noon);
  if (next === 'too_large') throw new Error('the commit is too large');
  return next;
};

const streamOf = (...events: readonly AccountEvent[]): Tail =>
  commit(emptyTail(accountId), ...events).tail;

describe('the last guard before a commit is written', () => {
  const tail = streamOf(opened({ overdraftLimit: 5 }), deposited(100));
  const at = Timestamp.parse(NOON);
  const origin = { commandId: 'c', actor: Caller.parse('alice'), correlationId: 'k' };
  const spending = (amount: number, first = 3) => {
    const [event] = recorded([withdrawn(amount)], first);
    if (!event || !tail.account) throw new Error('the account is open');
    const account: Account = { ...tail.account, balance: MinorUnits.parse(100 - amount) };
    return { commands: [{ origin, events: [{ ...event, origin }] }], account, at };
  };

  it('lets all be spent that there is, and the overdraft', () =>
    expect(nextCommit(tail, 'w', spending(105))).toMatchObject({ item: { version: 3, count: 1 } }));
  it('refuses to spend more', () =>
    expect(() => nextCommit(tail, 'w', spending(106))).toThrow(
      'version 3 would spend more than there is',
    ));
  it.each([2, 4])('refuses an event that says it is version %i where 3 comes next', (version) =>
    expect(() => nextCommit(tail, 'w', spending(1, version))).toThrow(
      'the events after version 2 are not the next',
    ),
  );
  it('refuses a commit without an event', () =>
    expect(() => nextCommit(tail, 'w', { ...spending(1), commands: [] })).toThrow(
      'at least one event',
    ));
});

describe('a commit that is ready to be written', () => {
  it('is read back as what it says, and the stream after it is as it would be loaded', () => {
    const { item, tail } = commit(emptyTail(accountId), opened(), deposited(100));
    const read = readCommit(item);
    expect(read).toMatchObject({
      version: 1,
      count: 2,
      batch: 1,
      at: NOON,
      writeId: 'w1',
      snapshot: tail.account,
    });
    expect(tail).toStrictEqual({
      streamId: accountId,
      version: 2,
      account: read.snapshot,
      at: read.at,
      hash: read.hash,
      batch: 1,
      snapshots: read.snapshots,
      bytesSinceSnapshot: 0,
    });
  });
  it('names its one command in few words, and of several each with its events', () => {
    const one = { commandId: 'c1', events: [opened({ overdraftLimit: 1 })] };
    const two = { commandId: 'c2', events: [reserved('t1', 1), ...settled('t1', 1)] };
    const next = plantedCommit(emptyTail(accountId), 'w', [one, two], noon);
    expect(commit(emptyTail(accountId), opened()).item).toMatchObject({
      commandId: 'c',
      actor: 'alice',
    });
    expect(next).toMatchObject({
      tail: { batch: 2 },
      item: {
        commands: [
          { commandId: 'c1', count: 1 },
          { commandId: 'c2', count: 3 },
        ],
      },
    });
    expect(next).not.toHaveProperty('item.commandId');
  });
  it('says how many reservations it holds, where it holds any', () => {
    const { item, tail } = commit(
      emptyTail(accountId),
      opened({ overdraftLimit: 9 }),
      reserved('t1', 1),
    );
    expect(item).toMatchObject({ reserves: 1 });
    expect(commit(tail, reserved('t2', 1), reserved('t3', 1)).item).toMatchObject({ reserves: 2 });
    expect(commit(tail, deposited(1)).item).not.toHaveProperty('reserves');
  });
  it('does not store of an event what the commit says for all of them', () => {
    const { item } = commit(emptyTail(accountId), opened(), credited('t1', 5));
    expect(item).toMatchObject({ events: [opened(), credited('t1', 5)] });
    expect(item).not.toHaveProperty('events.0.version');
    expect(item).not.toHaveProperty('events.0.at');
    expect(item).not.toHaveProperty('events.0.origin');
  });
  it('is dated now, and never earlier than the one before it', () => {
    const tail = streamOf(opened());
    expect(timeOfNext([emptyTail(accountId)], noon)).toBe(NOON);
    expect(timeOfNext([tail], noon + 1)).toBe(timestampOf(noon + 1));
    expect(timeOfNext([tail], noon - 1)).toBe(NOON);
    expect(timeOfNext([emptyTail(accountId), tail], noon - 1)).toBe(NOON);
  });
});

describe('an account that grows', () => {
  const reference = 'r'.repeat(140);
  const some = (count: number, from = 0) =>
    Array.from({ length: count }, (_, n) => reserved(`t${from + n}`, 1, { reference }));
  const rich = opened({ overdraftLimit: 1_000_000 });

  it('carries its snapshot in every commit up to a size, and then once the events since the last are as large', () => {
    let tail = streamOf(rich);
    let since = 0;
    const sizes: number[] = [];
    for (let n = 0; n < 120; n += 1) {
      const next = commit(tail, ...(n < 20 ? some(1, n) : [deposited(1, { reference })]));
      const size = jsonBytes(next.tail.account);
      since += readCommit(next.item).eventBytes;
      const rides = size <= 1_024 || since >= size;
      expect('state' in next.item, `commit ${n}, of ${size} bytes, ${since} since`).toBe(rides);
      if (rides) since = 0;
      if (rides && size > 1_024) sizes.push(size);
      expect(next.tail.bytesSinceSnapshot).toBe(since);
      expect(next.tail.snapshots).toEqual(
        rides ? { [ACCOUNT_SCHEMA]: next.item.version } : tail.snapshots,
      );
      tail = next.tail;
    }
    // It has come back more than once, each time after about as much again.
    expect(sizes.length).toBeGreaterThan(1);
  });

  it('keeps where the snapshots of other schemas are', () => {
    const grown = streamOf(rich);
    const { tail } = commit({ ...grown, snapshots: { [ACCOUNT_SCHEMA]: 1, 7: 1 } }, deposited(1));
    expect(tail.snapshots).toEqual({ [ACCOUNT_SCHEMA]: 2, 7: 1 });
  });

  describe('until it is full', () => {
    /** As many reservations as there is room for, the last ones one by one. */
    const full = (): Tail => {
      let tail = streamOf(rich);
      let step = 200;
      for (let n = 0; ; ) {
        const next = plantedCommit(tail, 'w', [{ commandId: 'c', events: some(step, n) }], noon);
        if (next !== 'too_large') {
          n += step;
          tail = next.tail;
        } else if (step > 1) step = Math.floor(step / 2);
        else return tail;
      }
    };

    it('takes a reservation while its commit is within 370,000 bytes, snapshot included, and none beyond', () => {
      const tail = full();
      const size = itemSize({ state: tail.account });
      expect(size).toBeGreaterThan(368_000);
      expect(size).toBeLessThan(370_000);
    });
    it('takes no more reservations, and is paid into all the same', () => {
      const tail = full();
      const planted = (events: AccountEvent[]) =>
        plantedCommit(tail, 'w', [{ commandId: 'c', events }], noon);
      expect(planted(some(1, 10_000))).toBe('too_large');
      expect(planted([deposited(1), ...some(1, 10_000)])).toBe('too_large');
      const deposits = Array.from({ length: 150 }, () => deposited(1));
      expect(planted(deposits)).toMatchObject({ item: { count: 150 } });
    });
    it('can end every reservation, thirty in a commit', () => {
      let now = full();
      const open = now.account?.reservations ?? [];
      for (let n = 0; n < open.length; n += 30) {
        const events = open
          .slice(n, n + 30)
          .flatMap(({ transferId, amount }) => settled(transferId, amount, { reference }));
        now = commit(now, ...events).tail;
      }
      expect(now.account).toMatchObject({ reserved: 0, balance: -open.length, reservations: [] });
    });
    it('is not written at all beyond 390,000 bytes', () => {
      const tail = full();
      const planted = (deposits: number) => {
        const events = Array.from({ length: deposits }, () => deposited(1, { reference }));
        return plantedCommit(tail, 'w', [{ commandId: 'c', events }], noon);
      };
      let most = 0;
      while (planted(most + 1) !== 'too_large') most += 1;
      const largest = planted(most);
      const size = largest === 'too_large' ? 0 : itemSize({ ...largest.item, state: tail.account });
      expect(size).toBeGreaterThan(389_500);
      expect(size).toBeLessThanOrEqual(390_000);
    });
  });
});
