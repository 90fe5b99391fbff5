import { describe, expect, it } from 'vitest';
import { foldCommits } from '../../../functions/projections/fold-commits.ts';
import { createMemoryLedger } from './memory-ledger.ts';

const open = { type: 'open', accountId: 'a', owner: 'alice', currency: 'EUR', overdraftLimit: 50 };
const deposit = (amount: number) => ({
  type: 'deposit',
  accountId: 'a',
  amount,
  reference: 'wages',
});
const reserve = (transferId: string, amount: number) => ({
  type: 'reserve',
  accountId: 'a',
  transferId,
  to: 'b',
  amount,
  reference: 'rent',
});

/** The commits of account a that follow from these commands, one commit each. */
const commitsOf = (...commands: object[]) => {
  const ledger = createMemoryLedger();
  for (const command of commands) ledger.commit(command);
  return ledger.committed.map(({ commit }) => commit);
};

it('makes a summary with what is there, what is reserved and what can be spent', () => {
  const { summary, follows } = foldCommits(
    undefined,
    commitsOf(open, deposit(100), reserve('t1', 30)),
  );
  expect(summary).toMatchObject({
    balance: 100,
    reserved: 30,
    available: 70,
    version: 3,
    overdraftLimit: 50,
  });
  expect(follows).toBe(0);
});

it('makes an entry for each event that moved the balance, with the balance after it', () => {
  const { entries } = foldCommits(
    undefined,
    commitsOf(open, deposit(100), reserve('t1', 30), {
      type: 'settle',
      accountId: 'a',
      transferId: 't1',
    }),
  );
  expect(entries).toMatchObject([
    { entryId: 'a-2', kind: 'deposit', amount: 100, balanceAfter: 100, reference: 'wages' },
    {
      entryId: 'a-5',
      kind: 'transfer_out',
      amount: 30,
      balanceAfter: 70,
      transferId: 't1',
      counterparty: 'b',
    },
  ]);
});

it('goes on from a summary as if it had folded all that came before', () => {
  const commits = commitsOf(open, deposit(100), reserve('t1', 30), deposit(5));
  const { summary } = foldCommits(undefined, commits.slice(0, 2));
  const rest = foldCommits(summary, commits.slice(2));
  expect(rest.summary).toEqual(foldCommits(undefined, commits).summary);
  expect(rest.follows).toBe(2);
});

describe('changes each transfer once, whatever the commits hold of it', () => {
  const transfer = { transferId: 't1', from: 'a' };
  const terms = {
    to: 'b',
    amount: 30,
    currency: 'EUR',
    reference: 'rent',
    correlationId: 'k2-0',
    actor: 'alice',
  };
  const step = (version: number) => expect.objectContaining({ accountId: 'a', version });

  it('its reservation brings its terms, and in whose name it is carried out', () => {
    const { transfers } = foldCommits(undefined, commitsOf(open, deposit(100), reserve('t1', 30)));
    expect(transfers).toEqual([{ ...transfer, ...terms, reserved: step(3) }]);
  });

  it('its reservation and its settlement, which stands at the version of the withdrawal', () => {
    const settle = { type: 'settle', accountId: 'a', transferId: 't1' };
    const { transfers } = foldCommits(
      undefined,
      commitsOf(open, deposit(100), reserve('t1', 30), settle),
    );
    expect(transfers).toEqual([{ ...transfer, ...terms, reserved: step(3), settled: step(5) }]);
  });

  it('its release, with the reason', () => {
    const release = {
      type: 'release',
      accountId: 'a',
      transferId: 't1',
      reason: 'account_not_found',
    };
    const commits = commitsOf(open, deposit(100), reserve('t1', 30), release);
    const before = foldCommits(undefined, commits.slice(0, 3));
    const { transfers } = foldCommits(before.summary, commits.slice(3));
    expect(transfers).toEqual([
      {
        ...transfer,
        released: {
          ...before.transfers[0]?.reserved,
          version: 4,
          at: expect.any(String),
          reason: 'account_not_found',
        },
      },
    ]);
  });

  it('its credit, in the row of the account that it came from', () => {
    const credit = {
      type: 'credit',
      accountId: 'a',
      transferId: 't9',
      from: 'c',
      amount: 7,
      currency: 'EUR',
    };
    expect(foldCommits(undefined, commitsOf(open, credit)).transfers).toEqual([
      { transferId: 't9', from: 'c', credited: step(2) },
    ]);
  });

  it('two transfers with the same id from two sources are two', () => {
    const credit = {
      type: 'credit',
      accountId: 'a',
      transferId: 't1',
      from: 'c',
      amount: 7,
      currency: 'EUR',
    };
    const { transfers } = foldCommits(
      undefined,
      commitsOf(open, deposit(100), reserve('t1', 30), credit),
    );
    expect(transfers.map(({ from }) => from)).toEqual(['a', 'c']);
  });
});

describe('refuses what cannot be folded', () => {
  const commits = commitsOf(open, deposit(1), deposit(2));
  const twice = commitsOf(open)[0];

  it.each([
    [
      'a version is missing',
      undefined,
      commits.slice(1),
      'the views of a need version 1 next, not 2',
    ],
    [
      'a version comes again',
      undefined,
      [...commits, ...commits.slice(2)],
      'need version 4 next, not 3',
    ],
    ['nothing is given', undefined, [], 'nothing to fold'],
  ])('%s', (_, before, given, message) => {
    expect(() => foldCommits(before, given)).toThrow(message);
  });

  it('an account is opened again', () => {
    const { summary } = foldCommits(undefined, commits.slice(0, 1));
    const again = twice?.events.map((event) => ({
      ...event,
      version: commits[1]?.version ?? event.version,
    }));
    expect(() => foldCommits(summary, twice && again ? [{ ...twice, events: again }] : [])).toThrow(
      'event 2 (AccountOpened) cannot follow its stream: the account was already open',
    );
  });

  it('a sum leaves the range that is kept exactly', () => {
    const { summary } = foldCommits(undefined, commitsOf(open, deposit(Number.MAX_SAFE_INTEGER)));
    expect(() => foldCommits(summary, commits.slice(2))).toThrow('a sum leaves the safe range');
  });
});
