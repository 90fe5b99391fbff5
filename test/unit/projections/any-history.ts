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
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('advance' as const), pick: fc.nat() }) },
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
  readonly amount: number;
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
  for (const happens of happenings) {
    if (happens.kind === 'advance') {
      const [transfer] = underway.splice(happens.pick % Math.max(1, underway.length), 1);
      if (transfer && !advance(ledger, transfer)) underway.push(transfer);
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
    const reserve = { type: 'reserve', accountId, ...rest, reference: 'rent' };
    const beside = { type: 'deposit', accountId, amount: 1 };
    const done = ledger.commit(...(happens.together ? [beside, reserve] : [reserve]));
    if (!done?.commit.events.some(({ type }) => type === 'MoneyReserved')) continue;
    taken.add(key);
    underway.push(transfer);
  }
  return ledger;
};

/**
 * Does a transfer's next step. The account `d` does not exist: what goes there is rejected, then
 * released.
 */
const advance = (ledger: MemoryLedger, transfer: Underway): boolean => {
  const { transferId, from, to, amount } = transfer;
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
