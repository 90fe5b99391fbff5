import { describe, expect, it, vi } from 'vitest';
import { AccountId, Version } from '../../../events/values.ts';
import type { CommandRequest } from '../../../functions/store/deciding/command-result.ts';
import { planFor, type Submission, submissionOf } from '../../../functions/store/deciding/plan.ts';
import { readCommit } from '../../../functions/store/stream/commit.ts';
import { emptyTail, type Tail } from '../../../functions/store/stream/tail.ts';
import { fingerprint } from '../../../functions/store/writing/command-record.ts';
import { requests } from '../../../testing/ledger-requests.ts';
import { NOON } from '../ledger/given.ts';

const a = AccountId.parse('a');
const NOON_MS = Date.parse(NOON);
/** When the commands are decided: a minute after the account's last commit. */
const LATER = '2026-11-21T12:01:00.000Z';
const LATER_MS = Date.parse(LATER);

const submitted = (request: CommandRequest): Submission =>
  submissionOf({ newId: () => 'own-id' }, request);

/** What is planned; it is small enough. */
const planned = (
  tail: Tail,
  batch: readonly (CommandRequest | Submission)[],
  replaces: Parameters<typeof planFor>[2] = new Map(),
  now = LATER_MS,
) => {
  const submissions = batch.map((one) => ('origin' in one ? one : submitted(one)));
  const plan = planFor([tail], submissions, replaces, 'w', now);
  if (plan === 'too_large' || 'missing' in plan)
    throw new Error('it fits, and nothing is reversed');
  const { tails, ...rest } = plan;
  return { ...rest, tail: tails?.[0] };
};

/** Account a with 1,000, opened and paid into at noon: version 2. */
const rich = (): Tail => {
  const batch = [requests.open('a'), requests.deposit('a', 1_000)];
  const { tail } = planned(emptyTail(a), batch, new Map(), NOON_MS);
  if (!tail) throw new Error('it has a commit');
  return tail;
};
/** The same, with so much open that nothing more can be reserved. */
const full = (): Tail => {
  const { tail } = planned(rich(), [requests.reserve('a', 'b', 1, 't')], new Map(), NOON_MS);
  const [reservation] = tail?.account?.reservations ?? [];
  if (!tail?.account || !reservation) throw new Error('it has a reservation');
  return { ...tail, account: { ...tail.account, reservations: Array(10_000).fill(reservation) } };
};

const at = LATER;
const version = (n: number) => Version.parse(n);
const poor = { outcome: 'rejected', rejection: { code: 'insufficient_funds' }, replayed: false };

describe('a request, as it is decided,', () => {
  const request = requests.deposit('a', 5);

  it('is known by the id of its first key, and no other is made up', () => {
    const newId = vi.fn(() => 'own-id');
    const keys = ['command:k', 'command:l'] as const;
    const expectedVersions = [version(3)];
    expect(submissionOf({ newId }, { ...request, keys, expectedVersions })).toStrictEqual({
      command: request.command,
      fingerprint: fingerprint(request.command),
      keys,
      expectedVersions,
      origin: {
        commandId: 'k',
        actor: request.actor,
        correlationId: request.correlationId,
      },
    });
    expect(newId).not.toHaveBeenCalled();
  });
  it('has an id of its own where it has no key', () => {
    expect(submitted(request)).toMatchObject({ keys: [], origin: { commandId: 'own-id' } });
    expect(submitted({ ...request, keys: [] }).origin.commandId).toBe('own-id');
  });
});

describe('what is planned for commands that are accepted', () => {
  const batch = [
    requests.deposit('a', 5, { key: 'k' }),
    { ...requests.withdraw('a', 7), keys: ['command:l', 'command:m'] as const },
  ];

  it('is one commit of all their events, each under the name of its command', () => {
    const tail = rich();
    const plan = planned(tail, batch);
    const commit = readCommit(plan.write?.commits?.[0]);
    expect(commit).toMatchObject({ version: 3, count: 2, batch: 2, at, writeId: 'w' });
    expect(
      commit.events.map(({ type, version: place, origin }) => [type, place, origin.commandId]),
    ).toEqual([
      ['MoneyDeposited', 3, 'a.k'],
      ['MoneyWithdrawn', 4, 'l'],
    ]);
    expect(plan.tail).toMatchObject({ version: 4, at, hash: commit.hash, batch: 2 });
    expect(plan.tail?.account).toMatchObject({ balance: 998 });
  });
  it('is a record under every key, which says what the sender is told', () => {
    const [first, second] = batch;
    const { write, results } = planned(rich(), batch);
    expect(results).toMatchObject([
      { outcome: 'accepted', version: 3, at, answer: { balanceAfter: 1_005 }, replayed: false },
      { outcome: 'accepted', version: 4, at, answer: { balanceAfter: 998 }, replayed: false },
    ]);
    const told = results.map((result) => (result.outcome === 'accepted' ? result.answer : {}));
    const recordOf = (key: string, request: CommandRequest | undefined, n: number) => ({
      record: {
        key,
        accountId: 'a',
        schema: 1,
        fingerprint: request && fingerprint(request.command),
        writeId: 'w',
        batch: 2,
        outcome: 'accepted',
        version: 3 + n,
        at,
        answer: told[n],
      },
      replaces: undefined,
    });
    expect(write?.writeId).toBe('w');
    expect(write?.records).toStrictEqual([
      recordOf('command:a.k', first, 0),
      recordOf('command:l', second, 1),
      recordOf('command:m', second, 1),
    ]);
  });
  it('is a commit alone where they have no key', () => {
    const { write } = planned(rich(), [requests.deposit('a', 5)]);
    expect(write).toMatchObject({ commits: [{ version: 3, commandId: 'own-id' }], records: [] });
  });
  it('says nothing of a batch in the record of a command that was decided alone', () => {
    const { write } = planned(rich(), batch.slice(0, 1));
    expect(write?.records.map(({ record }) => 'batch' in record)).toEqual([false]);
  });
  it('begins the stream where they open the account', () => {
    const { write, results } = planned(emptyTail(a), [requests.open('a', { key: 'k' })]);
    expect(write?.commits?.[0]).toMatchObject({ streamId: 'a', version: 1, at });
    expect(results).toMatchObject([{ outcome: 'accepted', version: 1, at }]);
  });
  it('is never earlier than the commit before it', () => {
    const { results } = planned(rich(), [requests.deposit('a', 5)], new Map(), NOON_MS - 1);
    expect(results).toMatchObject([{ at: NOON }]);
  });
  it('replaces what may be replaced under a key, and only there', () => {
    const { write } = planned(rich(), batch, new Map([['command:m', 'old']]));
    expect(write?.records.map(({ replaces }) => replaces)).toEqual([undefined, undefined, 'old']);
  });
  it('says of a command from the queue which one it was there', () => {
    const pending = { ...submitted(requests.deposit('a', 5, { key: 'k' })), pendingId: 'p' };
    const { write } = planned(rich(), [pending, requests.deposit('a', 5, { key: 'l' })]);
    expect(write?.records.map(({ record }) => record)).toMatchObject([{ pendingId: 'p' }, {}]);
    expect(write?.records.map(({ record }) => 'pendingId' in record)).toEqual([true, false]);
  });
});

describe('what is planned for a command that is rejected', () => {
  it('is its record alone: the stream stays as it is', () => {
    const request = requests.withdraw('a', 2_000, { key: 'k' });
    const plan = planned(rich(), [request]);
    expect(plan.results).toMatchObject([poor]);
    expect(plan.tail).toBeUndefined();
    expect(plan.write).toMatchObject({ writeId: 'w', commits: [] });
    const [only, ...others] = plan.write?.records ?? [];
    expect(others).toEqual([]);
    expect(only?.record).toMatchObject({
      key: 'command:a.k',
      fingerprint: fingerprint(request.command),
      outcome: 'rejected',
      at,
      rejection: { code: 'insufficient_funds', available: 1_000 },
    });
  });
  it('is nothing where it has no key', () => {
    const plan = planned(rich(), [requests.withdraw('a', 2_000)]);
    expect(plan.results).toMatchObject([poor]);
    expect(plan).toStrictEqual({ results: plan.results, tail: undefined });
  });
  it('is its record where there is no such account', () => {
    const plan = planned(emptyTail(a), [requests.deposit('a', 1, { key: 'k' })]);
    expect(plan.write).toMatchObject({
      commits: [],
      records: [{ record: { outcome: 'rejected', rejection: { code: 'account_not_found' } } }],
    });
  });
  it('follows from what the commands before it leave, and takes nothing from those after it', () => {
    const { results } = planned(rich(), [
      requests.withdraw('a', 600),
      requests.withdraw('a', 600, { key: 'k' }),
      requests.withdraw('a', 400),
    ]);
    expect(results).toMatchObject([
      { outcome: 'accepted', version: 3 },
      { ...poor, rejection: { available: 400 } },
      { outcome: 'accepted', version: 4 },
    ]);
  });
});

describe('what is planned for a command whose effect is there already', () => {
  const settle = { ...requests.settle('a', 'gone'), keys: ['command:k'] as const };

  it('is its record, with the version and the time of the last commit', () => {
    const plan = planned(rich(), [settle]);
    const result = { outcome: 'accepted', version: 2, at: NOON };
    expect(plan.results).toStrictEqual([{ ...result, replayed: false }]);
    expect(plan.tail).toBeUndefined();
    expect(plan.write).toMatchObject({ commits: [], records: [{ record: result }] });
    expect(plan.write?.records.map(({ record }) => 'answer' in record)).toEqual([false]);
  });
  it('does not count as one of the commands of a commit', () => {
    const { write } = planned(rich(), [settle, requests.deposit('a', 5)]);
    expect(readCommit(write?.commits?.[0]).batch).toBe(1);
  });
  it('has the version and the time of the commit that makes it so', () => {
    const { results } = planned(rich(), [requests.deposit('a', 5), settle]);
    expect(results).toMatchObject([
      { version: 3, at },
      { version: 3, at },
    ]);
  });
});

describe('what is planned for a command at a version', () => {
  const at3 = requests.deposit('a', 5, { key: 'k', expectedVersion: 3 });
  const mismatch = (currentVersion: number) => ({ outcome: 'version_mismatch', currentVersion });

  it('is nothing where the stream has another one', () =>
    expect(planned(rich(), [at3])).toStrictEqual({ tail: undefined, results: [mismatch(2)] }));
  it('is nothing, where there is no stream, but that its version is 0', () =>
    expect(planned(emptyTail(a), [at3])).toStrictEqual({
      tail: undefined,
      results: [mismatch(0)],
    }));
  it('is nothing where what it asked for can be no version', () =>
    expect(planned(rich(), [{ ...at3, expectedVersions: [] }])).toStrictEqual({
      tail: undefined,
      results: [mismatch(2)],
    }));
  it('is a commit where the commands before it lead to that version', () => {
    const plan = planned(rich(), [requests.deposit('a', 1), at3, at3]);
    expect(plan.results).toMatchObject([{ version: 3 }, { version: 4 }, mismatch(4)]);
    expect(plan.write).toMatchObject({ commits: [{ version: 3, count: 2 }] });
    expect(plan.write?.records).toHaveLength(1);
  });
  it('is a commit where one of several is the stream’s', () => {
    const expectedVersions = [version(1), version(2)];
    const { results } = planned(rich(), [{ ...at3, expectedVersions }]);
    expect(results).toMatchObject([{ outcome: 'accepted', version: 3 }]);
  });
});

it('a commit that would near the limit of an item is too large, where a rejection adds nothing', () => {
  const tail = full();
  const batch = [submitted(requests.reserve('a', 'b', 1, 'one-more'))];
  expect(planFor([tail], batch, new Map(), 'w', LATER_MS)).toBe('too_large');
  expect(planned(tail, [requests.withdraw('a', 2_000, { key: 'k' })]).results).toMatchObject([
    { outcome: 'rejected' },
  ]);
});
