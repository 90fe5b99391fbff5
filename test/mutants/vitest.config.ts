import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { partOfThisProcess } from './parts.ts';

const { tests } = partOfThisProcess();

/** The first test that fails ends a run: those that are fast and know the place best go first. */
class UnitTestsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => Number(moduleId.includes('/integration/'));
    return files.toSorted((a, b) => rank(a) - rank(b));
  }
}

/**
 * The tests of one part, without projects and on a database in memory: a run for one mutant starts
 * nothing else.
 */
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
    // A run is one mutant: its tests share the modules, which are loaded once and not for every
    // file.
    isolate: false,
    sequence: { sequencer: UnitTestsFirst },
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
});
