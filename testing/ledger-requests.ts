import { Caller, Version } from '../events/values.ts';
import { type Command, Command as CommandSchema } from '../functions/ledger/account.ts';
import type { CommandRequest } from '../functions/store/deciding/command-result.ts';
import { type RecordKey, recordKey } from '../functions/store/writing/record-key.ts';

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
};
