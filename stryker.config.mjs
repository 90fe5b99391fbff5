import { partOfThisProcess } from './test/mutants/parts.ts';

const { name, goal } = partOfThisProcess();

/**
 * Mutation testing of one part of the functions: see docs/mutation-testing.md. Started by `npm run
 * mutants`.
 */
export default {
  mutate: [`functions/${name}/**/*.ts`],
  testRunner: 'vitest',
  vitest: { configFile: 'test/mutants/vitest.config.ts', related: false },
  plugins: ['@stryker-mutator/vitest-runner', './test/mutants/ignore-texts.ts'],
  ignorers: ['texts'],
  coverageAnalysis: 'perTest',
  concurrency: 2,
  // In some mutants a test waits for what never comes: its runner is ended and begun anew, with its
  // DynamoDB Local.
  timeoutMS: 20_000,
  timeoutFactor: 2,
  maxTestRunnerReuse: 100,
  ignorePatterns: ['/build', '/cdk.out', '/bench', '/docs', '/reports', '.holdfast'],
  // Nothing here checks types while mutants run.
  disableTypeChecks: false,
  allowConsoleColors: false,
  reporters: ['progress-append-only', 'clear-text', 'json', 'html'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false, allowEmojis: false },
  jsonReporter: { fileName: `reports/mutants/${name}.json` },
  htmlReporter: { fileName: `reports/mutants/${name}.html` },
  thresholds: { high: 100, low: goal, break: goal },
};
