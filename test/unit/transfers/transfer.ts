import { vi } from 'vitest';
import { type AccountId, Timestamp } from '../../../events/values.ts';
import { Account } from '../../../functions/ledger/account.ts';
import type {
  CommandRequest,
  CommandResult,
} from '../../../functions/store/deciding/command-result.ts';
import { emptyTail, type Tail } from '../../../functions/store/stream/tail.ts';
import { TransferInput } from '../../../functions/transfers/workflow.ts';

/** The transfer under test, as its workflow is started with it. */
export const transfer: TransferInput = TransferInput.parse({
  transferId: 't1',
  from: 'a',
  to: 'b',
  amount: 2500,
  currency: 'EUR',
  reference: 'rent',
  correlationId: 'k1',
  actor: 'alice',
});

/**
 * A store that gives every command this result; `execute` tells what it was asked. The transfer is
 * reserved there, or what is given.
 */
export const storeThatAnswers = (result: unknown, reservation: object | 'none' = {}) => ({
  execute: vi.fn(async (_: CommandRequest): Promise<CommandResult> => asResult(result)),
  load: vi.fn(async (accountId: AccountId) => tailWith(accountId, reservation)),
});

const at = Timestamp.parse('2026-11-21T12:00:00.000Z');

/**
 * A source on which the transfer is reserved, apart from what is given; `none`: on which nothing
 * is.
 */
const tailWith = (accountId: AccountId, reservation: object | 'none'): Tail => {
  const { transferId, to, amount } = transfer;
  const account = Account.parse({
    ...{ status: 'open', owner: 'alice', currency: 'EUR', overdraftLimit: 0, openedAt: at },
    ...{ balance: amount, reserved: reservation === 'none' ? 0 : amount },
    ...{ credits: { count: 1, amount: String(amount) }, debits: { count: 0, amount: '0' } },
    reservations:
      reservation === 'none' ? [] : [{ transferId, to, amount, version: 3, at, ...reservation }],
  });
  return { ...emptyTail(accountId), version: 3, account, at };
};

const asResult = (result: unknown): CommandResult => JSON.parse(JSON.stringify(result));

export const accepted = {
  outcome: 'accepted',
  version: 7,
  at: '2026-11-21T12:00:00.000Z',
  replayed: false,
};

export const rejectedFor = (code: string) => ({
  outcome: 'rejected',
  rejection: { code, detail: 'No.' },
  replayed: false,
});

/** Every result from which a step may conclude nothing. */
export const undecided = [
  { outcome: 'undecided', reason: 'contention' },
  { outcome: 'undecided', reason: 'throttled' },
  { outcome: 'undecided', reason: 'unavailable' },
  { outcome: 'undecided', reason: 'unknown' },
  { outcome: 'undecided', reason: 'commit_too_large' },
  { outcome: 'pending', key: { streamId: 'b', commandId: 'credit:t1' } },
  { outcome: 'in_progress' },
  { outcome: 'version_mismatch', currentVersion: 3 },
] as const;

/** The transfer with one field left out, for each that a step cannot do without. */
export const incomplete = Object.keys(transfer)
  .filter((field) => field !== 'reference')
  .map((field) => ({ field, input: { ...transfer, [field]: undefined } }));
