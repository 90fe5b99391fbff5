import * as z from 'zod/mini';

/**
 * The largest amount or sum the ledger keeps, in minor units: the largest integer a JSON number
 * carries exactly.
 */
export const MAX_MINOR_UNITS = Number.MAX_SAFE_INTEGER;

// A schema for each kind of id: they look the same, and mean different things.
const id = () =>
  z
    .string()
    .check(z.regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 of the characters A-Z a-z 0-9 _ -'));

/** An account's id, which is also the id of its stream. */
export const AccountId = id().brand<'AccountId'>();
export type AccountId = z.infer<typeof AccountId>;

/** A transfer's id, unique across all accounts. */
export const TransferId = id().brand<'TransferId'>();
export type TransferId = z.infer<typeof TransferId>;

/** An event's position in its stream: 1, 2, 3 … without a gap. */
export const Version = z.int().check(z.gte(1, 'must be at least 1')).brand<'Version'>();
export type Version = z.infer<typeof Version>;

/**
 * A sum of money in the currency's minor unit (cents); may be negative where an overdraft allows
 * it.
 */
export const MinorUnits = z.int().brand<'MinorUnits'>();
export type MinorUnits = z.infer<typeof MinorUnits>;

/** An amount that moves: 1 … 2^53−1 minor units. */
export const Amount = z
  .int(`must be an integer in minor units, 1 to ${MAX_MINOR_UNITS}`)
  .check(z.gte(1, `must be an integer in minor units, 1 to ${MAX_MINOR_UNITS}`))
  .brand<'MinorUnits'>();

/** A limit: 0 … 2^53−1 minor units. */
export const Limit = z
  .int(`must be an integer in minor units, 0 to ${MAX_MINOR_UNITS}`)
  .check(z.gte(0, `must be an integer in minor units, 0 to ${MAX_MINOR_UNITS}`))
  .brand<'MinorUnits'>();

/** A currency's alphabetic code (ISO 4217). */
export const Currency = z
  .string()
  .check(z.regex(/^[A-Z]{3}$/, 'must be three capital letters (ISO 4217)'))
  .brand<'Currency'>();
export type Currency = z.infer<typeof Currency>;

// Half a surrogate pair has no UTF-8, so it can neither be stored as it is nor hashed as canonical
// JSON.
const wellFormed = z.refine<string>((text) => text.isWellFormed(), 'must be well-formed text');

/** A client's own words on a statement line. */
export const Reference = z
  .string()
  .check(
    wellFormed,
    z.minLength(1, 'must not be empty'),
    z.maxLength(140, 'must be at most 140 characters'),
  );

/** Who an account belongs to, or who sent a command: the name that identity gives a caller. */
export const Caller = z
  .string()
  .check(wellFormed, z.minLength(1), z.maxLength(128))
  .brand<'Caller'>();
export type Caller = z.infer<typeof Caller>;

/** A moment: ISO 8601, UTC, milliseconds. */
export const Timestamp = z.iso.datetime({ precision: 3 }).brand<'Timestamp'>();
export type Timestamp = z.infer<typeof Timestamp>;

/**
 * Adds sums of money.
 * @param terms minor units; negative ones subtract.
 * @returns the sum, or `undefined` where it leaves the safe range (2^53−1 either way): the ledger
 *   rejects, it never rounds.
 */
export const sum = (...terms: readonly number[]): MinorUnits | undefined => {
  let total = 0n;
  for (const term of terms) total += BigInt(term);
  return MinorUnits.safeParse(Number(total)).data;
};
