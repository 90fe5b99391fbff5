import { isAtOnce, type PlacedEvent, type Remains } from '../remains.ts';
import type { Report } from '../violation.ts';

/**
 * Every hold is captured or given back, once. Every reservation ends once: settled and credited once, with the same amount, or released and
 * never credited. A transfer without one was carried out at once: it is two events of one
 * transaction that name each other.
 */
export const checkTransfers = ({ events }: Remains, report: Report): void => {
  checkReversals(events, report);
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
    const [begun, ...others] = [...of('MoneyReserved'), ...of('MoneyHeld')];
    if (others.length > 0) broken('one id is one transfer');
    if (begun?.type !== 'MoneyReserved' && begun?.type !== 'MoneyHeld') {
      broken('a transfer begins with a reservation or a hold');
      continue;
    }
    const { accountId: from } = begun;
    const { to } = begun.data;
    const captures = of('HoldCaptured').filter(({ accountId }) => accountId === from);
    const [captured] = captures;
    if (captures.length > (begun.type === 'MoneyHeld' ? 1 : 0)) broken('a hold is captured once');
    if (captured?.type === 'HoldCaptured' && captured.data.amount > begun.data.amount)
      broken('no more is captured than was held');
    const amount = captured?.type === 'HoldCaptured' ? captured.data.amount : begun.data.amount;
    const ended = of('ReservationCancelled').filter(({ accountId }) => accountId === from);
    if (ended.length !== 1) broken('a reservation ends exactly once');
    const isGivenBack = ended.some(
      ({ data }) => 'reason' in data && (data.reason === 'voided' || data.reason === 'expired'),
    );
    if (begun.type === 'MoneyHeld' ? isGivenBack === (captured !== undefined) : isGivenBack)
      broken('a hold is captured, or given back');
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

/** What takes a transfer back, and was not released, is together never more than it. */
const checkReversals = (events: readonly PlacedEvent[], report: Report): void => {
  const released = new Set(
    events.flatMap(({ type, data }) =>
      type === 'ReservationCancelled' && data.reason !== undefined ? [data.transferId] : [],
    ),
  );
  const reversals = events.flatMap(({ type, data }) =>
    type === 'MoneyReserved' && data.reverses !== undefined && !released.has(data.transferId)
      ? [{ reverses: data.reverses, amount: data.amount }]
      : [],
  );
  for (const [transferId, of] of Map.groupBy(reversals, ({ reverses }) => reverses)) {
    const paid = events.find(
      ({ type, data }) => type === 'MoneyDeposited' && data.transferId === transferId,
    );
    const sum = of.reduce((total, { amount }) => total + amount, 0);
    if (paid?.type !== 'MoneyDeposited' || sum > paid.data.amount)
      report('reversals are together never more than what was paid', { transferId, of, paid });
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
