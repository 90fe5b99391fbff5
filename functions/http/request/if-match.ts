import * as z from 'zod/mini';
import { Version } from '../../../events/values.ts';
import { EntityTags, tagsOf } from './entity-tags.ts';

/**
 * What `If-Match` asks (RFC 9110, 13.1.1): that there is an account at all (`*`), or the account at
 * one of some versions. The list is empty where the condition never holds: a weak tag matches
 * nothing, and no answer ever gave out a tag that is no version.
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
