import { isAtOnce, type PlacedEvent, type Remains } from '../remains.ts';
import type { Report } from '../violation.ts';

/**
 * Every reservation ends once: settled and credited once, with the same amount, or released and
 * never credited. A transfer without one was carried out at once: it is two events of one
 * transaction that name each other.
 */
export const checkTransfers = ({ events }: Remains, report: Report): void => {
  const transfers = Map.groupBy(events.filter(isOfTransfer), ({ data }) =>
    'transferId' in data ? data.transferId : '',
  );
  for (const [transferId, about] of transfers) {
    const of = (type: PlacedEvent['type']) => about.filter((event) => event.type === type);
    const where = about.map(({ type, accountId, version, data }) => ({
      type,
      at: `${accountId}/${version}`,
      data,
    }));
    const broken = (rule: string) => report(rule, { transferId, where });
    if (about.some(isAtOnce)) {
      checkAtOnce(about, broken);
      continue;
    }
    const [reserved, ...others] = of('MoneyReserved');
    if (others.length > 0) broken('one id is one transfer');
    if (reserved?.type !== 'MoneyReserved') {
      broken('a transfer begins with a reservation');
      continue;
    }
    const { accountId: from } = reserved;
    const { to, amount } = reserved.data;
    const ended = of('ReservationCancelled').filter(({ accountId }) => accountId === from);
    if (ended.length !== 1) broken('a reservation ends exactly once');
    const settled = of('MoneyWithdrawn').filter(({ accountId }) => accountId === from);
    const credited = of('MoneyDeposited');
    if (settled.length > 1) broken('a reservation is settled once');
    if (credited.length !== settled.length)
      broken('a transfer is credited exactly once if it is settled, and never if it is released');
    for (const { type, accountId, data } of credited) {
      if (type !== 'MoneyDeposited') continue;
      if (accountId !== to || data.amount !== amount || data.counterparty !== from)
        broken('a credit is what was reserved');
    }
    for (const { data } of settled)
      if (!('amount' in data) || data.amount !== amount)
        broken('a settlement is what was reserved');
  }
};

const checkAtOnce = (about: readonly PlacedEvent[], broken: (rule: string) => void): void => {
  const [paid, ...otherPaid] = about.filter(({ type }) => type === 'MoneyWithdrawn');
  const [got, ...otherGot] = about.filter(({ type }) => type === 'MoneyDeposited');
  const others = about.length - 2 + otherPaid.length + otherGot.length;
  if (paid?.type !== 'MoneyWithdrawn' || got?.type !== 'MoneyDeposited' || others > 0) {
    broken('a transfer at once is a withdrawal and a deposit, and nothing else');
    return;
  }
  const namesEachOther =
    paid.data.counterparty === got.accountId &&
    paid.data.counterpartyVersion === got.version &&
    got.data.counterparty === paid.accountId &&
    got.data.counterpartyVersion === paid.version;
  if (!namesEachOther || paid.data.amount !== got.data.amount || paid.at !== got.at)
    broken('the two sides of a transfer at once are of one transaction');
};

const isOfTransfer = ({ data }: PlacedEvent): boolean =>
  'transferId' in data && data.transferId !== undefined;
