import { Caller } from '../../events/values.ts';
import { Command } from '../../functions/ledger/account.ts';
import type { CommandRequest } from '../../functions/store/deciding/command-result.ts';
import { type RecordKey, recordKey } from '../../functions/store/writing/record-key.ts';

/** The sender of every command of a benchmark. */
export const caller = Caller.parse('bench');

/** The currency of every account of a benchmark. */
export const currency = 'EUR';

const request = (command: unknown, key?: RecordKey): CommandRequest => {
  const keys = key === undefined ? {} : { keys: [key] };
  return {
    command: Command.parse(command),
    ...keys,
    actor: caller,
    correlationId: '00000000-0000-4000-8000-000000000000',
  };
};

const keyOf = (id: string | undefined): RecordKey | undefined =>
  id === undefined ? undefined : recordKey(id);

/**
 * Requests to the store as the Lambdas make them; with an `id` the command is recorded under it.
 */
export const requests = {
  open: (accountId: string, id?: string) =>
    request({ type: 'open', accountId, owner: caller, currency, overdraftLimit: 0 }, keyOf(id)),
  deposit: (accountId: string, amount: number, id?: string) =>
    request({ type: 'deposit', accountId, amount }, keyOf(id)),
  withdraw: (accountId: string, amount: number, id?: string) =>
    request({ type: 'withdraw', accountId, amount }, keyOf(id)),
  reserve: ({ id, from, to, amount }: Transfer) =>
    request({ type: 'reserve', accountId: from, transferId: id, to, amount }, recordKey(id)),
  credit: ({ id, from, to, amount }: Transfer) =>
    request(
      { type: 'credit', accountId: to, transferId: id, from, amount, currency },
      `credit:${id}`,
    ),
  settle: ({ id, from }: Transfer) => request({ type: 'settle', accountId: from, transferId: id }),
};

/** A transfer that is to be made. */
export interface Transfer {
  readonly id: string;
  /** Account ids. */
  readonly from: string;
  readonly to: string;
  /** In minor units. */
  readonly amount: number;
  /** What a client over HTTP sends its id as; absent: as `Idempotency-Key`. */
  readonly sentAs?: SentAs;
}

/** The keys of a transfer over HTTP: `Idempotency-Key`, `transferId`, or both. */
export type SentAs = 'key' | 'transferId' | 'both';
