import { MAX_MINOR_UNITS } from '../../../events/values.ts';
import type { Account, Command, RejectionCode } from '../../../functions/ledger/account.ts';

const MAX = BigInt(MAX_MINOR_UNITS);

/** What the books say to a command: it is refused for this, or done, or was done before. */
export type Verdict = RejectionCode | 'done' | 'done before';

interface Page {
  readonly currency: string;
  readonly limit: bigint;
  balance: bigint;
  readonly held: Map<string, bigint>;
}

/**
 * The bank's rules told a second time, as a clerk would keep them: one page per account, corrected
 * in place, in numbers without an upper end. No events, no versions. What the ledger decides must
 * come out the same here.
 * @returns what decides the next command, and keeps it.
 */
export const openBooks = (): ((command: Command, status: Account['status']) => Verdict) => {
  const pages = new Map<string, Page>();

  return (command, status) => {
    const page = pages.get(command.accountId);
    if (command.type === 'open') {
      if (page) return 'account_already_exists';
      const { accountId, currency, overdraftLimit } = command;
      pages.set(accountId, {
        currency,
        limit: BigInt(overdraftLimit),
        balance: 0n,
        held: new Map(),
      });
      return 'done';
    }
    if (!page) return 'account_not_found';
    if (command.type === 'settle' || command.type === 'release') return end(page, command);
    if (!isKept(command)) throw new Error(`the books do not know ${command.type}`);
    if (command.type === 'reserve' && command.to === command.accountId) return 'same_account';
    if (command.type === 'reserve' && page.held.has(command.transferId)) return 'done before';
    if (status !== 'open') return 'account_not_open';
    if (command.currency !== undefined && command.currency !== page.currency)
      return 'currency_mismatch';

    const amount = BigInt(command.amount);
    if (command.type === 'deposit' || command.type === 'credit') {
      if (page.balance + amount > MAX) return 'amount_out_of_range';
      page.balance += amount;
      return 'done';
    }
    const held = [...page.held.values()].reduce((all, one) => all + one, 0n);
    if (page.balance - held - amount < -page.limit) return 'insufficient_funds';
    if (command.type === 'withdraw') {
      page.balance -= amount;
      return 'done';
    }
    if (held + amount > MAX) return 'amount_out_of_range';
    page.held.set(command.transferId, amount);
    return 'done';
  };
};

type Kept = Extract<Command, { type: 'deposit' | 'withdraw' | 'reserve' | 'credit' }>;

const isKept = (command: Command): command is Kept =>
  ['deposit', 'withdraw', 'reserve', 'credit'].includes(command.type);

const end = (
  page: Page,
  { type, transferId }: Command & { type: 'settle' | 'release' },
): Verdict => {
  const amount = page.held.get(transferId);
  if (amount === undefined) return 'done before';
  page.held.delete(transferId);
  if (type === 'settle') page.balance -= amount;
  return 'done';
};
