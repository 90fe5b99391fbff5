import * as z from 'zod/mini';
import { Version } from '../../../events/values.ts';

/**
 * What `If-Match` asks (RFC 9110, 13.1.1): the account at one version; that there is an account at all (`*`); or
 * something that never holds, because a weak tag matches nothing and a tag that is no version was never given out.
 */
export type Precondition = { readonly version: Version } | 'exists' | 'never';

/** The `If-Match` header: one entity tag, or `*`. */
export const IfMatch = z.pipe(
  z.string().check(z.regex(/^(?:\*|(?:W\/)?"[!#-~]*")$/, 'must be one entity tag like "7", or *')),
  z.transform((tag): Precondition => {
    if (tag === '*') return 'exists';
    const version = Version.safeParse(Number(/^"([1-9]\d*)"$/.exec(tag)?.[1]));
    return version.success ? { version: version.data } : 'never';
  }),
);
