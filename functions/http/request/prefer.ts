import * as z from 'zod/mini';

/** The longest a client can ask to wait, in seconds. */
export const LONGEST_WAIT_SECONDS = 10;

/** What of the `Prefer` header (RFC 7240) is understood here. */
export interface Preferences {
  /**
   * `wait=N`: how many seconds the client would rather wait for the end than hear of the beginning.
   */
  readonly wait?: number;
}

/**
 * The `Prefer` header. Preferences that are not known are ignored, as RFC 7240 wants; of a repeated
 * one the first counts.
 */
export const Prefer = z.pipe(
  z.string(),
  z.transform((header, context): Preferences => {
    const wait = preferred('wait', header);
    if (wait === undefined) return {};
    if (/^\d{1,2}$/.test(wait) && Number(wait) <= LONGEST_WAIT_SECONDS)
      return { wait: Number(wait) };
    context.issues.push({
      code: 'custom',
      message: `wait must be a whole number of seconds, 0 to ${LONGEST_WAIT_SECONDS}`,
      input: header,
    });
    return {};
  }),
);

/** A comma or semicolon inside a quoted string separates nothing. */
const PREFERENCE = /(?:"(?:[^"\\]|\\.)*"|[^,"])+/g;

const preferred = (name: string, header: string): string | undefined => {
  for (const [preference] of header.matchAll(PREFERENCE)) {
    const [token = '', value = ''] = (preference.split(';', 1)[0] ?? '')
      .split('=', 2)
      .map((side) => side.trim());
    if (token.toLowerCase() === name) return value.replace(/^"(.*)"$/, '$1');
  }
  return undefined;
};
