import { Caller, Version } from '../events/values.ts';
import { type Command, Command as CommandSchema } from '../functions/ledger/account.ts';
import type { CommandRequest } from '../functions/store/deciding/command-result.ts';
import { postingKey, type RecordKey, recordKey } from '../functions/store/writing/record-key.ts';

type Extras = { readonly key?: string; readonly expectedVersion?: number };

const request = (command: unknown, { key, expectedVersion }: Extras = {}): CommandRequest => {
  const parsed: Command = CommandSchema.parse(command);
  return {
    command: parsed,
    ...(key ? { keys: [keyOn(parsed.accountId, key)] } : {}),
    ...(expectedVersion === undefined
      ? {}
      : { expectedVersions: [Version.parse(expectedVersion)] }),
    actor: Caller.parse('alice'),
    correlationId: '00000000-0000-4000-8000-000000000000',
  };
};

/**
 * The record of a command that a test calls `key`: as an `Idempotency-Key` does, it belongs to one
 * account.
 */
export const keyOn = (accountId: string, key: string): RecordKey =>
  recordKey(`${accountId}.${key}`);

/** The same request under keys of the test's own choice. */
const under = (
  keys: readonly RecordKey[],
  { keys: _, ...rest }: CommandRequest,
): CommandRequest => ({ ...rest, keys });

/**
 * Requests to the store in a line each; `key` records the command, `expectedVersion` is `If-Match`.
 */
export const requests = {
  open: (accountId: string, more: { currency?: string; overdraftLimit?: number } & Extras = {}) =>
    request(
      {
        type: 'open',
        accountId,
        owner: 'alice',
        currency: more.currency ?? 'EUR',
        overdraftLimit: more.overdraftLimit ?? 0,
      },
      more,
    ),
  deposit: (accountId: string, amount: number, extras: Extras = {}) =>
    request({ type: 'deposit', accountId, amount }, extras),
  withdraw: (accountId: string, amount: number, extras: Extras = {}) =>
    request({ type: 'withdraw', accountId, amount }, extras),
  reserve: (accountId: string, to: string, amount: number, transferId: string) =>
    under([recordKey(transferId)], request({ type: 'reserve', accountId, transferId, to, amount })),
  credit: (accountId: string, from: string, amount: number, transferId: string) =>
    under(
      [`credit:${transferId}`],
      request({ type: 'credit', accountId, transferId, from, amount, currency: 'EUR' }),
    ),
  settle: (accountId: string, transferId: string) =>
    request({ type: 'settle', accountId, transferId }),
  release: (accountId: string, transferId: string, reason: string) =>
    request({ type: 'release', accountId, transferId, reason }),
  amend: (accountId: string, more: object, extras: Extras = {}) =>
    request({ type: 'amend', accountId, ...more }, extras),
  freeze: (accountId: string, scope: 'debits' | 'all' = 'debits', extras: Extras = {}) =>
    request({ type: 'freeze', accountId, scope }, extras),
  unfreeze: (accountId: string, extras: Extras = {}) =>
    request({ type: 'unfreeze', accountId }, extras),
  close: (accountId: string, extras: Extras = {}) => request({ type: 'close', accountId }, extras),
  hold: (accountId: string, to: string, amount: number, transferId: string, more: object = {}) =>
    under(
      [recordKey(transferId)],
      request({ type: 'hold', accountId, transferId, to, amount, ...more }),
    ),
  capture: (accountId: string, transferId: string, more: { amount?: number } & Extras = {}) =>
    request({ type: 'capture', accountId, transferId, amount: more.amount }, more),
  void: (accountId: string, transferId: string, extras: Extras = {}) =>
    request({ type: 'void', accountId, transferId }, extras),
  expire: (accountId: string, transferId: string) =>
    request({ type: 'expire', accountId, transferId }),
  /**
   * Takes back part or all of the transfer `reverses`, which paid its amount from `to` into
   * `accountId`.
   */
  reverse: (
    accountId: string,
    to: string,
    reverses: { readonly transferId: string; readonly amount: number },
    transferId: string,
    amount?: number,
  ) =>
    under(
      [recordKey(transferId)],
      request({ type: 'reverse', accountId, transferId, to, reverses, amount, currency: 'EUR' }),
    ),
  post: (legs: readonly (readonly [accountId: string, amount: number])[], postingId: string) =>
    under(
      [postingKey(postingId)],
      request({
        type: 'post',
        accountId: legs[0]?.[0],
        postingId,
        legs: legs.map(([accountId, amount]) => ({ accountId, amount })),
      }),
    ),
};
