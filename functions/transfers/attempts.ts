import { createHash } from 'node:crypto';
import type { Timestamp } from '../../events/values.ts';
import type { TransferInput } from './workflow.ts';

/** A reservation that is older than this, in milliseconds, should long have ended. */
export const LATE_AFTER_MS = 60_000;

/**
 * A reservation dated further ahead of now than this, in milliseconds, is of a clock that was
 * ahead.
 */
export const AHEAD_AFTER_MS = 60_000;

/** The time between tries of a reservation whose age no clock tells, in milliseconds. */
const AHEAD_EVERY_MS = 16 * 60_000;

/** From this age on, in minutes, the time between attempts no longer doubles. */
const MOST_MINUTES_APART = 64;

/**
 * Whether a reservation that is still open should have ended, by its time; one whose time lies
 * ahead of now counts too, for nobody knows how long it has been there.
 * @param reservedAt when it was reserved, by the clock that wrote its commit.
 * @param now in milliseconds since 1970.
 */
export const isLate = (reservedAt: Timestamp, now: number): boolean => {
  const age = now - Date.parse(reservedAt);
  return age >= LATE_AFTER_MS || age < -AHEAD_AFTER_MS;
};

/** One try to carry an open transfer to its end. */
export interface Attempt {
  /**
   * The name of its execution: the same for every start of this attempt, and for no other transfer.
   */
  readonly name: string;
  /**
   * The names of this transfer's earlier executions that may still be under way,
   * carry-out-transfers' own among them: where one is running, no other is started.
   */
  readonly earlier: readonly string[];
  /** Whether the reservation's time lies ahead of now: some clock was wrong. */
  readonly isAhead: boolean;
}

/**
 * Tells which attempt an open transfer is in. That follows from its age alone, so no state is kept:
 * an attempt begins at the ages of 1, 2, 4, 8, 16 and 32 minutes, and every 64 minutes from then
 * on. A transfer that hangs is tried ever more seldom, and never given up.
 *
 * A time ahead of now says nothing of the age, and must not hide the transfer until that time has
 * come: it is tried every 16 minutes.
 * @param reservedAt when it was reserved, by the clock that wrote its commit.
 * @param now in milliseconds since 1970.
 * @returns `undefined` where it is too young to be late.
 */
export const attemptFor = (
  transfer: TransferInput,
  reservedAt: Timestamp,
  now: number,
): Attempt | undefined => {
  if (!isLate(reservedAt, now)) return undefined;
  const age = now - Date.parse(reservedAt);
  const { transferId } = transfer;
  // A source's id beside the transfer's would be too long. 42 bits of its hash tell the sources of
  // one transfer id apart.
  const source = createHash('sha256').update(transfer.from).digest('base64url').slice(0, 7);
  if (age < 0) {
    const turn = Math.floor(now / AHEAD_EVERY_MS);
    const name = (of: number) => `${transferId}.a${of.toString(36)}.${source}`;
    return { name: name(turn), earlier: [transferId, name(turn - 1)], isAhead: true };
  }
  const attempt = attemptAt(Math.floor(age / MINUTE_MS));
  const name = (of: number) => `${transferId}.r${of}.${source}`;
  const earlier: string[] = [];
  for (let of = attempt - 1; of >= 0 && endOf(of) + LONGEST_RUN_MINUTES > age / MINUTE_MS; of -= 1)
    earlier.push(name(of));
  return { name: name(attempt), earlier: [transferId, ...earlier], isAhead: false };
};

const MINUTE_MS = 60_000;

/**
 * How long an execution may be under way. A step tries 9 times, for 30 s each at the most, with
 * waits of 91 s in all between them: a credit and a settlement take 13 minutes when every try times
 * out.
 */
const LONGEST_RUN_MINUTES = 15;

/** The age at which no execution of an attempt is started any more, in minutes. */
const endOf = (attempt: number): number =>
  attempt < log2(MOST_MINUTES_APART)
    ? 2 ** (attempt + 1)
    : (attempt + 2 - log2(MOST_MINUTES_APART)) * MOST_MINUTES_APART;

/** @param minutes the age, at least 1. */
const attemptAt = (minutes: number): number =>
  minutes < MOST_MINUTES_APART
    ? log2(minutes)
    : log2(MOST_MINUTES_APART) - 1 + Math.floor(minutes / MOST_MINUTES_APART);

/** Rounded down, exactly: `Math.log2` may come out a little less than a whole number. */
const log2 = (number: number): number => 31 - Math.clz32(number);
