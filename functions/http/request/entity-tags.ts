import * as z from 'zod/mini';

/**
 * The form of `If-Match` and `If-None-Match` (RFC 9110, 13.1): `*`, or entity tags with commas
 * between.
 */
export const EntityTags = z
  .string()
  .check(
    z.regex(
      /^(?:\*|(?:W\/)?"[!#-~]*"(?:[ \t]*,[ \t]*(?:W\/)?"[!#-~]*")*)$/,
      'must be an entity tag like "7", several with commas between, or *',
    ),
  );

/** The tags of a list. A tag may have a comma inside. */
export const tagsOf = (list: string): readonly string[] => list.match(/(?:W\/)?"[!#-~]*"/g) ?? [];
