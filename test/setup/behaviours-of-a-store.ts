import { beforeEach, expect, it } from 'vitest';
import { AccountId, Caller, Version } from '../../events/values.ts';
import type { Store } from '../../functions/store/store.ts';
import { type RecordKey, recordKey } from '../../functions/store/writing/record-key.ts';
import { keyOn, requests } from '../../testing/ledger-requests.ts';

/** A store that is to behave as every store does, and what a test has to bring about around it. */
export interface StoreToTry {
  readonly store: Pick<
    Store,
    'load' | 'asOf' | 'isOwnedBy' | 'execute' | 'recordOf' | 'decidePending'
  >;
  /** Makes an account hot, with nobody there to decide what queues for it. */
  heat(accountId: AccountId): Promise<void>;
  /**
   * Lets nothing be written any more, because it is too much at once. @returns what lets it be
   * written again.
   */
  throttle(): () => void;
}

/**
 * What commands meet in any store: the one on tables, and its double in memory that the handlers
 * are tried with.
 * @param create makes a store for one test. Others may be on the same tables.
 */
export const behavesAsAStore = (create: () => StoreToTry): void => {
  let made = 0;
  let subject: StoreToTry;
  let a: AccountId;
  beforeEach(async () => {
    subject = create();
    made += 1;
    a = AccountId.parse(`as-any-${made}`);
    await subject.store.execute(requests.open(a));
    await subject.store.execute(requests.deposit(a, 100));
  });
  const execute: Store['execute'] = (request) => subject.store.execute(request);
  const versionOf = async (accountId: AccountId) => (await subject.store.load(accountId)).version;
  const keyed = (key: string, more: { readonly expectedVersion?: number } = {}) =>
    requests.withdraw(a, 10, { key, ...more });
  const insufficient = {
    outcome: 'rejected',
    rejection: { code: 'insufficient_funds', available: 100 },
  };

  it('accepts a command: it is the next version, at the time of its commit, with the answer of the ledger', async () => {
    const result = await execute(requests.withdraw(a, 30));
    expect(result).toMatchObject({
      outcome: 'accepted',
      version: 3,
      replayed: false,
      answer: { balanceAfter: 70 },
    });
    const tail = await subject.store.load(a);
    expect(tail).toMatchObject({ version: 3, account: { balance: 70 } });
    expect(result).toHaveProperty('at', tail.at);
  });

  it('shows an account as it was', async () => {
    await execute(requests.withdraw(a, 30));
    expect(await subject.store.asOf(a, { version: Version.parse(2) })).toMatchObject({
      version: 2,
      account: { balance: 100 },
    });
  });

  it('answers a repeat as it answered first, whatever has happened since', async () => {
    const first = await execute(keyed('k'));
    await execute(requests.deposit(a, 5));
    expect(await execute(keyed('k'))).toEqual({ ...first, replayed: true });
    expect(await versionOf(a)).toBe(4);
  });

  it('does a command without a key as often as it is sent', async () => {
    await execute(requests.withdraw(a, 10));
    await execute(requests.withdraw(a, 10));
    expect((await subject.store.load(a)).account?.balance).toBe(80);
  });

  it('rejects a repeat as it rejected first, though it could be done by now, and writes no event', async () => {
    const tooMuch = requests.withdraw(a, 101, { key: 'k' });
    expect(await execute(tooMuch)).toMatchObject({ ...insufficient, replayed: false });
    expect(await versionOf(a)).toBe(2);
    await execute(requests.deposit(a, 1_000));
    expect(await execute(tooMuch)).toMatchObject({ ...insufficient, replayed: true });
    expect(await execute(requests.withdraw(a, 101))).toMatchObject({ outcome: 'accepted' });
  });

  it('refuses another command under the same key, decided or not, and at any version', async () => {
    await execute(keyed('k'));
    const reused = { outcome: 'key_reused' };
    expect(await execute(requests.withdraw(a, 11, { key: 'k' }))).toEqual(reused);
    expect(await execute(requests.deposit(a, 10, { key: 'k', expectedVersion: 1 }))).toEqual(
      reused,
    );
    expect(await versionOf(a)).toBe(3);
  });

  it('finds a command under each of its keys, and gives it those that a repeat is sent with', async () => {
    const under = (...keys: string[]) => ({
      ...keyed('k'),
      keys: keys.map((key) => keyOn(a, key)),
    });
    const first = await execute(under('k', 'l'));
    expect(await execute(under('l', 'm'))).toEqual({ ...first, replayed: true });
    expect(await execute(under('m'))).toEqual({ ...first, replayed: true });
    expect(await execute(requests.deposit(a, 1, { key: 'm' }))).toEqual({ outcome: 'key_reused' });
  });

  it('decides at the expected version or not at all, and keeps nothing of a mismatch', async () => {
    expect(await execute(keyed('k', { expectedVersion: 1 }))).toEqual({
      outcome: 'version_mismatch',
      currentVersion: 2,
    });
    expect(await subject.store.recordOf(keyOn(a, 'k'))).toBeUndefined();
    const first = await execute(keyed('k', { expectedVersion: 2 }));
    expect(first).toMatchObject({ outcome: 'accepted', version: 3, replayed: false });
    // What was decided is told, whatever is expected by now.
    expect(await execute(keyed('k', { expectedVersion: 2 }))).toEqual({ ...first, replayed: true });
  });

  it('decides a command that is for the owner alone only where the account is the owner’s', async () => {
    const alice = { ...keyed('k'), onlyFor: Caller.parse('alice') };
    const mallory = { ...alice, onlyFor: Caller.parse('mallory') };
    const none = AccountId.parse(`${a}-none`);
    const missing = { ...requests.withdraw(none, 1, { key: 'k' }), onlyFor: Caller.parse('alice') };
    for (const expectedVersions of [undefined, [Version.parse(1)], []]) {
      expect(await execute({ ...mallory, expectedVersions })).toEqual({ outcome: 'not_theirs' });
      expect(await execute({ ...missing, expectedVersions })).toEqual({ outcome: 'not_theirs' });
    }
    for (const key of [keyOn(a, 'k'), keyOn(none, 'k')])
      expect(await subject.store.recordOf(key)).toBeUndefined();
    expect(await execute(alice)).toMatchObject({ outcome: 'accepted', version: 3 });
    // Whose it is comes before what is recorded under its key.
    expect(await execute(mallory)).toEqual({ outcome: 'not_theirs' });
    expect(await execute(alice)).toMatchObject({ outcome: 'accepted', replayed: true });
    expect(await subject.store.isOwnedBy(a, alice.onlyFor)).toBe(true);
    expect(await subject.store.isOwnedBy(a, mallory.onlyFor)).toBe(false);
    expect(await subject.store.isOwnedBy(none, alice.onlyFor)).toBe(false);
  });

  it('decides nothing where no version can be the expected one, and tells what is recorded', async () => {
    const never = { ...keyed('k'), expectedVersions: [] };
    expect(await execute(never)).toEqual({ outcome: 'version_mismatch', currentVersion: 2 });
    const first = await execute(keyed('k'));
    expect(await execute(never)).toEqual({ ...first, replayed: true });
  });

  it('has no account before it is opened: version 0, every command rejected, for ever under its key', async () => {
    const none = AccountId.parse(`${a}-none`);
    expect(await subject.store.load(none)).toMatchObject({ version: 0, account: undefined });
    const early = requests.deposit(none, 1, { key: 'early' });
    const notFound = { outcome: 'rejected', rejection: { code: 'account_not_found' } };
    expect(await execute(early)).toMatchObject({ ...notFound, replayed: false });
    expect(await execute(requests.deposit(none, 1, { expectedVersion: 1 }))).toEqual({
      outcome: 'version_mismatch',
      currentVersion: 0,
    });
    expect(await execute(requests.open(none))).toMatchObject({ outcome: 'accepted', version: 1 });
    expect(await execute(early)).toMatchObject({ ...notFound, replayed: true });
    expect(await execute(requests.open(none))).toMatchObject({
      rejection: { code: 'account_already_exists' },
    });
  });

  it('reads what is recorded under a key: nothing, what was accepted, what was rejected', async () => {
    expect(await subject.store.recordOf(keyOn(a, 'k'))).toBeUndefined();
    const accepted = await execute(keyed('k'));
    const at = accepted.outcome === 'accepted' ? accepted.at : undefined;
    expect(await subject.store.recordOf(keyOn(a, 'k'))).toMatchObject({
      ...{
        key: keyOn(a, 'k'),
        accountId: a,
        outcome: 'accepted',
        version: 3,
        at,
        answer: { balanceAfter: 90 },
      },
    });
    await execute(requests.withdraw(a, 91, { key: 'l' }));
    expect(await subject.store.recordOf(keyOn(a, 'l'))).toMatchObject({
      outcome: 'rejected',
      rejection: { code: 'insufficient_funds', available: 90 },
    });
  });

  it('leaves a command undecided that it cannot write in time, and decides its repeat', async () => {
    const writeAgain = subject.throttle();
    expect(await execute(keyed('k'))).toEqual({ outcome: 'undecided', reason: 'throttled' });
    expect(await subject.store.recordOf(keyOn(a, 'k'))).toBeUndefined();
    expect(await versionOf(a)).toBe(2);
    writeAgain();
    expect(await execute(keyed('k'))).toMatchObject({ outcome: 'accepted', replayed: false });
  });

  describeHot(() => ({ subject, a }));
};

/** A hot account: commands queue for it, and are pending until somebody decides them. */
const describeHot = (now: () => { readonly subject: StoreToTry; readonly a: AccountId }): void => {
  const queued = async () => {
    const { subject, a } = now();
    await subject.heat(a);
    const deposit = requests.deposit(a, 7, { key: 'q' });
    return { ...subject, a, deposit, key: keyOn(a, 'q'), before: await subject.store.load(a) };
  };

  it('leaves a command pending for which nobody has time, and its repeat in progress, until it is decided', async () => {
    const { store, a, deposit, key, before } = await queued();
    expect(await store.execute(deposit)).toEqual({ outcome: 'pending', key });
    expect(await store.execute(deposit)).toEqual({ outcome: 'in_progress' });
    expect(await store.execute(requests.deposit(a, 8, { key: 'q' }))).toEqual({
      outcome: 'key_reused',
    });
    expect(await store.load(a)).toEqual(before);
    const record = await pendingRecord(store, key);
    expect(record).toMatchObject({ accountId: a, keys: [key], command: deposit.command });

    await store.decidePending(a, [record]);
    await store.decidePending(a, [record]);
    expect((await store.load(a)).account?.balance).toBe((before.account?.balance ?? 0) + 7);
    expect(await store.recordOf(key)).toMatchObject({
      outcome: 'accepted',
      version: before.version + 1,
    });
    expect(await store.execute(deposit)).toMatchObject({ outcome: 'accepted', replayed: true });
  });

  it('rejects a pending command when it is decided, and tells its repeat', async () => {
    const { store, a } = await queued();
    const tooMuch = requests.withdraw(a, 5_000, { key: 'r' });
    expect(await store.execute(tooMuch)).toMatchObject({ outcome: 'pending' });
    await store.decidePending(a, [await pendingRecord(store, keyOn(a, 'r'))]);
    expect(await store.execute(tooMuch)).toMatchObject({
      outcome: 'rejected',
      rejection: { code: 'insufficient_funds' },
      replayed: true,
    });
  });

  it('makes up a key for a command without one that queues, under which its outcome is found', async () => {
    const { store, a } = await queued();
    const result = await store.execute(requests.deposit(a, 7));
    expect(result).toMatchObject({ outcome: 'pending' });
    const key: RecordKey = result.outcome === 'pending' ? result.key : recordKey('none');
    await store.decidePending(a, [await pendingRecord(store, key)]);
    expect(await store.recordOf(key)).toMatchObject({ outcome: 'accepted' });
  });

  it('does not queue a command that is about a version', async () => {
    const { store, a, before } = await queued();
    expect(
      await store.execute(requests.deposit(a, 7, { key: 'v', expectedVersion: before.version })),
    ).toMatchObject({
      outcome: 'accepted',
      version: before.version + 1,
    });
  });
};

const pendingRecord = async (store: Pick<Store, 'recordOf'>, key: RecordKey) => {
  const record = await store.recordOf(key);
  if (record?.outcome !== 'pending') throw new Error(`${key} is not pending: ${record?.outcome}`);
  return record;
};
