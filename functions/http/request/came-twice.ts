/**
 * Reads a header that a client may send once. API Gateway joins what came more than once with a
 * comma, and so may whoever stands before it; a value with a comma inside is told apart from that
 * only where both sides read the same.
 * @param value as it reached the function.
 * @returns the text that came more than once, the same each time; `undefined`: it came once, for
 *   all that can be told.
 */
export const cameTwice = (value: string): string | undefined =>
  /^(.*?)(?:[ \t]*,[ \t]*\1)+$/s.exec(value)?.[1];
