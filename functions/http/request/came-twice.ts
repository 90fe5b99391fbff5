/**
 * Reads a header that a client may send once. API Gateway joins repeated headers with a comma, and
 * so may a proxy before it; such a value differs from one with a comma inside only in that all its
 * parts are the same.
 * @param value as it reached the function.
 * @returns the text that came more than once, the same each time; `undefined`: as far as can be
 *   told, it came once.
 */
export const cameTwice = (value: string): string | undefined =>
  /^(.*?)(?:[ \t]*,[ \t]*\1)+$/s.exec(value)?.[1];
