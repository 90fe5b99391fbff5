import * as fc from 'fast-check';
import { AccountId } from '../../../events/values.ts';
import { available } from '../../../functions/ledger/account.ts';
import { createMemoryLedger, type MemoryLedger } from './memory-ledger.ts';

/**
 * Something that happens to a small bank of three accounts, each command alone or several in one
 * commit.
 */
const happening = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('deposit' as const),
      account: fc.nat(2),
      amount: amount(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('withdraw' as const),
      account: fc.nat(2),
      amount: amount(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('reserve' as const),
      account: fc.nat(2),
      to: fc.nat(3),
      amount: amount(),
      id: fc.nat(7),
      together: fc.boolean(),
      isHeld: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('reverse' as const),
      pick: fc.nat(),
      id: fc.nat(7),
      amount: amount(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('at_once' as const),
      account: fc.nat(2),
      to: fc.nat(2),
      amount: amount(),
      id: fc.nat(7),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('advance' as const),
      pick: fc.nat(),
      how: fc.constantFrom('capture', 'capture a part', 'void', 'expire'),
    }),
  },
);

type Happening = typeof happening extends fc.Arbitrary<infer Value> ? Value : never;

/**
 * A bank's history as the saga would have left it at some moment: transfers reserved, credited,
 * settled and released, and some that went the short way.
 */
export const anyHistory = (): fc.Arbitrary<MemoryLedger> =>
  fc.array(happening, { maxLength: 60, size: 'max' }).map(historyOf);

function amount() {
  return fc.integer({ min: 1, max: 500 });
}

interface Underway {
  readonly transferId: string;
  readonly from: string;
  readonly to: string;
  amount: number;
  isHeld: boolean;
  credit?: 'accepted' | 'rejected';
}

const historyOf = (happenings: readonly Happening[]): MemoryLedger => {
  const ledger = createMemoryLedger();
  for (const accountId of ['a', 'b', 'c']) {
    ledger.commit(
      { type: 'open', accountId, owner: 'alice', currency: 'EUR', overdraftLimit: 0 },
      { type: 'deposit', accountId, amount: 1_000 },
    );
  }
  const taken = new Set<string>();
  const underway: Underway[] = [];
  /** What was paid, and may be taken back. */
  const credited: Underway[] = [];
  for (const happens of happenings) {
    if (happens.kind === 'advance') {
      const [transfer] = underway.splice(happens.pick % Math.max(1, underway.length), 1);
      if (transfer && !advance(ledger, transfer, happens.how)) underway.push(transfer);
      if (transfer?.credit === 'accepted' && !credited.includes(transfer)) credited.push(transfer);
      continue;
    }
    if (happens.kind === 'reverse') {
      const paid = credited[happens.pick % Math.max(1, credited.length)];
      const [transferId, key] = [`v${happens.id}`, `v${happens.id} ${paid?.to}`];
      if (!paid || taken.has(key)) continue;
      const done = ledger.commit({
        ...{ type: 'reverse', accountId: paid.to, transferId, to: paid.from, currency: 'EUR' },
        ...{ reverses: { transferId: paid.transferId, amount: paid.amount } },
        amount: Math.min(paid.amount, happens.amount),
      });
      const [event] = done?.commit.events ?? [];
      if (event?.type !== 'MoneyReserved') continue;
      taken.add(key);
      const { amount } = event.data;
      underway.push({ transferId, from: paid.to, to: paid.from, amount, isHeld: false });
      continue;
    }
    const accountId = name(happens.account);
    if (happens.kind === 'at_once') {
      const [transferId, to] = [`t${happens.id}`, name(happens.to)];
      if (taken.has(`${transferId} ${accountId}`) || to === accountId) continue;
      const { account } = ledger.tailOf(AccountId.parse(accountId));
      if (!account || available(account) < happens.amount) continue;
      taken.add(`${transferId} ${accountId}`);
      ledger.transferAtOnce(transferId, accountId, to, happens.amount);
      continue;
    }
    if (happens.kind !== 'reserve') {
      ledger.commit({
        type: happens.kind,
        accountId,
        amount: happens.amount,
        reference: 'at the counter',
      });
      continue;
    }
    // Two sources may choose the same id; the same source may not, as its command's record would
    // tell.
    const transfer = {
      transferId: `t${happens.id}`,
      from: accountId,
      to: name(happens.to),
      amount: happens.amount,
    };
    const key = `${transfer.transferId} ${accountId}`;
    if (taken.has(key)) continue;
    const { from: _, ...rest } = transfer;
    const { isHeld } = happens;
    const metadata = { order: '4711' };
    const reserve = {
      ...{ accountId, ...rest, reference: 'rent', metadata },
      ...(isHeld ? { type: 'hold', expiresAt: EXPIRES } : { type: 'reserve' }),
    };
    const beside = { type: 'deposit', accountId, amount: 1 };
    const done = ledger.commit(...(happens.together ? [beside, reserve] : [reserve]));
    if (!done?.commit.events.some(({ type }) => SET_ASIDE.has(type))) continue;
    taken.add(key);
    underway.push({ ...transfer, isHeld });
  }
  return ledger;
};

const SET_ASIDE: ReadonlySet<string> = new Set(['MoneyReserved', 'MoneyHeld']);

/** The memory ledger's clock never comes so far by itself. */
const EXPIRES = '2026-11-21T12:30:00.000Z';

/**
 * Does a transfer's next step. The account `d` does not exist: what goes there is rejected, then
 * released.
 * @param how a hold ends.
 */
const advance = (
  ledger: MemoryLedger,
  transfer: Underway,
  how: 'capture' | 'capture a part' | 'void' | 'expire',
): boolean => {
  const { transferId, from, to, amount } = transfer;
  if (transfer.isHeld) {
    if (how === 'void' || how === 'expire')
      return ledger.endHold(how, from, transferId) !== undefined;
    const captured = how === 'capture' ? amount : Math.ceil(amount / 2);
    ledger.commit({ type: 'capture', accountId: from, transferId, amount: captured });
    transfer.isHeld = false;
    transfer.amount = captured;
    return false;
  }
  if (transfer.credit === 'accepted')
    return ledger.commit({ type: 'settle', accountId: from, transferId }) !== undefined;
  if (transfer.credit === 'rejected') {
    return (
      ledger.commit({
        type: 'release',
        accountId: from,
        transferId,
        reason: 'account_not_found',
      }) !== undefined
    );
  }
  const credit = {
    type: 'credit',
    accountId: to,
    transferId,
    from,
    amount,
    currency: 'EUR',
    reference: 'rent',
  };
  transfer.credit = ledger.commit(credit) ? 'accepted' : 'rejected';
  return false;
};

const name = (index: number): string => 'abcd'.charAt(index);
