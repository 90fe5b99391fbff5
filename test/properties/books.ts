import { MAX_MINOR_UNITS } from '../../events/values.ts';
import type { Command, RejectionCode } from '../../functions/ledger/account.ts';

const MAX = BigInt(MAX_MINOR_UNITS);

/** What the books say to a command: it is refused for this, or done, or was done before. */
type Verdict = RejectionCode | 'done' | 'done before';

/** Money set aside for a transfer, as it is written at the foot of a page. */
interface SetAside {
  amount: bigint;
  readonly kind: 'reserved' | 'held' | 'captured';
  readonly expiresAt?: string;
  readonly reverses?: string | undefined;
}

/** An account's page. */
export interface Page {
  readonly currency: string;
  limit: bigint;
  stands: 'open' | 'frozen out' | 'frozen' | 'closed';
  balance: bigint;
  /** What ever came in and went out. */
  readonly in: { count: number; amount: bigint };
  readonly out: { count: number; amount: bigint };
  readonly aside: Map<string, SetAside>;
}

/** The books of a bank, and the clerk who keeps them. */
export interface Books {
  readonly pages: ReadonlyMap<string, Page>;
  /** How much of each transfer is taken back. */
  readonly takenBack: ReadonlyMap<string, bigint>;
  /**
   * Decides a command, and keeps what follows.
   * @param at the time that its entries will have.
   * @param isAtOnce whether a transfer moves the money at once or not at all.
   */
  judge(command: Command, at: string, isAtOnce: boolean): Verdict;
}

/**
 * The bank's rules told a second time, as a clerk would keep them: one page per account, corrected
 * in place, in numbers without an upper end. No events, no versions. What the ledger decides must
 * come out the same here.
 */
export const openBooks = (): Books => {
  const pages = new Map<string, Page>();
  const takenBack = new Map<string, bigint>();
  return {
    pages,
    takenBack,
    judge: (command, at, isAtOnce) => {
      if (command.type === 'open') return open(pages, command);
      if (command.type === 'post') return post(pages, command);
      const page = pages.get(command.accountId);
      if (!page) return 'account_not_found';
      if (isAtOnce && command.type === 'reserve') return move(pages, page, command);
      return ofPage(page, command, at, takenBack);
    },
  };
};

const open = (pages: Map<string, Page>, command: Command & { type: 'open' }): Verdict => {
  if (pages.has(command.accountId)) return 'account_already_exists';
  pages.set(command.accountId, {
    currency: command.currency,
    limit: BigInt(command.overdraftLimit),
    stands: 'open',
    balance: 0n,
    in: { count: 0, amount: 0n },
    out: { count: 0, amount: 0n },
    aside: new Map(),
  });
  return 'done';
};

const ofPage = (
  page: Page,
  command: Exclude<Command, { type: 'open' | 'post' }>,
  at: string,
  takenBack: Map<string, bigint>,
): Verdict => {
  switch (command.type) {
    case 'freeze': {
      const wanted = command.scope === 'all' ? 'frozen' : 'frozen out';
      if (page.stands === 'closed') return 'account_not_open';
      return change(page.stands !== wanted, () => (page.stands = wanted));
    }
    case 'unfreeze':
      if (page.stands === 'closed') return 'account_not_open';
      return change(page.stands !== 'open', () => (page.stands = 'open'));
    case 'close':
      if (page.stands === 'closed') return 'done before';
      if (page.stands !== 'open') return 'account_not_open';
      if (page.balance !== 0n || page.aside.size > 0) return 'account_not_empty';
      return change(true, () => (page.stands = 'closed'));
    case 'amend': {
      if (page.stands === 'closed') return 'account_not_open';
      const limit =
        command.overdraftLimit === undefined ? page.limit : BigInt(command.overdraftLimit);
      if (free(page) + limit < 0n) return 'limit_in_use';
      return change(limit !== page.limit, () => (page.limit = limit));
    }
    case 'deposit':
    case 'credit':
      return (
        whyNotIn(page, command.currency, BigInt(command.amount)) ??
        payIn(page, BigInt(command.amount))
      );
    case 'withdraw':
      return (
        whyNotOut(page, command.currency, BigInt(command.amount)) ??
        payOut(page, BigInt(command.amount))
      );
    case 'reserve':
    case 'hold':
    case 'reverse':
      return setAside(page, command, at, takenBack);
    case 'capture':
    case 'void':
    case 'expire':
      return endHold(page, command, at);
    case 'settle':
    case 'release': {
      const aside = page.aside.get(command.transferId);
      if (!aside || aside.kind === 'held') return 'done before';
      page.aside.delete(command.transferId);
      if (command.type === 'settle') return payOut(page, aside.amount);
      if (aside.reverses)
        takenBack.set(aside.reverses, (takenBack.get(aside.reverses) ?? 0n) - aside.amount);
      return 'done';
    }
  }
};

const setAside = (
  page: Page,
  command: Command & { type: 'reserve' | 'hold' | 'reverse' },
  at: string,
  takenBack: Map<string, bigint>,
): Verdict => {
  if (command.to === command.accountId) return 'same_account';
  if (page.aside.has(command.transferId)) return 'done before';
  if (page.stands !== 'open') return 'account_not_open';
  if (command.currency !== undefined && command.currency !== page.currency)
    return 'currency_mismatch';
  const original = command.type === 'reverse' ? command.reverses : undefined;
  const before = (original && takenBack.get(original.transferId)) ?? 0n;
  const left = original ? BigInt(original.amount) - before : MAX;
  const amount = command.amount === undefined ? left : BigInt(command.amount);
  if (amount === 0n || amount > left) return 'already_reversed';
  const refusal = whyNotOut(page, undefined, amount);
  if (refusal) return refusal;
  if (asideOn(page) + amount > MAX) return 'amount_out_of_range';
  if (command.type === 'hold') {
    if (!command.expiresAt) throw new Error('the books want to know how long it is held');
    if (command.expiresAt <= at) return 'hold_expired';
    page.aside.set(command.transferId, { amount, kind: 'held', expiresAt: command.expiresAt });
  } else {
    page.aside.set(command.transferId, {
      amount,
      kind: 'reserved',
      reverses: original?.transferId,
    });
    if (original) takenBack.set(original.transferId, before + amount);
  }
  return 'done';
};

const endHold = (
  page: Page,
  command: Command & { type: 'capture' | 'void' | 'expire' },
  at: string,
): Verdict => {
  const aside = page.aside.get(command.transferId);
  const isOver = aside?.expiresAt !== undefined && at >= aside.expiresAt;
  if (command.type === 'expire') {
    const ends = aside?.kind === 'held' && isOver;
    return change(ends, () => page.aside.delete(command.transferId));
  }
  if (!aside) return 'hold_ended';
  if (aside.kind !== 'held') return aside.kind === 'captured' ? 'hold_captured' : 'not_held';
  if (command.type === 'void') return change(true, () => page.aside.delete(command.transferId));
  if (page.stands !== 'open') return 'account_not_open';
  if (isOver) return 'hold_expired';
  const amount = command.amount === undefined ? aside.amount : BigInt(command.amount);
  if (amount > aside.amount) return 'exceeds_hold';
  return change(true, () => page.aside.set(command.transferId, { amount, kind: 'captured' }));
};

/** A transfer at once: the two pages are written side by side, or neither is. */
const move = (
  pages: Map<string, Page>,
  page: Page,
  command: Command & { type: 'reserve' },
): Verdict => {
  const amount = BigInt(command.amount);
  const other = pages.get(command.to);
  const refusal = whyNotOut(page, command.currency, amount);
  if (refusal) return refusal;
  if (!other) return 'account_not_found';
  const otherRefusal = whyNotIn(other, command.currency ?? page.currency, amount);
  if (otherRefusal) return otherRefusal;
  payOut(page, amount);
  return payIn(other, amount);
};

const post = (pages: Map<string, Page>, { legs }: Command & { type: 'post' }): Verdict => {
  const currency = legs.flatMap(({ accountId }) => pages.get(accountId)?.currency ?? [])[0];
  // What the caller's own accounts say is told first.
  const [out, into] = [
    legs.filter(({ amount }) => amount < 0),
    legs.filter(({ amount }) => amount > 0),
  ];
  for (const { accountId, amount } of [...out, ...into]) {
    const page = pages.get(accountId);
    if (!page) return 'account_not_found';
    const refusal =
      amount > 0
        ? whyNotIn(page, currency, BigInt(amount))
        : whyNotOut(page, currency, -BigInt(amount));
    if (refusal) return refusal;
  }
  for (const { accountId, amount } of legs) {
    const page = pages.get(accountId);
    if (!page) continue;
    if (amount > 0) payIn(page, BigInt(amount));
    else payOut(page, -BigInt(amount));
  }
  return 'done';
};

const whyNotIn = (
  page: Page,
  currency: string | undefined,
  amount: bigint,
): RejectionCode | undefined => {
  if (page.stands === 'frozen' || page.stands === 'closed') return 'account_not_open';
  if (currency !== undefined && currency !== page.currency) return 'currency_mismatch';
  return page.balance + amount > MAX ? 'amount_out_of_range' : undefined;
};

const whyNotOut = (
  page: Page,
  currency: string | undefined,
  amount: bigint,
): RejectionCode | undefined => {
  if (page.stands !== 'open') return 'account_not_open';
  if (currency !== undefined && currency !== page.currency) return 'currency_mismatch';
  return free(page) + page.limit < amount ? 'insufficient_funds' : undefined;
};

const payIn = (page: Page, amount: bigint): Verdict => {
  page.balance += amount;
  page.in.count += 1;
  page.in.amount += amount;
  return 'done';
};

const payOut = (page: Page, amount: bigint): Verdict => {
  page.balance -= amount;
  page.out.count += 1;
  page.out.amount += amount;
  return 'done';
};

const change = (isNew: boolean, make: () => unknown): Verdict => {
  if (isNew) make();
  return isNew ? 'done' : 'done before';
};

/** All that is set aside at the foot of a page. */
export const asideOn = (page: Page): bigint =>
  [...page.aside.values()].reduce((all, { amount }) => all + amount, 0n);

const free = (page: Page): bigint => page.balance - asideOn(page);
