import { Caller, Version } from '../../events/values.ts';
import type { Command } from '../../functions/ledger/command.ts';
import { Command as CommandSchema } from '../../functions/ledger/command.ts';
import type { CommandRequest } from '../../functions/store/deciding/command-result.ts';

type Extras = { readonly key?: string; readonly expectedVersion?: number };

const request = (command: unknown, { key, expectedVersion }: Extras = {}): CommandRequest => {
  const parsed: Command = CommandSchema.parse(command);
  return {
    command: parsed,
    ...(key ? { keys: [{ streamId: parsed.accountId, commandId: key }] } : {}),
    ...(expectedVersion === undefined ? {} : { expectedVersion: Version.parse(expectedVersion) }),
    actor: Caller.parse('alice'),
    correlationId: '00000000-0000-4000-8000-000000000000',
  };
};

/** Requests to the store in a line each; `key` records the command, `expectedVersion` is `If-Match`. */
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
    request({ type: 'reserve', accountId, transferId, to, amount }, { key: transferId }),
  credit: (accountId: string, from: string, amount: number, transferId: string) =>
    request({ type: 'credit', accountId, transferId, from, amount, currency: 'EUR' }, { key: `credit:${transferId}` }),
  settle: (accountId: string, transferId: string) => request({ type: 'settle', accountId, transferId }),
  release: (accountId: string, transferId: string, reason: string) =>
    request({ type: 'release', accountId, transferId, reason }),
};
