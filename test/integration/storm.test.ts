import { expect, inject, it } from 'vitest';
import { runSeed } from '../../storm/seed.ts';

// A breath of what `npm run storm` does for hours.
it.each([1, 2])(
  'nothing that must always hold breaks in a short storm: seed %i',
  async (seed) => {
    const { violations, commands, commits } = await runSeed(inject('dynamodb').endpoint, seed, 4);
    expect(violations).toEqual([]);
    expect(commands).toBeGreaterThan(0);
    expect(commits).toBeGreaterThan(0);
  },
  120_000,
);
