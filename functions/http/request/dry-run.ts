import * as z from 'zod/mini';

/**
 * `?dryRun=true`: answer as the request would be answered now, and do nothing. Every POST takes it.
 */
const DryRun = z.optional(
  z.pipe(
    z.enum(['true', 'false'], 'must be true or false'),
    z.transform((text) => text === 'true'),
  ),
);

/** The query of a POST. */
export const postQuery = z.strictObject({ dryRun: DryRun });
