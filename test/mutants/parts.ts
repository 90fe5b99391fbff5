/** A part of the functions that is mutated by itself: with its own tests, and its own goal. */
export interface Part {
  /** The least share of its mutants that tests must kill, in percent. */
  readonly goal: number;
  /** The tests that are to kill them. */
  readonly tests: readonly string[];
}

/** Those of the store but for the slow ones, which measure and race. */
const STORE = 'test/integration/store/!(racing-writers|what-a-command-costs|the-wire).test.ts';
const STORE_UNITS = 'test/unit/store/!(bank-races|properties).test.ts';
const MADE = 'test/unit/runtime/from-environment.test.ts';

/**
 * The parts by the folder under `functions` that each of them is, in the order in which they are
 * run.
 */
export const parts: Readonly<Record<string, Part>> = {
  ledger: { goal: 95, tests: ['test/unit/ledger/**/*.test.ts'] },
  transfers: { goal: 88, tests: ['test/{unit,integration}/transfers/**/*.test.ts', MADE] },
  projections: { goal: 88, tests: ['test/unit/{projections,views}/**/*.test.ts'] },
  store: { goal: 88, tests: [STORE_UNITS, MADE, STORE] },
};

/**
 * The part that an environment variable names: the tool's own processes, and those of the tests,
 * are told by it.
 */
export const PART = 'HOLDFAST_MUTANTS_PART';

/**
 * The part that this process is for; the first, where a process only reads what is configured.
 * @throws {Error} where there is no part of that name.
 */
export const partOfThisProcess = (): Part & { readonly name: string } => {
  const name = process.env[PART] ?? 'ledger';
  const part = parts[name];
  if (!part)
    throw new Error(
      `${PART} is "${name}", and there is no such part: start it as "npm run mutants", which sets it`,
    );
  return { name, ...part };
};
