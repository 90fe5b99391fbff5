import type { Timestamp } from '../../../events/values.ts';
import type { Problem } from '../../http/answer/problem.ts';
import type { Store } from '../../store/store.ts';
import type { RecordKey } from '../../store/writing/record-key.ts';

/** In milliseconds: 365 days. */
const LONGEST_HOLD_MS = 365 * 24 * 60 * 60_000;

const noSuchHold = (message: string): Problem => ({
  code: 'validation_failed',
  detail: `hold.expiresAt ${message}.`,
  errors: [{ path: 'hold.expiresAt', message }],
});

const holdTooLong = noSuchHold('must be at most 365 days ahead');
const holdOver = noSuchHold('must lie ahead');

/**
 * Why there is no hold until a time: it must lie ahead, and not more than 365 days. One that was
 * asked for once is answered again, though its time may be over by now, or another clock go before.
 * @param now in milliseconds since 1970.
 * @param keys those that the hold would be recorded under.
 */
export const whyNoSuchHold = async (
  store: Pick<Store, 'recordOf'>,
  now: number,
  expiresAt: Timestamp | undefined,
  keys: readonly RecordKey[],
): Promise<Problem | undefined> => {
  if (expiresAt === undefined) return undefined;
  const left = Date.parse(expiresAt) - now;
  if (left > 0 && left <= LONGEST_HOLD_MS) return undefined;
  const records = await Promise.all(keys.map((key) => store.recordOf(key)));
  return records.some((record) => record !== undefined)
    ? undefined
    : left > 0
      ? holdTooLong
      : holdOver;
};
