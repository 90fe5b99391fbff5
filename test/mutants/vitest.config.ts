import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { partOfThisProcess } from './parts.ts';

const { tests } = partOfThisProcess();

/** The tests of one part, without projects and on a database in memory: a run for one mutant starts nothing else. */
export default defineConfig({
  resolve: {
    alias: [
      {
        find: /^.*\/testing\/ledger-database\.ts$/,
        replacement: fileURLToPath(new URL('memory-database.ts', import.meta.url)),
      },
    ],
  },
  test: {
    include: [...tests],
    provide: { dynamodb: { endpoint: 'http://memory' } },
    // A run is one mutant: its tests share the modules, which are loaded once and not for every file.
    isolate: false,
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
});
