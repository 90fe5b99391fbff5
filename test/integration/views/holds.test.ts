import { beforeEach, describe, expect, it } from 'vitest';
import { AccountId, Caller, Timestamp, TransferId } from '../../../events/values.ts';
import { holdShards } from '../../../functions/views/transfer-row.ts';
import {
  all,
  capture,
  createProjectedLedger,
  credit,
  deposit,
  hold,
  open,
  type ProjectedLedger,
  release,
  reserve,
  reverse,
  settle,
} from './projected-ledger.ts';

const a = AccountId.parse('a');
const LATER = Timestamp.parse('2027-01-01T00:00:00.000Z');
const NO_DIFFERENCE = { missing: 0, different: 0, extra: 0, unreadable: 0 };

let projected: ProjectedLedger;

beforeEach(async () => {
  projected = await createProjectedLedger();
  for (const accountId of ['a', 'b'])
    projected.ledger.commit(open(accountId), deposit(accountId, 1_000));
});

const find = (id: string) => projected.views.transfer(TransferId.parse(id));
const openIds = async () =>
  (await all(projected.views.openTransfers({ before: LATER }, () => {}))).map(
    ({ transferId, reservedAt }) => [transferId, reservedAt],
  );
const dueIds = async (before = LATER) => {
  const found = await Promise.all(
    holdShards.map((shard) => all(projected.views.dueHolds(shard, before, () => {}))),
  );
  return found.flat().map(({ transferId }) => transferId);
};
const project = async () => {
  await projected.plant(projected.ledger.committed);
  await projected.project(projected.ledger.committed);
};
/** Makes the views again, and says whether that changed anything. */
const rebuilt = async (options: { readonly diff?: boolean } = {}) => {
  const segment = { segment: 0, segments: 1, ...options };
  const rows = await projected.rebuild({ phase: 'rows', ...segment });
  const streams = await projected.rebuild({ phase: 'streams', ...segment });
  const sum = (name: keyof typeof NO_DIFFERENCE) => rows[name] + streams[name];
  return {
    ...{ missing: sum('missing'), different: sum('different') },
    ...{ extra: sum('extra'), unreadable: sum('unreadable') },
  };
};

describe('a hold', () => {
  /** Held, captured in part, credited and settled, each in a commit of its own. */
  const story = () => {
    const { ledger } = projected;
    return [
      ledger.commit(hold('a', 'b', 't1', 100)),
      ledger.commit(capture('a', 't1', 60)),
      ledger.commit(credit('b', 'a', 't1', 60)),
      ledger.commit(settle('a', 't1')),
    ].flatMap((committed) => committed ?? []);
  };
  const orders = (length: number): number[][] =>
    length === 0
      ? [[]]
      : orders(length - 1).flatMap((order) =>
          Array.from({ length }, (_, at) => order.toSpliced(at, 0, length - 1)),
        );

  it('is the same whatever order its steps come in, each by an environment of its own, and twice', async () => {
    const commits = story();
    for (const order of orders(4)) {
      await projected.throwAway();
      for (const index of [...order, ...order]) {
        const committed = commits[index];
        if (committed) await projected.elsewhere().project([committed]);
      }
      expect(await find('t1'), order.join(' ')).toMatchObject({
        ...{ status: 'settled', amount: 60, heldAmount: 100 },
        expiresAt: '2026-11-28T12:00:00.000Z',
        requestedAt: commits[0]?.commit.at,
        steps: ['held', 'reserved', 'credited', 'settled'].map((step) => ({ step })),
      });
      expect([await openIds(), await dueIds()], order.join(' ')).toEqual([[], []]);
    }
  });

  it('is due and not open while it rests, then open since its capture, whichever came first', async () => {
    const [held, captured] = story();
    if (!held || !captured) throw new Error('it was held and captured');
    await projected.elsewhere().project([held]);
    expect([await openIds(), await dueIds()]).toEqual([[], ['t1']]);
    expect(await dueIds(Timestamp.parse('2026-11-28T11:59:59.999Z'))).toEqual([]);
    expect(await dueIds(Timestamp.parse('2026-11-28T12:00:00.000Z'))).toEqual(['t1']);
    for (const committed of [captured, held, captured]) {
      await projected.elsewhere().project([committed]);
      expect([await openIds(), await dueIds()]).toEqual([[['t1', captured.commit.at]], []]);
    }
    await projected.throwAway();
    for (const committed of [captured, held]) await projected.elsewhere().project([committed]);
    expect([await openIds(), await dueIds()]).toEqual([[['t1', captured.commit.at]], []]);
  });

  it.each(['void', 'expire'] as const)('that has ended by %s is neither', async (how) => {
    const held = projected.ledger.commit(hold('a', 'b', 't1'));
    const ended = projected.ledger.endHold(how, 'a', 't1');
    if (!held || !ended) throw new Error('it was held and has ended');
    for (const committed of [ended, held, ended]) await projected.elsewhere().project([committed]);
    expect([await openIds(), await dueIds()]).toEqual([[], []]);
    expect(await find('t1')).toMatchObject({
      ...{ status: 'released', reason: how === 'void' ? 'voided' : 'expired', heldAmount: 10 },
      steps: [{ step: 'held' }, { step: 'released' }],
    });
  });

  it('that was captured and released keeps its capture, though whoever puts it whole did not see that', async () => {
    const { ledger } = projected;
    const held = ledger.commit(hold('a', 'nobody', 't1', 100));
    const captured = ledger.commit(capture('a', 't1', 60));
    const released = ledger.commit(release('a', 't1'));
    if (!held || !captured || !released) throw new Error('it was captured and released');
    await projected.elsewhere().project([captured]);
    const other = projected.elsewhere();
    await other.project([held]);
    await other.project([released]);
    expect(await find('t1')).toMatchObject({
      ...{ status: 'released', amount: 60, heldAmount: 100, reason: 'account_not_found' },
      steps: [{ step: 'held' }, { step: 'reserved' }, { step: 'released' }],
    });
  });

  it.each([
    ['rests', 0],
    ['was captured', 1],
    ['was credited', 2],
    ['was settled', 3],
  ])(
    'that %s comes back from the streams, in its index too, and differs in nothing',
    async (_, last) => {
      const commits = [...projected.ledger.committed, ...story().slice(0, last + 1)];
      await projected.plant(commits);
      await projected.project(commits);
      expect(await rebuilt({ diff: true })).toEqual(NO_DIFFERENCE);
      const before = [await projected.items(), await openIds(), await dueIds()];
      await projected.throwAway();
      expect((await rebuilt({ diff: true })).missing).toBeGreaterThan(2);
      await rebuilt();
      expect([await projected.items(), await openIds(), await dueIds()]).toEqual(before);
      expect(await rebuilt({ diff: true })).toEqual(NO_DIFFERENCE);
    },
  );

  it('whose place in the index is lost, or is the one of before, is put right', async () => {
    const commits = [...projected.ledger.committed, ...story().slice(0, 2)];
    await projected.plant(commits);
    await projected.project(commits);
    const key = { pk: 'transfer#t1', sk: 'from#a' };
    for (const wrong of [
      { openShard: undefined, openSince: undefined },
      { openShard: 'held#3', openSince: '2026-11-28T12:00:00.000Z' },
    ]) {
      await projected.spoil(key, wrong);
      // From the streams alone, too.
      const streams = { phase: 'streams', segment: 0, segments: 1, diff: true };
      expect(await projected.rebuild(streams)).toMatchObject({ missing: 0, different: 1 });
      expect(await rebuilt({ diff: true })).toMatchObject({ missing: 0, extra: 0 });
      expect(await openIds()).toEqual([]);
      await rebuilt();
      expect([await openIds(), await dueIds()]).toEqual([[['t1', commits.at(-1)?.commit.at]], []]);
    }
  });
});

describe('what takes a transfer back', () => {
  const paid = { transferId: 't1', amount: 100 };
  const pay = () => {
    projected.ledger.commit(reserve('a', 'b', 't1', 100));
    projected.ledger.commit(credit('b', 'a', 't1', 100));
    projected.ledger.commit(settle('a', 't1'));
  };

  it('is shown with it, oldest first, as far as it is, and says what it takes back', async () => {
    pay();
    const { ledger } = projected;
    ledger.commit(reverse('b', 'a', 'v1', paid, 30));
    ledger.commit(reverse('b', 'a', 'v2', paid, 20));
    ledger.commit(credit('a', 'b', 'v1', 30));
    ledger.commit(settle('b', 'v1'));
    await project();
    expect((await find('t1'))?.reversals).toEqual([
      { transferId: 'v1', amount: 30, status: 'settled' },
      { transferId: 'v2', amount: 20, status: 'reserved' },
    ]);
    expect(await find('v1')).toMatchObject({ reverses: 't1', from: 'b', to: 'a' });
    expect((await find('v1'))?.reversals).toBeUndefined();
    const items = await projected.items();
    await projected.throwAway();
    await rebuilt();
    expect(await projected.items()).toEqual(items);
    expect(await rebuilt({ diff: true })).toEqual(NO_DIFFERENCE);
  });

  it('is shown a hundred times at most, and it is said that there is more', async () => {
    pay();
    for (let n = 0; n < 101; n += 1)
      projected.ledger.commit(reverse('b', 'a', `v${n}`, { ...paid, amount: 1_000 }, 1));
    await project();
    const found = await find('t1');
    expect(found?.reversals?.map(({ transferId }) => transferId)).toEqual(
      Array.from({ length: 100 }, (_, n) => `v${n}`),
    );
    expect(found?.moreReversals).toBe(true);
  });

  it('is not shown with another transfer of the same id', async () => {
    pay();
    projected.ledger.commit(reserve('b', 'a', 't1', 5));
    projected.ledger.commit(reverse('a', 'b', 'v1', { transferId: 't1', amount: 5 }));
    await project();
    // Of the two the one from a was requested first.
    expect(await find('t1')).toMatchObject({ from: 'a', status: 'settled' });
    expect((await find('t1'))?.reversals).toBeUndefined();
  });
});

describe('the list of transfers', () => {
  it('has those of one status and one reference alone, each on exactly one page', async () => {
    for (let n = 0; n < 24; n += 1) {
      const reference = n % 3 === 0 ? 'rent' : 'Rent';
      const command = n % 2 === 0 ? hold('a', 'b', `t${n}`, 1) : reserve('a', 'b', `t${n}`, 1);
      projected.ledger.commit({ ...command, reference, metadata: { n: String(n) } });
    }
    await project();
    const found: string[] = [];
    let before: string | undefined;
    do {
      const asked = { limit: 1, before, status: 'held', reference: 'rent' } as const;
      const { transfers, next } = await projected.views.transfersOf(a, asked);
      found.push(...transfers.map(({ transferId }) => transferId));
      before = next;
    } while (before !== undefined);
    expect(found).toEqual(['t18', 't12', 't6', 't0']);
    expect(await find('t6')).toMatchObject({ metadata: { n: '6' }, reference: 'rent' });
  });
});

describe("an owner's accounts", () => {
  it('are spread over partitions, and each on exactly one page, newest first, also while they grow', async () => {
    const alice = Caller.parse('alice');
    const opened = ['a', 'b'];
    const more = async (count: number) => {
      for (let n = 0; n < count; n += 1) {
        const accountId = `c${opened.length}`;
        opened.push(accountId);
        projected.ledger.commit(open(accountId));
      }
      projected.ledger.commit({ ...open(`d${opened.length}`), owner: 'bob' });
      await project();
    };
    await more(30);
    const shards = new Set((await projected.items()).map(({ ownerShard }) => ownerShard));
    expect(shards.size).toBeGreaterThan(6);
    for (const limit of [1, 7, 32, 100]) {
      const expected = opened.toReversed();
      const found: string[] = [];
      let before: Awaited<ReturnType<typeof projected.views.accountsOf>>['next'];
      let pages = 0;
      do {
        const page = await projected.views.accountsOf(alice, { limit, before });
        found.push(...page.accounts.map(({ accountId }) => accountId));
        before = page.next;
        pages += 1;
        if (pages === 1) await more(3);
      } while (before);
      expect(found).toEqual(expected);
      expect(pages).toBe(Math.max(1, Math.ceil(expected.length / limit)));
    }
  });
});
