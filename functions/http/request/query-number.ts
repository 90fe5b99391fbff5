import * as z from 'zod/mini';

/**
 * A whole number as a query parameter carries it: digits.
 * @param message what the client hears where it is none.
 */
export const queryNumber = (message: string) =>
  z.pipe(z.string().check(z.regex(/^\d{1,16}$/, message)), z.transform(Number));
