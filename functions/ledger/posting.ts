import * as z from 'zod/mini';
import {
  AccountId,
  Currency,
  Metadata,
  PostingId,
  Reference,
  Timestamp,
  Version,
} from '../../events/values.ts';
import { Leg } from './account.ts';

/** A posting as the API shows it: its legs, each with the version of its event on its account. */
export const Posting = z.object({
  postingId: PostingId,
  currency: Currency,
  legs: z.array(z.extend(Leg, { accountId: AccountId, version: Version })),
  at: Timestamp,
  reference: z.optional(Reference),
  metadata: z.optional(Metadata),
});
export type Posting = z.infer<typeof Posting>;
