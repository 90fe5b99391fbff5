import * as z from 'zod/mini';
import { Version } from '../../../events/values.ts';
import { EntityTags, tagsOf } from './entity-tags.ts';

/**
 * What `If-Match` asks (RFC 9110, 13.1.1): that there is an account at all (`*`), or the account at
 * one of some versions. None are left where it never holds, because a weak tag matches nothing and
 * a tag that is no version was never given out.
 */
export type Precondition = readonly Version[] | 'exists';

/** The `If-Match` header: `*`, or entity tags, of which one must be the account's. */
export const IfMatch = z.pipe(
  EntityTags,
  z.transform(
    (header): Precondition => (header === '*' ? 'exists' : tagsOf(header).flatMap(versionOf)),
  ),
);

const versionOf = (tag: string): readonly Version[] => {
  const version = Version.safeParse(Number(/^"([1-9]\d*)"$/.exec(tag)?.[1]));
  return version.success ? [version.data] : [];
};
