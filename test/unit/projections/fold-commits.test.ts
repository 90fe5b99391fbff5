import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { foldCommits } from '../../../functions/projections/fold-commits.ts';
import { readCommit } from '../../../functions/store/stream/commit.ts';
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
const settle = { type: 'settle', accountId: 'a', transferId: 't1' };

/** The commits of account a that follow from these commands, one commit each. */
const commitsOf = (...commands: object[]) => {
  const ledger = createMemoryLedger();
  for (const command of commands) ledger.commit(command);
  return ledger.committed.map(({ commit }) => commit);
};

const nothing = { accounts: [], transfers: [] };

it('makes a row of an account when it is opened, and of nothing that moves money', () => {
  const commits = commitsOf(open, deposit(100), { ...deposit(5), type: 'withdraw' });
  const [opening] = commits;
  expect(foldCommits(commits.slice(0, 1))).toEqual({
    accounts: [{ accountId: 'a', owner: 'alice', openedAt: opening?.at }],
    transfers: [],
  });
  expect(foldCommits(commits.slice(1))).toEqual(nothing);
});

it('needs neither what came before nor any order', () => {
  const commits = commitsOf(open, deposit(100), reserve('t1', 30), settle, reserve('t2', 10));
  const byName = ({ transfers }: ReturnType<typeof foldCommits>) =>
    transfers.toSorted((a, b) => (a.transferId < b.transferId ? -1 : 1));
  expect(byName(foldCommits(commits.toReversed()))).toEqual(byName(foldCommits(commits)));
  expect(foldCommits([...commits, ...commits])).toEqual(foldCommits(commits));
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
    const { transfers } = foldCommits(commitsOf(open, deposit(100), reserve('t1', 30)));
    expect(transfers).toEqual([{ ...transfer, ...terms, reserved: step(3) }]);
  });

  it('its reservation and its settlement, which stands at the version of the withdrawal', () => {
    const { transfers } = foldCommits(commitsOf(open, deposit(100), reserve('t1', 30), settle));
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
    const { transfers } = foldCommits(commits.slice(3));
    expect(transfers).toEqual([
      {
        ...transfer,
        released: {
          accountId: 'a',
          version: 4,
          at: expect.any(String),
          reason: 'account_not_found',
        },
      },
    ]);
  });

  const credit = (transferId: string) => ({
    type: 'credit',
    accountId: 'a',
    transferId,
    from: 'c',
    amount: 7,
    currency: 'EUR',
  });

  it('its credit, in the row of the account that it came from', () => {
    expect(foldCommits(commitsOf(open, credit('t9'))).transfers).toEqual([
      { transferId: 't9', from: 'c', credited: step(2) },
    ]);
  });

  it('two transfers with the same id from two sources are two', () => {
    const { transfers } = foldCommits(
      commitsOf(open, deposit(100), reserve('t1', 30), credit('t1')),
    );
    expect(transfers.map(({ from }) => from)).toEqual(['a', 'c']);
  });
});

describe('a transfer that went the short way', () => {
  const atOnce = () => {
    const ledger = createMemoryLedger();
    ledger.commit(open, deposit(100));
    ledger.commit({ ...open, accountId: 'b' });
    return ledger.transferAtOnce('t1', 'a', 'b', 30);
  };

  it("is told whole by the source's event", () => {
    const [source, destination] = atOnce().map(({ commit }) => commit);
    const at = source?.at;
    expect(foldCommits(source ? [source] : [])).toEqual({
      accounts: [],
      transfers: [
        {
          ...{ transferId: 't1', from: 'a', to: 'b', amount: 30, currency: 'EUR' },
          ...{ reference: 'rent', correlationId: 'k2-0', actor: 'alice' },
          credited: { accountId: 'b', version: destination?.version, at },
          settled: { accountId: 'a', version: source?.version, at },
        },
      ],
    });
  });

  it("is not changed by the destination's", () => {
    const destination = atOnce().slice(1);
    expect(destination).toHaveLength(1);
    expect(foldCommits(destination.map(({ commit }) => commit))).toEqual(nothing);
  });

  it.each(['counterparty', 'currency'])(
    'cannot be folded where its event does not say its %s',
    (missing) => {
      const [source] = atOnce();
      const [event] = z
        .array(z.looseObject({ data: z.looseObject({}) }))
        .parse(source?.item['events']);
      const data = { ...event?.data, [missing]: undefined };
      const commit = readCommit({ ...source?.item, events: [{ ...event, data }] });
      expect(() => foldCommits([commit])).toThrow('event 3 of a does not say all of its transfer');
    },
  );
});
