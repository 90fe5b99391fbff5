import { Caller } from '../../events/values.ts';
import { Command } from '../../functions/ledger/command.ts';
import type { CommandRequest } from '../../functions/store/deciding/command-result.ts';

/** Who sends every command of a benchmark. */
export const caller = Caller.parse('bench');

/** The currency of every account of a benchmark. */
export const currency = 'EUR';

const request = (command: unknown, key?: string): CommandRequest => {
  const parsed = Command.parse(command);
  return {
    command: parsed,
    ...(key === undefined ? {} : { keys: [{ streamId: parsed.accountId, commandId: key }] }),
    actor: caller,
    correlationId: '00000000-0000-4000-8000-000000000000',
  };
};

/** Requests to the store as the Lambdas make them; with a `key` the command is recorded under it. */
export const requests = {
  open: (accountId: string, key?: string) =>
    request({ type: 'open', accountId, owner: caller, currency, overdraftLimit: 0 }, key),
  deposit: (accountId: string, amount: number, key?: string) => request({ type: 'deposit', accountId, amount }, key),
  withdraw: (accountId: string, amount: number, key?: string) => request({ type: 'withdraw', accountId, amount }, key),
  reserve: ({ id, from, to, amount }: Transfer) =>
    request({ type: 'reserve', accountId: from, transferId: id, to, amount }, id),
  credit: ({ id, from, to, amount }: Transfer) =>
    request({ type: 'credit', accountId: to, transferId: id, from, amount, currency }, `credit:${id}`),
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
}
