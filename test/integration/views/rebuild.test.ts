import { DeleteCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { AccountId, Timestamp, TransferId } from '../../../events/values.ts';
import { createHandler as createRecovery } from '../../../functions/transfers/recover-transfers.ts';
import { seed } from '../../setup/seed.ts';
import { anyHistory } from '../../unit/projections/any-history.ts';
import { expectedViews } from '../../unit/projections/expected-views.ts';
import { recordedTelemetry } from '../../unit/runtime/recorded-telemetry.ts';
import {
  all,
  createProjectedLedger,
  credit,
  deposit,
  open,
  type ProjectedLedger,
  release,
  reserve,
  settle,
} from './projected-ledger.ts';

const LATER = Timestamp.parse('2027-01-01T00:00:00.000Z');

const openIds = async ({ views }: ProjectedLedger) =>
  (await all(views.openTransfers({ before: LATER }, () => {})))
    .map(({ transferId, from }) => `${transferId} ${from}`)
    .sort();

/** Rebuilds everything, in two segments, as npm run rebuild does. */
const rebuildAll = async ({ rebuild }: ProjectedLedger, more: { diff?: boolean } = {}) => {
  const total = { missing: 0, different: 0, extra: 0, unreadable: 0 };
  for (const phase of ['rows', 'streams']) {
    for (const segment of [0, 1]) {
      let input: object | undefined = { phase, segment, segments: 2, ...more };
      while (input) {
        const done: Awaited<ReturnType<ProjectedLedger['rebuild']>> = await rebuild(input);
        for (const kind of ['missing', 'different', 'extra', 'unreadable'] as const)
          total[kind] += done[kind];
        input = done.next;
      }
    }
  }
  return total;
};

const NO_DIFFERENCE = { missing: 0, different: 0, extra: 0, unreadable: 0 };
const byKey = (items: readonly Record<string, unknown>[]) =>
  items.toSorted((a, b) => (`${a['pk']} ${a['sk']}` < `${b['pk']} ${b['sk']}` ? -1 : 1));

it(`views of any history come back as they were, whatever of them was lost or spoiled (seed ${seed})`, async () => {
  await fc.assert(
    fc.asyncProperty(anyHistory(), fc.infiniteStream(fc.nat(7)), async (ledger, random) => {
      const projected = await createProjectedLedger(ledger);
      await projected.plant(ledger.committed);
      await projected.project(ledger.committed);
      expect(await rebuildAll(projected, { diff: true })).toEqual(NO_DIFFERENCE);
      const before = byKey(await projected.items());
      const numbers = random[Symbol.iterator]();
      let touched = 0;
      for (const { pk, sk } of before) {
        const key = { pk: String(pk), sk: String(sk) };
        const fate = Number(numbers.next().value);
        if (fate > 4) continue;
        touched += 1;
        if (fate === 0) await projected.remove(key);
        if (fate === 1) await projected.spoil(key, { schema: 1 });
        if (fate === 2) await projected.spoil(key, { from: 'nobody', owner: 'nobody' });
        if (fate === 3)
          await projected.spoil(key, { settled: { accountId: 'a', version: 1, at: LATER } });
        if (fate === 4) await projected.spoil(key, { amount: 'five', openedAt: 5, version: 0 });
      }
      const { missing, different, extra } = await rebuildAll(projected, { diff: true });
      // An attribute that a kind of row does not have changes nothing in it.
      expect(missing + different + extra).toBeLessThanOrEqual(2 * touched);
      await rebuildAll(projected);
      expect(await rebuildAll(projected, { diff: true })).toEqual(NO_DIFFERENCE);
      expect(await projected.contents()).toEqual(
        expectedViews(ledger.committed.map(({ commit }) => commit)),
      );
    }),
    { numRuns: 4, seed, endOnFailure: true },
  );
}, 60_000);

describe('the views of a small ledger', () => {
  let projected: ProjectedLedger;
  const transfer = { pk: 'transfer#t1', sk: 'from#a' };

  /** A transfer of each fate. */
  beforeEach(async () => {
    projected = await createProjectedLedger();
    const { ledger } = projected;
    for (const accountId of ['a', 'b']) ledger.commit(open(accountId), deposit(accountId, 1_000));
    for (const id of ['t1', 't2', 't3', 't4']) ledger.commit(reserve('a', 'b', id));
    ledger.commit(credit('b', 'a', 't1'));
    ledger.commit(settle('a', 't1'));
    ledger.commit(release('a', 't2'));
    ledger.commit(credit('b', 'a', 't3'));
    ledger.transferAtOnce('t5', 'b', 'a', 7);
    await projected.plant(ledger.committed);
    await projected.project(ledger.committed);
  });

  const rows = async () => byKey(await projected.items());

  it('are made from nothing', async () => {
    const before = await rows();
    await projected.throwAway();
    expect(await rebuildAll(projected, { diff: true })).toMatchObject({ different: 0, extra: 0 });
    expect(await rows()).toEqual([]);
    const { missing } = await rebuildAll(projected);
    expect(missing).toBeGreaterThan(0);
    expect(await rows()).toEqual(before);
  });

  it('are written to only where they differ, and by a comparison never', async () => {
    const before = await rows();
    projected.requests();
    await rebuildAll(projected);
    await projected.remove(transfer);
    await rebuildAll(projected, { diff: true });
    expect(projected.requests().filter((name) => /Write|Update|Put/.test(name))).toEqual([]);
    await rebuildAll(projected);
    expect(await rows()).toEqual(before);
  });

  it.each([
    ['of a transfer that is in no stream', { pk: 'transfer#no', sk: 'from#a' }],
    ['of an account that was never opened', { pk: 'account#no', sk: 'account' }],
    ['of a kind that there is not any more', { pk: 'account#a', sk: 'summary' }],
    ['that points to nothing', { pk: 'account#a', sk: `transfer#${LATER}#t1#a` }],
  ])('have no row %s afterwards', async (_, key) => {
    const before = await rows();
    await projected.spoil(key, {
      ...{ schema: 3, accountId: 'no', owner: 'alice', openedAt: LATER, transferId: 't1' },
      ...{ from: 'a', version: 3, reserved: { accountId: 'a', version: 3, at: LATER } },
    });
    expect(await rebuildAll(projected, { diff: true })).toMatchObject({ extra: 1 });
    await rebuildAll(projected);
    expect(await rows()).toEqual(before);
  });

  it.each([
    ['a step too many', { credited: { accountId: 'b', version: 3, at: LATER } }],
    ['an end that was another’s', { released: { accountId: 'a', version: 8, at: LATER } }],
    ['a sum that was never moved', { amount: 11 }],
    ['a sum that is none', { amount: 'ten' }],
    ['a source that it has not', { from: 'nobody' }],
    ['a version of before', { schema: 1 }],
    ['no way to be found open', { openShard: undefined, openSince: undefined }],
    ['a way by which it is not found open', { openShard: 'open#nine' }],
    ['another time since when it is open', { openSince: LATER }],
  ])('have no row with %s afterwards', async (_, wrong) => {
    const before = await rows();
    await projected.spoil({ pk: 'transfer#t4', sk: 'from#a' }, wrong);
    const { different, extra } = await rebuildAll(projected, { diff: true });
    expect(different + extra).toBeGreaterThan(0);
    await rebuildAll(projected);
    expect(await rows()).toEqual(before);
    expect(await openIds(projected)).toEqual(['t3 a', 't4 a']);
  });

  it('have no way to be found open other than their own, by what the streams say too', async () => {
    await projected.spoil({ pk: 'transfer#t4', sk: 'from#a' }, { openSince: LATER });
    const streams = { phase: 'streams', segment: 0, segments: 1 };
    expect(await projected.rebuild({ ...streams, diff: true })).toMatchObject({ different: 1 });
    await projected.rebuild(streams);
    expect(await rebuildAll(projected, { diff: true })).toEqual(NO_DIFFERENCE);
  });

  it('are replaced in one write, and again where a step came in between', async () => {
    const before = await rows();
    const key = { pk: 'transfer#t3', sk: 'from#a' };
    const settled = projected.ledger.commit(settle('a', 't3'));
    if (!settled) throw new Error('it was credited');
    await projected.plant([settled]);
    await projected.spoil(key, { schema: 1 });
    const seen: string[] = [];
    const rebuild = projected.rebuilding({
      before: async (command) => {
        const name = command instanceof PutCommand ? 'put' : 'other';
        if (command instanceof DeleteCommand || name === 'put') {
          if (seen.length === 0) await projected.elsewhere().project([settled]);
          seen.push(name);
        }
      },
    });
    await rebuild({ phase: 'rows', segment: 0, segments: 1 });
    expect(seen).toEqual(['put', 'put']);
    const row = (await rows()).find(({ pk }) => pk === key.pk);
    expect(row).toMatchObject({ schema: 3, settled: { version: settled.commit.version + 1 } });
    expect(row).not.toHaveProperty('openShard');
    expect(await rows()).toHaveLength(before.length);
    expect(await rebuildAll(projected, { diff: true })).toEqual(NO_DIFFERENCE);
  });

  it('are not open in the index once they have ended', async () => {
    const before = await rows();
    await projected.spoil(transfer, { openShard: 'open#0', openSince: LATER });
    expect(await rebuildAll(projected, { diff: true })).toMatchObject({ different: 2 });
    await rebuildAll(projected);
    expect(await rows()).toEqual(before);
  });

  it('keep the rows of later code as they are', async () => {
    await projected.spoil(transfer, { schema: 4, amount: { minor: 10 } });
    const before = await rows();
    expect(await rebuildAll(projected, { diff: true })).toEqual(NO_DIFFERENCE);
    await rebuildAll(projected);
    expect(await rows()).toEqual(before);
  });

  it('are made for some accounts alone, with what the others did to their transfers', async () => {
    const before = await rows();
    const ofB = before.filter(({ pk }) => pk === 'account#b').map(({ sk }) => sk);
    for (const { pk, sk } of before) await projected.remove({ pk: String(pk), sk: String(sk) });
    const done = await projected.rebuild({ accounts: ['b'] });
    expect(done.next).toBeUndefined();
    const made = await rows();
    // What it sent, its own row and what it was sent, from the streams of those who sent it. What
    // has not been credited is in no row and in no event of it.
    const whole = ['t1', 't3', 't5'];
    const leadsTo = ({ pk, sk }: Record<string, unknown>) =>
      whole.some((id) => pk === `transfer#${id}` || String(sk).includes(`#${id}#`));
    expect(made).toEqual(
      before.filter(
        (row) => leadsTo(row) || (row['pk'] === 'account#b' && row['sk'] === 'account'),
      ),
    );
    await projected.rebuild({ accounts: ['a'] });
    expect(await rows()).toEqual(before);
    expect(ofB).toHaveLength(6);
  });

  it('lose no step of another account where a row of one is made anew', async () => {
    const before = await rows();
    await projected.spoil({ pk: 'transfer#t3', sk: 'from#a' }, { amount: 'ten' });
    await projected.spoil(transfer, { schema: 1 });
    await projected.rebuild({ accounts: ['a'] });
    expect(await rows()).toEqual(before);
  });

  it('go on where a call stopped, in the middle of an account too', async () => {
    const { ledger } = projected;
    const { length } = ledger.committed;
    for (let n = 0; n < 410; n += 1) ledger.commit(reserve('a', 'b', `more${n}`, 1));
    await projected.plant(ledger.committed.slice(length));
    const hurried = projected.rebuilding({ budget: -1 });
    const inputs: unknown[] = [];
    let input: object | undefined = { accounts: ['a', 'b'] };
    while (input) {
      inputs.push(input);
      input = (await hurried(input)).next;
    }
    expect(inputs.slice(0, 5)).toEqual([
      { accounts: ['a', 'b'] },
      { accounts: ['a', 'b'], from: 1 },
      { accounts: ['a', 'b'], from: 203 },
      { accounts: ['a', 'b'], from: 403 },
      { accounts: ['b'] },
    ]);
    expect(inputs.length).toBeLessThan(20);
    expect(await rebuildAll(projected, { diff: true })).toEqual(NO_DIFFERENCE);

    await projected.throwAway();
    let calls = 0;
    for (const phase of ['rows', 'streams']) {
      let segment: object | undefined = { phase, segment: 0, segments: 1 };
      for (; segment; calls += 1) segment = (await hurried(segment)).next;
    }
    expect(calls).toBeGreaterThan(3);
    expect(await rebuildAll(projected, { diff: true })).toEqual(NO_DIFFERENCE);
  }, 60_000);

  it('show no transfer open that ended long ago, at no time while they are made from nothing', async () => {
    const { ledger } = projected;
    const { length } = ledger.committed;
    for (let n = 0; n < 250; n += 1) ledger.commit(reserve('a', 'b', `old${n}`, 1));
    for (let n = 0; n < 250; n += 1) {
      ledger.commit(credit('b', 'a', `old${n}`, 1));
      ledger.commit(settle('a', `old${n}`));
    }
    await projected.plant(ledger.committed.slice(length));
    await projected.throwAway();
    const hurried = projected.rebuilding({ budget: -1 });
    let calls = 0;
    let input: object | undefined = { phase: 'streams', segment: 0, segments: 1 };
    for (; input; calls += 1) {
      input = (await hurried(input)).next;
      const open = await openIds(projected);
      expect(open.filter((id) => id.startsWith('old'))).toEqual([]);
    }
    expect(calls).toBeGreaterThan(3);
    expect(await openIds(projected)).toEqual(['t3 a', 't4 a']);
    expect(await rebuildAll(projected, { diff: true })).toEqual(NO_DIFFERENCE);
  }, 60_000);

  it('are made around a commit that cannot be read, which is counted', async () => {
    const before = await rows();
    const spoiled = projected.ledger.committed[2];
    await projected.spoilCommit(spoiled, { events: [{ type: 'MoneyBurnt', v: 1, data: {} }] });
    await projected.remove({ pk: 'transfer#t2', sk: 'from#a' });
    const { unreadable } = await rebuildAll(projected);
    expect(unreadable).toBeGreaterThan(0);
    // The row of what cannot be read stays as it is.
    expect(await rows()).toEqual(before);
  });

  it('tell who asks for a transfer that its row cannot be read', async () => {
    const told: unknown[] = [];
    const ask = (from?: AccountId) =>
      projected.views.transfer(TransferId.parse('t1'), from, ({ pk }) => told.push(pk));
    expect(await ask()).toBeDefined();
    expect(told).toEqual([]);
    await projected.spoil(transfer, { amount: 'ten' });
    expect(await ask()).toBeUndefined();
    expect(await ask(AccountId.parse('a'))).toBeUndefined();
    expect(told).toEqual(['transfer#t1', 'transfer#t1']);
    expect(projected.counts['UnreadableRows']).toBe(2);
  });

  it('that were lost are found open again by the recovery, which starts them', async () => {
    for (const id of ['t3', 't4']) await projected.remove({ pk: `transfer#${id}`, sk: 'from#a' });
    const started: string[] = [];
    const recover = createRecovery({
      views: projected.views,
      store: projected.store,
      accounts: async function* () {},
      workflow: {
        start: async (_, { transferId }) => {
          started.push(transferId);
          return 'started';
        },
        isRunning: async () => false,
      },
      telemetry: recordedTelemetry().telemetry,
      clock: () => Date.parse(LATER),
      budget: 10_000,
    });
    await recover({});
    expect(started).toEqual([]);
    await rebuildAll(projected);
    await recover({});
    expect(started.sort()).toEqual(['t3', 't4']);
  });

  it.each([
    {},
    { accounts: [] },
    { phase: 'rows' },
    { phase: 'all', segment: 0, segments: 1 },
    { phase: 'rows', segment: 2, segments: 2 },
    { phase: 'rows', segment: 0, segments: 65 },
    { accounts: ['a'], phase: 'rows', segment: 0, segments: 1 },
  ])('are not made from the input %j', async (input) => {
    await expect(projected.rebuild(input)).rejects.toThrow('not an input of this function');
  });
});

it('are whole after a rebuild during commands that the projection follows', async () => {
  const projected = await createProjectedLedger();
  const { ledger } = projected;
  const accounts = ['a', 'b', 'c', 'd'];
  for (const accountId of accounts) ledger.commit(open(accountId), deposit(accountId, 10_000));
  const carryOut = async (n: number): Promise<void> => {
    const { length } = ledger.committed;
    const [from = 'a', to = 'b'] = [accounts[n % 4], accounts[(n + 1) % 4]];
    if (n % 3 === 0) ledger.transferAtOnce(`t${n}`, from, to, 1);
    else {
      ledger.commit(reserve(from, to, `t${n}`, 1));
      if (n % 5 !== 1) ledger.commit(credit(to, from, `t${n}`, 1));
      if (n % 5 > 1) ledger.commit(settle(from, `t${n}`));
    }
    const committed = ledger.committed.slice(length);
    await projected.plant(committed);
    await projected.elsewhere().project(committed.toReversed());
  };
  await projected.plant(ledger.committed);
  await projected.project(ledger.committed);
  for (let n = 0; n < 60; n += 1) await carryOut(n);
  await projected.throwAway();
  const traffic = async () => {
    for (let n = 60; n < 160; n += 1) await carryOut(n);
  };
  await Promise.all([traffic(), rebuildAll(projected), projected.rebuild({ accounts: ['b'] })]);
  expect(await rebuildAll(projected, { diff: true })).toEqual(NO_DIFFERENCE);
  expect(await projected.contents()).toEqual(
    expectedViews(ledger.committed.map(({ commit }) => commit)),
  );
  expect(
    await projected.views.transfer(TransferId.parse('t0'), AccountId.parse('a')),
  ).toBeDefined();
});
