import * as z from 'zod/mini';
import { Timestamp } from '../../../events/values.ts';

/**
 * A time as a client may send it: any of RFC 3339 (5.6), with its offset, read to the millisecond.
 * Finer digits are cut off, so that no time becomes a later one.
 *
 * A plus sign that a client did not escape in a query has become a space; a space there can mean
 * nothing else.
 */
export const RequestTime = z.pipe(
  z.pipe(
    z.string(),
    z.transform((text, context): string => {
      const time = readTime(text);
      if (time !== undefined) return time;
      context.issues.push({
        code: 'custom',
        message: 'must be a time like 2026-11-21T10:00:00Z (RFC 3339)',
        input: text,
      });
      return z.NEVER;
    }),
  ),
  Timestamp,
);

const RFC_3339 =
  /^(?<date>\d{4}-\d\d-(?<day>\d\d))T(?<minute>\d\d:\d\d):(?<second>\d\d)(?:\.(?<fraction>\d+))?(?:Z|(?<sign>[-+ ])(?<hours>\d\d):(?<minutes>\d\d))$/i;

const MINUTE_MS = 60_000;

/**
 * The first and the last time that a {@link Timestamp} can say. A time that its offset carries
 * beyond them becomes one of these two.
 */
const [EARLIEST, LATEST] = [
  Date.parse('0000-01-01T00:00:00.000Z'),
  Date.parse('9999-12-31T23:59:59.999Z'),
];

/** @returns ISO 8601, UTC, milliseconds; `undefined` where it is no time of RFC 3339. */
const readTime = (text: string): string | undefined => {
  const {
    date,
    day,
    minute,
    second,
    fraction = '',
    sign,
    hours = '0',
    minutes = '0',
  } = RFC_3339.exec(text)?.groups ?? {};
  if (
    date === undefined ||
    minute === undefined ||
    minute >= '24' ||
    Number(hours) > 23 ||
    Number(minutes) > 59
  ) {
    return undefined;
  }
  const isLeapSecond = second === '60';
  const milliseconds = isLeapSecond ? '59.999' : `${second}.${fraction.slice(0, 3).padEnd(3, '0')}`;
  const local = Date.parse(`${date}T${minute}:${milliseconds}Z`);
  // `Date` takes 30 February for 2 March.
  if (Number.isNaN(local) || new Date(local).getUTCDate() !== Number(day)) return undefined;
  const offset = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * MINUTE_MS;
  const time = local - offset;
  if (isLeapSecond && !endsMonth(time)) return undefined;
  return new Date(Math.min(Math.max(time, EARLIEST), LATEST)).toISOString();
};

/**
 * A leap second follows the last second of a month in UTC (RFC 3339, 5.7). It is read as that
 * second's last millisecond.
 */
const endsMonth = (time: number): boolean => {
  const next = new Date(time + 1);
  return next.getUTCDate() === 1 && time % (24 * 60 * MINUTE_MS) === 24 * 60 * MINUTE_MS - 1;
};
