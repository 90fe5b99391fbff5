import { defineConfig } from 'vitest/config';
import { partOfThisProcess } from './parts.ts';

const { tests } = partOfThisProcess();

/** The tests of one part, without projects: a run for one mutant starts nothing that it does not need. */
export default defineConfig({
  test: {
    include: [...tests],
    globalSetup: tests.some((test) => test.includes('integration')) ? ['test/setup/dynamodb.ts'] : [],
    // A run is one mutant: its tests share the modules, which are loaded once and not for every file.
    isolate: false,
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
});
