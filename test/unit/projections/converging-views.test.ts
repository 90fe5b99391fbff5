import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createHandler } from '../../../functions/projections/project-views.ts';
import type { ViewWriter } from '../../../functions/projections/view-writer.ts';
import { seed } from '../../setup/seed.ts';
import { recordedTelemetry } from '../runtime/recorded-telemetry.ts';
import { anyHistory } from './any-history.ts';
import { expectedViews } from './expected-views.ts';
import { type Committed, streamRecord } from './memory-ledger.ts';
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

const projecting = (writer: ViewWriter) => {
  const { telemetry } = recordedTelemetry();
  return createHandler({ writer, telemetry, clock: () => 0, budget: 1 });
};

const eventOf = (batch: readonly Committed[]) => ({
  Records: batch.map(({ item }) => streamRecord(item)),
});

describe(`the views equal the fold of the streams once these are drained (seed ${seed})`, () => {
  it('whatever was repeated, reordered and divided into batches', async () => {
    await fc.assert(
      fc.asyncProperty(anyDelivery, async ({ ledger, batches }) => {
        const views = createMemoryViews();
        const project = projecting(views.writer);
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
        const project = projecting(views.writer);
        const answers = await Promise.all(batches.map((batch) => project(eventOf(batch))));
        expect(answers.flatMap(({ batchItemFailures }) => batchItemFailures)).toEqual([]);
        expect(views.contents()).toEqual(
          expectedViews(ledger.committed.map(({ commit }) => commit)),
        );
      }),
      { seed },
    );
  });
});
