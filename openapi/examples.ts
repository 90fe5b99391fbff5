/** The values that the examples of the document are made of: one rent, paid from a1 to b1. */

const opened = {
  accountId: 'a1',
  owner: 'alice',
  currency: 'EUR',
  status: 'open',
  balance: 0,
  reserved: 0,
  available: 0,
  overdraftLimit: 0,
  version: 1,
  openedAt: '2026-11-21T10:00:00.000Z',
};
const reserved = { ...opened, balance: 10000, reserved: 2500, available: 7500, version: 4 };

/** An account, as it was opened and while the rent is reserved on it. */
export const accounts = { opened, reserved };

/** Lines of its statement. */
export const entries = {
  deposit: {
    entryId: 'a1-2',
    accountId: 'a1',
    kind: 'deposit',
    amount: 10000,
    balanceAfter: 10000,
    version: 2,
    at: '2026-11-21T10:00:01.000Z',
    reference: 'salary',
  },
  withdrawal: {
    entryId: 'a1-3',
    accountId: 'a1',
    kind: 'withdrawal',
    amount: 2500,
    balanceAfter: 7500,
    version: 3,
    at: '2026-11-21T10:00:02.000Z',
    reference: 'rent',
  },
  transferOut: {
    entryId: 'a1-6',
    accountId: 'a1',
    kind: 'transfer_out',
    amount: 2500,
    balanceAfter: 7500,
    version: 6,
    at: '2026-11-21T10:00:03.120Z',
    reference: 'rent',
    transferId: 't1',
    counterparty: 'b1',
  },
};

const reservation = {
  step: 'reserved',
  accountId: 'a1',
  version: 4,
  at: '2026-11-21T10:00:03.000Z',
};
const underWay = {
  transferId: 't1',
  from: 'a1',
  to: 'b1',
  amount: 2500,
  currency: 'EUR',
  status: 'reserved',
  reference: 'rent',
  requestedAt: reservation.at,
  steps: [reservation],
};

/** The transfer, as it begins and as it ends. */
export const transfers = {
  reserved: underWay,
  settled: {
    ...underWay,
    status: 'settled',
    endedAt: '2026-11-21T10:00:03.120Z',
    steps: [
      reservation,
      { step: 'credited', accountId: 'b1', version: 2, at: '2026-11-21T10:00:03.060Z' },
      { step: 'settled', accountId: 'a1', version: 6, at: '2026-11-21T10:00:03.120Z' },
    ],
  },
  released: {
    ...underWay,
    status: 'released',
    reason: 'account_not_found',
    endedAt: '2026-11-21T10:00:03.090Z',
    steps: [
      reservation,
      { step: 'released', accountId: 'a1', version: 5, at: '2026-11-21T10:00:03.090Z' },
    ],
  },
};

const pending = {
  accountId: 'a1',
  commandId: '019aa5f2-7a10-7c3e-9b1d-2f6c8e4a5b70',
  status: 'pending',
};
const at = '2026-11-21T10:00:01.000Z';

/** A command on a hot account: as the 202 has it, and as it is read afterwards. */
export const commands = {
  pending,
  stillPending: { ...pending, at },
  accepted: { ...pending, status: 'accepted', at, version: 2, answer: entries.deposit },
  rejected: {
    ...pending,
    status: 'rejected',
    at,
    rejection: {
      code: 'insufficient_funds',
      detail: '7500 available, 10000 asked for.',
      available: 7500,
    },
  },
};
