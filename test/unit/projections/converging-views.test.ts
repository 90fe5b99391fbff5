import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createHandler } from '../../../functions/projections/project-views.ts';
import type { ViewWriter } from '../../../functions/projections/view-writer.ts';
import { seed } from '../../setup/seed.ts';
import { recordedTelemetry } from '../runtime/recorded-telemetry.ts';
import { anyHistory } from './any-history.ts';
import { expectedViews } from './expected-views.ts';
import {
  type Committed,
  createMemoryLedger,
  type MemoryLedger,
  streamRecord,
} from './memory-ledger.ts';
import { createMemoryViews } from './memory-views.ts';

/**
 * A history, and its commits as an unreliable stream might deliver them: in any order, in any
 * batches, some again.
 */
const anyDelivery = anyHistory().chain((ledger) => {
  const once = ledger.committed;
  const repeats = fc.array(fc.nat(Math.max(0, once.length - 1)), { maxLength: 30 });
  return repeats
    .chain((again) => {
      const all = [...once, ...again.flatMap((index) => once[index] ?? [])];
      return fc.shuffledSubarray(all, { minLength: all.length });
    })
    .chain((delivered) => fc.record({ ledger: fc.constant(ledger), batches: split(delivered) }));
});

const split = (delivered: readonly Committed[]) =>
  fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 8 }).map((sizes) => {
    const batches: Committed[][] = [];
    for (let start = 0, n = 0; start < delivered.length; n += 1) {
      const size = sizes[n % sizes.length] ?? 1;
      batches.push(delivered.slice(start, start + size));
      start += size;
    }
    return batches;
  });

const projecting = (store: MemoryLedger, writer: ViewWriter) => {
  const { telemetry } = recordedTelemetry();
  return createHandler({ store, writer, telemetry, clock: () => 0, budget: 1 });
};

const eventOf = (batch: readonly Committed[]) => ({
  Records: batch.map(({ item }) => streamRecord(item)),
});

describe(`the views equal the fold of the streams once these are drained (seed ${seed})`, () => {
  it('whatever was repeated, reordered and divided into batches', async () => {
    await fc.assert(
      fc.asyncProperty(anyDelivery, async ({ ledger, batches }) => {
        const views = createMemoryViews();
        const project = projecting(ledger, views.writer);
        for (const batch of batches)
          expect(await project(eventOf(batch))).toEqual({ batchItemFailures: [] });
        expect(views.contents()).toEqual(
          expectedViews(ledger.committed.map(({ commit }) => commit)),
        );
      }),
      { seed },
    );
  });

  it('whichever of the batches were projected at the same time', async () => {
    await fc.assert(
      fc.asyncProperty(anyDelivery, async ({ ledger, batches }) => {
        const views = createMemoryViews();
        const project = projecting(ledger, views.writer);
        const answers = await Promise.all(batches.map((batch) => project(eventOf(batch))));
        expect(answers.flatMap(({ batchItemFailures }) => batchItemFailures)).toEqual([]);
        expect(views.contents()).toEqual(
          expectedViews(ledger.committed.map(({ commit }) => commit)),
        );
      }),
      { seed },
    );
  });

  it('when they are thrown away on the way and made again from what comes then', async () => {
    await fc.assert(
      fc.asyncProperty(anyDelivery, async ({ ledger, batches }) => {
        const views = createMemoryViews();
        const project = projecting(ledger, views.writer);
        for (const batch of batches) await project(eventOf(batch));
        views.clear();
        const latest = new Map(
          ledger.committed.map((committed) => [committed.commit.streamId, committed]),
        );
        await project(eventOf([...latest.values()]));
        expect(views.contents()).toEqual(
          expectedViews(ledger.committed.map(({ commit }) => commit)),
        );
      }),
      { seed },
    );
  });

  it('over more commits than are folded at once', async () => {
    const ledger = createMemoryLedger();
    ledger.commit({
      type: 'open',
      accountId: 'a',
      owner: 'alice',
      currency: 'EUR',
      overdraftLimit: 0,
    });
    for (let n = 1; n <= 2_500; n += 1)
      ledger.commit({ type: 'deposit', accountId: 'a', amount: n });
    const views = createMemoryViews();
    const portions: number[] = [];
    const project = projecting(ledger, {
      ...views.writer,
      write: (changes, deadline) => {
        portions.push(...changes.map(({ summary, follows }) => summary.version - follows));
        return views.writer.write(changes, deadline);
      },
    });
    await project(eventOf(ledger.committed.slice(-1)));
    expect(portions).toEqual([1_000, 1_000, 501]);
    expect(views.contents()).toEqual(expectedViews(ledger.committed.map(({ commit }) => commit)));
  });
});
