import * as z from 'zod/mini';
import { MinorUnits } from '../../events/values.ts';

/** Why a command was refused: the codes of the HTTP contract, stable for ever. */
export const RejectionCode = z.enum([
  'account_not_found',
  'account_already_exists',
  'account_not_open',
  'insufficient_funds',
  'currency_mismatch',
  'same_account',
  'amount_out_of_range',
]);
export type RejectionCode = z.infer<typeof RejectionCode>;

/**
 * A refusal, as a value. It is recorded with the command's id and answered again for ever, so it
 * carries its own words. `detail` is one sentence for the caller; `available` the account's balance
 * less its reservations, in minor units, with `insufficient_funds`: where there is an overdraft, up
 * to its limit more could have been taken.
 */
export const Rejection = z.object({
  code: RejectionCode,
  detail: z.string(),
  available: z.optional(MinorUnits),
});
export type Rejection = z.infer<typeof Rejection>;
