import { defineConfig } from 'vitest/config';

/** Starts the one DynamoDB Local that every test which needs a database shares. */
const database = ['test/setup/dynamodb.ts'];

/** Has each file leave no table behind. */
const nothing = ['test/setup/leave-nothing.ts'];

export default defineConfig({
  test: {
    // Two cores, and the engine needs its share of them.
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          // The modules are loaded once and not for every file: a third less time. Every test puts
          // back what it changes, and passes in any order.
          isolate: false,
          testTimeout: 20_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          isolate: false,
          globalSetup: database,
          setupFiles: nothing,
          testTimeout: 20_000,
          hookTimeout: 30_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'e2e',
          // CDK's own check of a template takes two seconds each time: app.test.ts has it done, once.
          env: { CDK_VALIDATION: 'false' },
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: [...database, 'test/setup/assembly.ts'],
          setupFiles: nothing,
          isolate: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // Each file runs a whole local cloud, and waits for it a good part of its time: two files at
          // once, of these and of the integration tests.
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
