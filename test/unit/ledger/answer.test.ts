import { describe, expect, it } from 'vitest';
import type { AccountEvent } from '../../../events/event.ts';
import { AccountId, Version } from '../../../events/values.ts';
import type { Account, Command } from '../../../functions/ledger/account.ts';
import { Answer, accountView, answerOf } from '../../../functions/ledger/answers.ts';
import { Entry, entryOf } from '../../../functions/ledger/statement.ts';
import { Transfer } from '../../../functions/ledger/transfer.ts';
import { credited, deposited, MAX, opened, reserved, settled, withdrawn } from './facts.ts';
import { ALICE, fold, given, NOON, partOf, recorded } from './given.ts';
import { credit, deposit, open, release, reserve, settle, withdraw } from './requests.ts';

const a1 = AccountId.parse('a1');

/** A command that was accepted and led to no events. */
const untouched = (command: Command, account: Account, version: Version) => ({
  command: partOf(command),
  before: account,
  account,
  events: [],
  version,
  actor: ALICE,
});

// The examples of the HTTP contract, word for word.
const exampleAccount = {
  accountId: 'a1',
  owner: 'alice',
  currency: 'EUR',
  status: 'open',
  balance: 10000,
  reserved: 2500,
  available: 7500,
  overdraftLimit: 0,
  version: 4,
  openedAt: '2026-11-21T10:00:00.000Z',
};
const exampleEntry = {
  entryId: 'a1-6',
  accountId: 'a1',
  kind: 'transfer_out',
  amount: 2500,
  balanceAfter: 7500,
  version: 6,
  at: NOON,
  reference: 'rent',
  transferId: 't1',
  counterparty: 'b1',
};
const exampleTransfer = {
  transferId: 't1',
  from: 'a1',
  to: 'b1',
  amount: 2500,
  currency: 'EUR',
  status: 'settled',
  reference: 'rent',
  requestedAt: NOON,
  endedAt: NOON,
  steps: [
    { step: 'reserved', accountId: 'a1', version: 4, at: NOON },
    { step: 'credited', accountId: 'b1', version: 2, at: NOON },
    { step: 'settled', accountId: 'a1', version: 6, at: NOON },
  ],
};
/** The stream behind the examples. */
const rent = [
  opened(),
  deposited(6000),
  deposited(4000),
  reserved('t1', 2500, { reference: 'rent' }),
];

const accountAfter = (...events: AccountEvent[]): Account => {
  const account = fold(recorded(events));
  if (!account) throw new Error('no event opens the account');
  return account;
};

describe('the answer to a command', () => {
  const entry = { entryId: 'a1-2', accountId: 'a1', version: 2, at: NOON };

  it('to open is the account', () =>
    given()
      .when(open({ overdraftLimit: 50 }))
      .answers({
        ...exampleAccount,
        balance: 0,
        reserved: 0,
        available: 0,
        overdraftLimit: 50,
        version: 1,
        openedAt: NOON,
      }));
  it('to deposit is the line of the statement', () =>
    given(opened())
      .when(deposit(MAX))
      .answers({
        ...entry,
        kind: 'deposit',
        amount: MAX,
        balanceAfter: MAX,
        availableAfter: MAX,
      }));
  it('to withdraw is the line, with the reference and a balance that may be negative', () =>
    given(opened({ overdraftLimit: 5 }))
      .when(withdraw(5, { reference: 'cash' }))
      .answers({
        ...entry,
        kind: 'withdrawal',
        amount: 5,
        balanceAfter: -5,
        reference: 'cash',
        availableAfter: -5,
      }));
  it('to credit is the line, with the transfer and the other account', () =>
    given(opened())
      .when(credit('t1', 5))
      .answers({
        ...entry,
        kind: 'transfer_in',
        amount: 5,
        balanceAfter: 5,
        transferId: 't1',
        counterparty: 'b1',
      }));
  it('to reserve is the transfer, reserved', () => {
    const { endedAt: _, ...transfer } = exampleTransfer;
    given(...rent.slice(0, 3))
      .when(reserve('t1', 2500, { reference: 'rent' }))
      .answers({
        ...transfer,
        status: 'reserved',
        steps: transfer.steps.slice(0, 1),
        availableAfter: 7500,
      });
  });
  it('to reserve names the currency of the account where the client named none, and no reference without one', () =>
    given(opened({ currency: 'JPY', overdraftLimit: 1 }))
      .when(reserve('t1', 1))
      .answers({
        transferId: 't1',
        from: 'a1',
        to: 'b1',
        amount: 1,
        currency: 'JPY',
        status: 'reserved',
        requestedAt: NOON,
        steps: [{ step: 'reserved', accountId: 'a1', version: 2, at: NOON }],
        availableAfter: -1,
      }));
  it('to reserve again, while its reservation is open, is the transfer as it was reserved', () => {
    const { endedAt: _, ...transfer } = exampleTransfer;
    const { reference: __, ...transferWithoutReference } = transfer;
    given(...rent, deposited(1))
      .when(reserve('t1', 2500))
      .answers({
        ...transferWithoutReference,
        status: 'reserved',
        steps: transfer.steps.slice(0, 1),
        availableAfter: 7501,
      });
  });
  it.each([
    ['open', open()],
    ['deposit', deposit(1)],
    ['withdraw', withdraw(1)],
    ['credit', credit('t1', 1)],
  ])('to %s, accepted without events, is the account as it is', (_, command) => {
    const version = Version.parse(rent.length);
    const account = accountAfter(...rent);
    expect(answerOf(untouched(command, account, version))).toStrictEqual(
      accountView(a1, account, version),
    );
  });
  it('to reserve what is not reserved is a bug, and says so', () => {
    const account = accountAfter(opened());
    expect(() => answerOf(untouched(reserve('t1', 1), account, Version.parse(1)))).toThrow(
      'its transfer t1 is not reserved',
    );
  });
  it.each<[string, Command]>([
    ['settle', settle('t1')],
    ['release', release('t1', 'account_not_found')],
    ['settle what is not reserved', settle('t9')],
  ])('to %s is nothing: nobody waits for it', (_, command) =>
    given(...rent)
      .when(command)
      .answers(undefined),
  );
});

describe('the account as the API shows it', () => {
  it('is the example of the contract', () => {
    const account = fold(recorded(rent, 1, exampleAccount.openedAt));
    expect(account && accountView(a1, account, Version.parse(4))).toStrictEqual(exampleAccount);
  });
});

describe('the statement', () => {
  const lines = (...events: AccountEvent[]) => {
    const following = recorded(events);
    return following.map((event, index) => {
      const account = fold(following.slice(0, index).concat(event));
      return account && entryOf(a1, event, account.balance);
    });
  };

  it('has the example of the contract as the line of a settlement', () =>
    expect(lines(...rent, ...settled('t1', 2500, { reference: 'rent' })).at(-1)).toStrictEqual(
      exampleEntry,
    ));
  it('has no line for what moves no balance', () =>
    expect(lines(...rent, ...settled('t1', 2500)).map((line) => line?.version)).toEqual([
      undefined,
      2,
      3,
      undefined,
      undefined,
      6,
    ]));
  it('tells money from outside from a transfer', () =>
    expect(
      lines(opened(), deposited(5), credited('t1', 5), withdrawn(5)).map((line) => line?.kind),
    ).toEqual([undefined, 'deposit', 'transfer_in', 'withdrawal']));
});

describe('the schemas of what the API shows', () => {
  it.each([
    ['account', Answer, exampleAccount],
    ['entry', Entry, exampleEntry],
    ['entry as an answer', Answer, exampleEntry],
    ['transfer', Transfer, exampleTransfer],
    ['transfer as an answer', Answer, exampleTransfer],
  ])('take the %s of the contract as it is', (_, schema, example) =>
    expect(schema.parse(example)).toStrictEqual(example),
  );

  it.each(['deposit', 'withdrawal', 'transfer_in', 'transfer_out'])(
    'take an entry of the kind %s',
    (kind) => expect(Entry.safeParse({ ...exampleEntry, kind }).success).toBe(true),
  );
  it.each(['reserved', 'credited', 'settled', 'released'])('take a transfer that is %s', (status) =>
    expect(Transfer.safeParse({ ...exampleTransfer, status }).success).toBe(true),
  );

  // What a later deployment recorded is replayed by an earlier one: it drops what it does not know.
  it.each([
    ['account', exampleAccount],
    ['entry', exampleEntry],
    ['transfer', exampleTransfer],
  ])('read a recorded %s with a field too many without it', (_, example) =>
    expect(Answer.parse({ ...example, nickname: 'rent' })).toStrictEqual(example),
  );
  it('read a step with a field too many without it', () => {
    const steps = exampleTransfer.steps.map((step) => ({ ...step, actor: 'alice' }));
    expect(Answer.parse({ ...exampleTransfer, steps })).toStrictEqual(exampleTransfer);
  });
  it.each([
    ['account without its version', { ...exampleAccount, version: undefined }],
    ['account that is asleep', { ...exampleAccount, status: 'asleep' }],
    ['entry without its account', { ...exampleEntry, accountId: undefined }],
    ['entry of another kind', { ...exampleEntry, kind: 'fee' }],
    ['transfer without its steps', { ...exampleTransfer, steps: undefined }],
    ['transfer of another status', { ...exampleTransfer, status: 'lost' }],
    [
      'transfer with a step of another name',
      { ...exampleTransfer, steps: [{ ...exampleTransfer.steps[0], step: 'lost' }] },
    ],
    [
      'transfer with a step without its time',
      { ...exampleTransfer, steps: [{ ...exampleTransfer.steps[0], at: undefined }] },
    ],
  ])('refuse an %s', (_, stored) => expect(Answer.safeParse(stored).success).toBe(false));
});
