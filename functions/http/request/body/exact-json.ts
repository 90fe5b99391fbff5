/**
 * Parses JSON without letting it change on the way in.
 *
 * `JSON.parse` rounds what a number cannot hold: `0.99999999999999999` becomes 1. A number that
 * would become a whole one only by rounding is read as NaN instead, so that an amount's schema
 * refuses it. (A whole number beyond 2^53−1 stays outside the safe range and is refused there.) A
 * string with half a surrogate pair, which no store or hash keeps as it is, is an error (RFC 7493,
 * 2.1). So is a name that comes twice in one object (RFC 7493, 2.3), however it is written:
 * `JSON.parse` takes the last one, while another reader on the way may take the first. And so is the
 * name `__proto__` in an object within.
 * @param text what was sent.
 * @returns plain JSON.
 * @throws {SyntaxError} where it is not JSON.
 */
export const parseExactly = (text: string): unknown => {
  const parsed: unknown = JSON.parse(
    text,
    (_key, value: unknown, ...context: readonly { readonly source?: string }[]) => {
      const source = context[0]?.source;
      if (typeof value === 'string' && !value.isWellFormed())
        throw new SyntaxError('half a surrogate pair');
      if (typeof value !== 'number' || source === undefined || !Number.isInteger(value))
        return value;
      return isWhole(source) ? value : Number.NaN;
    },
  );
  checkNames(text);
  return parsed;
};

/** A string, with the colon that makes it a name; or where an object or a list begins or ends. */
const TOKEN = /("[^"\\]*(?:\\.[^"\\]*)*")(\s*:)?|[{}[\]]/g;

/** @param text which is JSON. */
const checkNames = (text: string): void => {
  const open: Set<string>[] = [];
  for (const [token, literal, colon] of text.matchAll(TOKEN)) {
    if (token === '{' || token === '[') open.push(new Set());
    else if (token === '}' || token === ']') open.pop();
    else if (literal !== undefined && colon !== undefined) {
      const name = String(JSON.parse(literal));
      if (!name.isWellFormed()) throw new SyntaxError('half a surrogate pair in a name');
      // A schema of names that clients choose would pass it over; that of the body itself refuses it.
      if (name === '__proto__' && open.length > 1)
        throw new SyntaxError('a name that is __proto__');
      if (open.at(-1)?.has(name)) throw new SyntaxError(`a name that comes twice: ${literal}`);
      open.at(-1)?.add(name);
    }
  }
};

/**
 * Whether a JSON number is written as a whole one: 12, 12.0, 1.2e1 and 120e-1 are, 1.25e1 and 1e-9
 * are not.
 */
const isWhole = (literal: string): boolean => {
  const [mantissa = '', exponent = '0'] = literal.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const digits = `${whole}${fraction}`;
  const significant = digits.replace(/0+$/, '');
  if (significant === '' || significant === '-') return true;
  const decimals = fraction.length - Number(exponent) - (digits.length - significant.length);
  return decimals <= 0;
};
