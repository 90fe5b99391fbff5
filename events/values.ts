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

/** A posting's id, unique across all accounts. */
export const PostingId = id().brand<'PostingId'>();
export type PostingId = z.infer<typeof PostingId>;

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

/** What its owner calls an account. */
export const AccountName = z
  .string()
  .check(
    wellFormed,
    z.minLength(1, 'must not be empty'),
    z.maxLength(140, 'must be at most 140 characters'),
  );

/** The most names that metadata have, and the most bytes they take as JSON, all told. */
const MOST_METADATA = 20;
const MOST_METADATA_BYTES = 2_048;

/**
 * The name of a piece of metadata. `__proto__` is no name: assigned to an object it changes what
 * the object is.
 */
export const MetadataName = z.string().check(
  z.regex(/^[A-Za-z0-9_.-]{1,40}$/, 'must be 1 to 40 of the characters A-Z a-z 0-9 _ . -'),
  z.refine((name) => name !== '__proto__', 'must not be __proto__'),
);

/** The value of a piece of metadata. */
export const MetadataValue = z.string().check(wellFormed);

/** Whether metadata are few and small enough to be kept with an event. */
const metadataFit = (metadata: Readonly<Record<string, string>>): boolean =>
  Object.keys(metadata).length <= MOST_METADATA &&
  Buffer.byteLength(JSON.stringify(metadata)) <= MOST_METADATA_BYTES;

/** A client's own facts about an account, a transfer or a posting: they are kept and given back. */
export const Metadata = z
  .record(MetadataName, MetadataValue)
  .check(
    z.refine(
      metadataFit,
      `must be at most ${MOST_METADATA} names and ${MOST_METADATA_BYTES} bytes of JSON`,
    ),
  );
export type Metadata = z.infer<typeof Metadata>;

/**
 * What is frozen of an account: payments out of it alone, or payments into it as well. What is
 * reserved already settles or is released.
 */
export const FreezeScope = z.enum(['debits', 'all']);
export type FreezeScope = z.infer<typeof FreezeScope>;

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
