import * as z from 'zod/mini';
import { Caller, Currency, Limit } from './values.ts';

/** An account exists from here on. Version 1, written before accounts could be overdrawn. */
export const AccountOpenedV1 = z.strictObject({
  type: z.literal('AccountOpened'),
  v: z.literal(1),
  data: z.strictObject({ owner: Caller, currency: Currency }),
});

/** An account exists from here on, and may fall to `-overdraftLimit`. */
export const AccountOpened = z.strictObject({
  type: z.literal('AccountOpened'),
  v: z.literal(2),
  data: z.strictObject({ owner: Caller, currency: Currency, overdraftLimit: Limit }),
});
export type AccountOpened = z.infer<typeof AccountOpened>;

/**
 * Reads a version 1 event as version 2: what was opened before overdrafts existed cannot be overdrawn.
 * @param event as it was stored.
 * @returns the same fact in today's words.
 */
export const upcastAccountOpenedV1 = (event: z.infer<typeof AccountOpenedV1>): AccountOpened => ({
  type: 'AccountOpened',
  v: 2,
  data: { ...event.data, overdraftLimit: Limit.parse(0) },
});
