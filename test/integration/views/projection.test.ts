import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { Timestamp } from '../../../events/values.ts';
import { holdShards } from '../../../functions/views/transfer-row.ts';
import { seed } from '../../setup/seed.ts';
import { anyHistory } from '../../unit/projections/any-history.ts';
import { expectedViews } from '../../unit/projections/expected-views.ts';
import type { Committed } from '../../unit/projections/memory-ledger.ts';
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

const dueIds = async ({ views }: ProjectedLedger) => {
  const found = await Promise.all(
    holdShards.map((shard) => all(views.dueHolds(shard, LATER, () => {}))),
  );
  return found
    .flat()
    .map(({ transferId, from }) => `${transferId} ${from}`)
    .sort();
};

it(`the views equal the fold of the streams, however delivered and by however many projected (seed ${seed})`, async () => {
  await fc.assert(
    fc.asyncProperty(anyHistory(), fc.infiniteStream(fc.nat()), async (ledger, random) => {
      const projected = await createProjectedLedger(ledger);
      await projected.plant(ledger.committed);
      const numbers = random[Symbol.iterator]();
      const shuffled = ledger.committed
        .flatMap((committed) =>
          Number(numbers.next().value) % 3 === 0 ? [committed, committed] : [committed],
        )
        .map((committed) => ({ committed, place: Number(numbers.next().value) }))
        .sort((a, b) => a.place - b.place)
        .map(({ committed }) => committed);
      const half = Math.ceil(shuffled.length / 2);
      // Two runs at once over the same accounts, and then the first half again.
      const batches = [shuffled.slice(0, half), shuffled.slice(half)];
      const answers = await Promise.all(batches.map(projected.project));
      answers.push(await projected.project(shuffled.slice(0, half)));
      expect(answers.flatMap(({ batchItemFailures }) => batchItemFailures)).toEqual([]);

      const expected = expectedViews(ledger.committed.map(({ commit }) => commit));
      expect(await projected.contents()).toEqual(expected);
      // Whatever is projected again, by an environment that remembers nothing, changes nothing.
      const rows = await projected.items();
      await projected.elsewhere().project(shuffled);
      expect(await projected.items()).toEqual(rows);
      const unfinished = Map.groupBy(
        expected.transfers.filter(({ endedAt }) => endedAt === undefined),
        ({ status }) => (status === 'held' ? 'held' : 'open'),
      );
      const namesOf = (of: 'held' | 'open') =>
        (unfinished.get(of) ?? []).map(({ transferId, from }) => `${transferId} ${from}`).sort();
      // What is held is in no search for what is to be carried out, and what was captured is.
      expect(await openIds(projected)).toEqual(namesOf('open'));
      expect(await dueIds(projected)).toEqual(namesOf('held'));
    }),
    { numRuns: 8, seed },
  );
});

describe('a transfer', () => {
  let projected: ProjectedLedger;
  let reserved: Committed;

  /** Commits and projects in one go. */
  const happens = async (...commands: object[]): Promise<Committed> => {
    const committed = projected.ledger.commit(...commands);
    if (!committed) throw new Error('nothing happened');
    await projected.plant([committed]);
    await projected.project([committed]);
    return committed;
  };
  const transfer = async () => (await projected.contents()).transfers[0];

  beforeEach(async () => {
    projected = await createProjectedLedger();
    await happens(open('a'), deposit('a', 100));
    await happens(open('b'));
    reserved = await happens(reserve('a', 'b', 't1'));
  });

  it('is open from its reservation to its end', async () => {
    expect(await openIds(projected)).toEqual(['t1 a']);
    await happens(credit('b', 'a', 't1'));
    expect(await openIds(projected)).toEqual(['t1 a']);
    await happens(settle('a', 't1'));
    expect(await openIds(projected)).toEqual([]);
  });

  it('is written without a reading', async () => {
    projected.requests();
    await happens(reserve('a', 'b', 't2'));
    expect(projected.requests().filter((operation) => /Get|Query/.test(operation))).toEqual([]);
  });

  it('whose steps all come in one batch is written once, as if they had come one by one', async () => {
    const fresh = await createProjectedLedger(projected.ledger);
    await happens(credit('b', 'a', 't1'));
    await happens(settle('a', 't1'));
    fresh.requests();
    await fresh.project(projected.ledger.committed);
    expect(fresh.requests().filter((operation) => operation.startsWith('Update'))).toEqual([]);
    const byKey = (items: Record<string, unknown>[]) =>
      items.toSorted((a, b) => `${a['pk']} ${a['sk']}`.localeCompare(`${b['pk']} ${b['sk']}`));
    expect(byKey(await fresh.items())).toEqual(byKey(await projected.items()));
    await fresh.elsewhere().project([reserved]);
    expect(byKey(await fresh.items())).toEqual(byKey(await projected.items()));
  });

  it.each([
    ['settled', settle('a', 't1')],
    ['released', release('a', 't1')],
  ])(
    'that was %s is not opened again by a run that is late with its reservation',
    async (status, end) => {
      await happens(end);
      const before = await projected.items();
      await projected.elsewhere().project([reserved]);
      expect(await projected.items()).toEqual(before);
      expect(await openIds(projected)).toEqual([]);
      expect(await transfer()).toMatchObject({ transferId: 't1', status, to: 'b', amount: 10 });
    },
  );

  it('whose end comes first in its row still gets all that its reservation says', async () => {
    const fresh = await createProjectedLedger(projected.ledger);
    const end = projected.ledger.commit(settle('a', 't1'));
    await fresh.plant(projected.ledger.committed);
    await fresh.project(end ? [end] : []);
    expect((await fresh.contents()).transfers).toEqual([]);
    await fresh.elsewhere().project([reserved]);
    expect((await fresh.contents()).transfers).toMatchObject([
      { transferId: 't1', status: 'settled', to: 'b' },
    ]);
    expect(await openIds(fresh)).toEqual([]);
  });

  it('is not there while only its credit has been projected, and complete once its reservation has', async () => {
    const fresh = await createProjectedLedger(projected.ledger);
    const credited = projected.ledger.commit(credit('b', 'a', 't1'));
    await fresh.plant(projected.ledger.committed);
    await fresh.project(credited ? [credited] : []);
    const { streamId } = reserved.commit;
    expect((await fresh.contents()).transfers).toEqual([]);
    expect(await fresh.views.transfersOf(streamId, { limit: 10 })).toEqual({ transfers: [] });
    await fresh.project([reserved]);
    expect(await fresh.views.transfersOf(streamId, { limit: 10 })).toMatchObject({
      transfers: [
        {
          transferId: 't1',
          status: 'credited',
          steps: [{ step: 'reserved' }, { step: 'credited', accountId: 'b' }],
        },
      ],
    });
  });
});
