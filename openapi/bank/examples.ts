import { accounts, transfers } from '../examples.ts';

/** Accounts that were frozen and closed, and one with a name. */
export const frozen = { ...accounts.reserved, status: 'frozen', frozen: 'debits', version: 5 };
export const closed = {
  ...accounts.opened,
  status: 'closed',
  version: 7,
  closedAt: '2026-12-01T09:00:00.000Z',
};
export const described = {
  ...accounts.opened,
  name: 'Household',
  metadata: { 'crm.id': '4711' },
  version: 2,
};

const step = { step: 'held', accountId: 'a1', version: 4, at: '2026-11-21T10:00:03.000Z' };

/** A transfer that is held, once it is captured, and where it was voided. */
export const held = {
  ...transfers.reserved,
  status: 'held',
  heldAmount: 2500,
  expiresAt: '2026-11-28T10:00:03.000Z',
  steps: [step],
};
export const captured = {
  ...held,
  amount: 2000,
  status: 'reserved',
  steps: [step, { step: 'reserved', accountId: 'a1', version: 5, at: '2026-11-21T11:00:00.000Z' }],
};
export const voided = {
  ...held,
  status: 'released',
  reason: 'voided',
  endedAt: '2026-11-21T11:00:00.000Z',
  steps: [step, { step: 'released', accountId: 'a1', version: 5, at: '2026-11-21T11:00:00.000Z' }],
};

/** The transfer that takes the rent back. */
export const reversal = {
  ...transfers.reserved,
  transferId: 't2',
  from: 'b1',
  to: 'a1',
  reference: 'rent, paid twice',
  reverses: 't1',
  steps: [{ step: 'reserved', accountId: 'b1', version: 3, at: '2026-11-21T10:00:03.000Z' }],
};

/** A sale, of which the house keeps a fee. */
export const posting = {
  postingId: 'p1',
  currency: 'EUR',
  legs: [
    { accountId: 'a1', amount: -100, version: 7 },
    { accountId: 'b1', amount: 97, version: 3 },
    { accountId: 'f1', amount: 3, version: 90 },
  ],
  at: '2026-11-21T10:00:05.000Z',
  reference: 'order 4711',
};

/** November of an account. */
export const statement = {
  accountId: 'a1',
  currency: 'EUR',
  from: '2026-11-01T00:00:00.000Z',
  to: '2026-11-30T23:59:59.999Z',
  openingBalance: 0,
  closingBalance: 7500,
  credits: { count: 1, amount: 10000 },
  debits: { count: 1, amount: 2500 },
  firstVersion: 1,
  lastVersion: 6,
  head: { version: 6, hash: 'pZ3n0yq8m5b1sY2J6t7Uu4Qe9rXcVwKdLhGfAoTiB0E' },
  final: true,
};
