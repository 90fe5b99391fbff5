import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { AccountId, Timestamp } from '../../../events/values.ts';
import { foldCommits } from '../../../functions/projections/fold-commits.ts';
import { seed } from '../../setup/seed.ts';
import { anyHistory } from '../../unit/projections/any-history.ts';
import { expectedViews } from '../../unit/projections/expected-views.ts';
import type { Committed } from '../../unit/projections/memory-ledger.ts';
import {
  all,
  BUDGET_MS,
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
      const unfinished = expected.transfers.filter(({ endedAt }) => endedAt === undefined);
      expect(await openIds(projected)).toEqual(
        unfinished.map(({ transferId, from }) => `${transferId} ${from}`).sort(),
      );
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

  it('takes no reading where its accounts were projected here before, and all of it where the views are gone', async () => {
    projected.requests();
    const credited = await happens(credit('b', 'a', 't1'));
    const settled = await happens(settle('a', 't1'));
    expect(projected.requests().filter((operation) => operation === 'GetItem')).toEqual([]);
    const before = (await projected.items()).length;
    await projected.throwAway();
    await projected.project([credited, settled]);
    expect(await projected.items()).toHaveLength(before);
    expect(await transfer()).toMatchObject({ transferId: 't1', status: 'settled' });
  });

  it('whose steps all come in one batch is written once, as if they had come one by one', async () => {
    const fresh = await createProjectedLedger(projected.ledger);
    const credited = await happens(credit('b', 'a', 't1'));
    const settled = await happens(settle('a', 't1'));
    await fresh.plant(projected.ledger.committed);
    fresh.requests();
    await fresh.project([reserved, credited, settled]);
    expect(fresh.requests().filter((operation) => operation.startsWith('Update'))).toEqual([]);
    const byKey = (items: Record<string, unknown>[]) =>
      items.toSorted((a, b) => `${a['pk']} ${a['sk']}`.localeCompare(`${b['pk']} ${b['sk']}`));
    expect(byKey(await fresh.items())).toEqual(byKey(await projected.items()));
    await lateRun(fresh, reserved);
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
      await lateRun(projected, reserved);
      expect(await projected.items()).toEqual(before);
      expect(await openIds(projected)).toEqual([]);
      expect(await transfer()).toMatchObject({ transferId: 't1', status, to: 'b', amount: 10 });
    },
  );

  it('whose end comes first in its row still gets all that its reservation says', async () => {
    const fresh = await createProjectedLedger(projected.ledger);
    const end = projected.ledger.commit(settle('a', 't1'));
    await fresh.plant(projected.ledger.committed);
    // The row holds the end alone, as a run that was cut off might leave it.
    await lateRun(fresh, end);
    expect((await fresh.contents()).transfers).toEqual([]);
    await lateRun(fresh, reserved);
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

/**
 * Writes the rows of one commit, as a run that began long ago: the summary has moved on, or is not
 * there, and is left alone.
 */
const lateRun = async (
  { writer, ledger }: ProjectedLedger,
  committed: Committed | undefined,
): Promise<void> => {
  const commits = await all(ledger.history(AccountId.parse('a')));
  const index = commits.findIndex(({ version }) => version === committed?.commit.version);
  const { summary } = foldCommits(undefined, commits.slice(0, index));
  expect(
    await writer.write(
      [foldCommits(summary, commits.slice(index, index + 1))],
      Date.now() + BUDGET_MS,
    ),
  ).toEqual(new Set());
};
