/** Something that must always hold did not: the figures of such a run are worth nothing. */
class AuditFailure extends Error {}

/**
 * Holds a rule.
 * @throws {AuditFailure} that says what is wrong, where it is broken.
 */
export function hold(rule: boolean, broken: string): asserts rule {
  if (!rule) throw new AuditFailure(broken);
}
