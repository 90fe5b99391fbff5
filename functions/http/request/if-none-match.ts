import * as z from 'zod/mini';
import { EntityTags, tagsOf } from './entity-tags.ts';

/**
 * What `If-None-Match` asks (RFC 9110, 13.1.2): that nothing is there (`*`), or none of some entity
 * tags, without their `W/`.
 */
export type NoneOf = ReadonlySet<string> | '*';

/**
 * The `If-None-Match` header of a GET: what the client has already. Tags are compared weakly, so
 * `W/"7"` is `"7"`.
 */
export const IfNoneMatch = z.pipe(
  EntityTags,
  z.transform(
    (header): NoneOf =>
      header === '*' ? header : new Set(tagsOf(header).map((tag) => tag.replace(/^W\//, ''))),
  ),
);
