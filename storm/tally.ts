/** Counts by name. */
export class Tally {
  readonly #counts = new Map<string, number>();

  /** Adds to a count. */
  add(name: string, amount = 1): void {
    this.#counts.set(name, this.of(name) + amount);
  }

  /** A count; 0 where nothing was counted under that name. */
  of(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  /** Adds all counts of another tally. */
  merge(other: Tally): void {
    for (const [name, amount] of other.entries()) this.add(name, amount);
  }

  /** All counts, by name. */
  entries(): [string, number][] {
    return [...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1));
  }
}
