import type { CommandLine } from './command-line.ts';
import type { RunResult } from './many-seeds.ts';
import type { SeedResult } from './seed.ts';

/** The most violations to print for one seed. */
const MOST_TOLD = 5;

/** What a seed found, and how to run it again. */
export const violationsOf = (
  { seed, violations }: SeedResult,
  { seconds, fault }: CommandLine,
): string => {
  const told = violations
    .slice(0, MOST_TOLD)
    .map(({ invariant, facts }) => `  NOT SO: ${invariant}\n    ${facts}`);
  const more = violations.length > MOST_TOLD ? [`  and ${violations.length - MOST_TOLD} more`] : [];
  const withFault = fault === undefined ? '' : ` --with-fault ${fault}`;
  const again = `  again: npm run storm -- --seed ${seed} --seconds ${seconds}${withFault}`;
  return [`seed ${seed}:`, ...told, ...more, again].join('\n');
};

/** The figures of a run; its last line sums them up. */
export const figures = ({
  seeds,
  commands,
  commits,
  outcomes,
  troubles,
  found,
}: RunResult): string => {
  const list = (entries: readonly [string, number][]) =>
    entries.map(([name, count]) => `${name} ${count}`).join(', ');
  const violations = found.reduce((sum, seed) => sum + seed.violations.length, 0);
  const injected = troubles.entries().reduce((sum, [, count]) => sum + count, 0);
  return [
    `answers: ${list(outcomes.entries())}`,
    `troubles: ${list(troubles.entries())}`,
    `${seeds} seeds, ${commands} commands, ${commits} commits, ${injected} troubles, ${violations} violations`,
  ].join('\n');
};
