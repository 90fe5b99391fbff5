import * as z from 'zod/mini';
import { AccountOpened, AccountOpenedV1, upcastAccountOpenedV1 } from './account-opened.ts';
import { MoneyDeposited } from './money-deposited.ts';
import { MoneyReserved } from './money-reserved.ts';
import { MoneyWithdrawn } from './money-withdrawn.ts';
import { ReservationCancelled } from './reservation-cancelled.ts';
import type { Timestamp, Version } from './values.ts';

/** Every fact an account's stream can hold, each in its newest version. */
export type AccountEvent = AccountOpened | MoneyDeposited | MoneyWithdrawn | MoneyReserved | ReservationCancelled;

/** An event with its place in the stream and the time of the commit that holds it. */
export type RecordedEvent = AccountEvent & { readonly version: Version; readonly at: Timestamp };

/** Every event in every version that was ever written: what a stream may hold. */
const StoredEvent = z.discriminatedUnion('type', [
  z.discriminatedUnion('v', [AccountOpened, AccountOpenedV1]),
  MoneyDeposited,
  MoneyWithdrawn,
  MoneyReserved,
  ReservationCancelled,
]);

/**
 * Reads an event as it lies in a stream, whatever version it was written in.
 * @param stored `{type, v, data}` from a commit.
 * @returns the event in its newest version.
 * @throws {Error} where the type, the version or the data is none this code knows: a stream is never read half.
 */
export const readEvent = (stored: unknown): AccountEvent => {
  const result = StoredEvent.safeParse(stored);
  if (!result.success) {
    throw new Error(`not an event of this ledger: ${JSON.stringify(stored)}: ${z.prettifyError(result.error)}`);
  }
  const event = result.data;
  return event.type === 'AccountOpened' && event.v === 1 ? upcastAccountOpenedV1(event) : event;
};
