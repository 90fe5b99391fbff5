/** Something that must always hold and did not. */
export interface Violation {
  /** The rule, in a few words. */
  readonly invariant: string;
  /** What was seen: accounts, versions, ids. */
  readonly facts: string;
}

/** Takes note of a violation. */
export type Report = (invariant: string, facts: object | string) => void;

/** A report that keeps what it is told. */
export const collectViolations = (violations: Violation[]): Report => {
  return (invariant, facts) => {
    violations.push({
      invariant,
      facts: typeof facts === 'string' ? facts : JSON.stringify(facts),
    });
  };
};
