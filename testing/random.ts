/** Choices that follow from a seed: the same seed, the same choices. */
export interface Random {
  /** A number in 0 … 1, 1 excluded. */
  next(): number;
  /** Whether something happens that has this probability. */
  chance(probability: number): boolean;
  /** A whole number, both ends included. */
  between(low: number, high: number): number;
  /** One of several, each as likely as the others. */
  oneOf<T>(choices: readonly T[]): T;
  /** The same things in another order. */
  shuffled<T>(things: readonly T[]): T[];
  /**
   * Makes the choices of another actor, which stay the same however often this one chooses
   * meanwhile.
   */
  fork(): Random;
}

/**
 * Makes choices from a seed (mulberry32).
 * @param seed a whole number.
 */
export const randomOf = (seed: number): Random => {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (low: number, high: number): number =>
    low + Math.floor(next() * (high - low + 1));
  const shuffled = <T>(things: readonly T[]): T[] =>
    things
      .map((thing) => ({ thing, place: next() }))
      .sort((a, b) => a.place - b.place)
      .map(({ thing }) => thing);
  return {
    next,
    chance: (probability) => next() < probability,
    between,
    oneOf: (choices) => {
      const chosen = choices[between(0, choices.length - 1)];
      if (chosen === undefined) throw new Error('there is nothing to choose from');
      return chosen;
    },
    shuffled,
    fork: () => randomOf(between(0, 2 ** 31)),
  };
};
