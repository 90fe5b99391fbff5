import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { AccountId, Timestamp, Version } from '../../../events/values.ts';
import { recordedUnder } from '../../../functions/store/deciding/further-keys.ts';
import { submissionOf } from '../../../functions/store/deciding/plan.ts';
import type {
  CommandRecord,
  DecidedRecord,
  PendingRecord,
} from '../../../functions/store/writing/command-record.ts';
import type { RecordKey } from '../../../functions/store/writing/record-key.ts';
import { requests } from '../../../testing/ledger-requests.ts';
import { createLedgerDatabase } from '../../mutants/memory-database.ts';
import { createMeteredStore, type MeteredStore } from '../../setup/metered-store.ts';
import { NOON } from '../ledger/given.ts';

type Fate = (send: () => Promise<unknown>) => Promise<unknown>;

const DEADLINE = 1_000;

let metered: MeteredStore;
let tables: Awaited<ReturnType<typeof createLedgerDatabase>>['tables'];
/** The writes that were sent: of each, under which keys. */
let writes: RecordKey[][];
/** What becomes of one write after the other; those that are not named go through. */
let fates: Fate[];
let now: number;

beforeEach(async () => {
  const database = await createLedgerDatabase();
  tables = database.tables;
  metered = createMeteredStore(database);
  [writes, fates, now] = [[], [], 0];
});

const k: RecordKey = 'command:k';
const l: RecordKey = 'command:l';
const m: RecordKey = 'command:m';

const { command, fingerprint, origin } = submissionOf(
  { newId: () => 'none' },
  { ...requests.deposit('a', 5), keys: [k] },
);
const envelope = {
  accountId: AccountId.parse('a'),
  schema: 1 as const,
  fingerprint,
  at: Timestamp.parse(NOON),
};
const decided = (key: RecordKey, writeId: string): DecidedRecord => ({
  ...envelope,
  ...{ key, writeId, pendingId: 'p', outcome: 'accepted' },
  version: Version.parse(3),
});
const pending = (key: RecordKey, writeId: string, keys = [key]): PendingRecord => ({
  ...envelope,
  ...{ key, writeId, keys, outcome: 'pending', commandSchema: 1, command },
  actor: origin.actor,
  correlationId: origin.correlationId,
});
const givenUp = (key: RecordKey, writeId: string): CommandRecord => ({
  ...envelope,
  ...{ key, writeId, outcome: 'given_up', pendingId: 'p' },
});

const put = (item: object) =>
  metered.client.send(new PutCommand({ TableName: tables.commands, Item: { ...item } }));
const standsUnder = async (key: RecordKey) => {
  const get = new GetCommand({ TableName: tables.commands, Key: { key }, ConsistentRead: true });
  return (await metered.client.send(get)).Item;
};

/** What is heard of a command that was sent with these keys, and is recorded under one of them. */
const heard = async (
  record: Parameters<typeof recordedUnder>[1],
  keys: readonly RecordKey[],
  { replaces = new Map<RecordKey, string>(), deadline = DEADLINE } = {},
) => {
  let ids = 0;
  metered.inject(async (operation, send, input) => {
    if (operation === 'GetItem') return send();
    writes.push(keysOf(input));
    const fate = fates.shift();
    return fate ? fate(send) : send();
  });
  const dependencies = {
    client: metered.client,
    ...{ eventsTable: tables.events, commandsTable: tables.commands, queueTable: tables.queue },
    clock: () => now,
    random: () => 1,
    sleep: async (milliseconds: number) => {
      now += milliseconds;
    },
    newId: () => `new-${++ids}`,
  };
  const left = await recordedUnder(dependencies, record, { keys, fingerprint }, replaces, deadline);
  metered.inject(undefined);
  return left;
};

const keysOf = (input: object): RecordKey[] => {
  const puts: readonly { readonly Item: { readonly key: RecordKey } }[] =
    'TransactItems' in input && Array.isArray(input.TransactItems)
      ? input.TransactItems.map(({ Put }) => Put)
      : [input];
  return puts.map(({ Item }) => Item.key);
};

const named = (name: string, fields: object = {}) =>
  Object.assign(new Error(name), { name, ...fields });
const fails =
  (name: string): Fate =>
  async () => {
    throw named(name);
  };

describe('a command that is decided', () => {
  it('needs no request where it was sent under the key that says so, and no other', async () => {
    expect(await heard(decided(k, 'w'), [k])).toBeUndefined();
    expect(writes).toEqual([]);
  });
  it('is recorded under all others of its keys at once, as it was decided', async () => {
    const record = decided(l, 'w');
    expect(await heard(record, [k, l, m])).toBeUndefined();
    expect(writes).toEqual([[k, m]]);
    expect(await standsUnder(k)).toEqual({ ...record, key: k, writeId: 'new-1' });
    expect(await standsUnder(m)).toEqual({ ...record, key: m, writeId: 'new-1' });
    expect(await standsUnder(l)).toBeUndefined();
  });
  it('is left as it is under a key that has it already, and recorded under the others', async () => {
    const before = decided(l, 'old');
    const rejected = { ...givenUp(m, 'old'), outcome: 'rejected' };
    await put(before);
    await put({ ...rejected, rejection: { code: 'account_not_found', detail: 'No.' } });
    expect(await heard(decided('command:x', 'w'), [l, m, k])).toBeUndefined();
    expect(writes).toEqual([[l, m, k], [k]]);
    expect(await standsUnder(l)).toEqual(before);
    expect(await standsUnder(k)).toMatchObject({ outcome: 'accepted', writeId: 'new-2' });
  });
  it.each([
    ['is pending', pending(l, 'old')],
    ['was given up', givenUp(l, 'old')],
  ])('takes the place of the copy of it that %s', async (_, copy) => {
    await put(copy);
    expect(await heard(decided(k, 'w'), [k, l])).toBeUndefined();
    expect(writes).toEqual([[l], [l]]);
    expect(await standsUnder(l)).toEqual({ ...decided(l, 'new-2') });
  });
  it('takes the place of a copy of it that is known at once, and asks anew where that is gone', async () => {
    await put(pending(l, 'old'));
    const replaces = new Map([[l, 'old']]);
    expect(await heard(decided(k, 'w'), [k, l], { replaces })).toBeUndefined();
    expect(writes).toEqual([[l]]);
    await put(givenUp(l, 'newer'));
    expect(await heard(decided(k, 'w'), [k, l], { replaces })).toBeUndefined();
    expect(writes).toEqual([[l], [l], [l]]);
    expect(replaces).toEqual(new Map([[l, 'old']]));
  });
  it('does not get a key that another command has, nor any other key with it', async () => {
    await put({ ...decided(l, 'old'), fingerprint: 'another' });
    expect(await heard(decided(k, 'w'), [k, l, m])).toEqual({ outcome: 'key_reused' });
    expect(await standsUnder(m)).toBeUndefined();
    expect(await standsUnder(l)).toMatchObject({ writeId: 'old' });
  });
  it('does not get a key under which other code than this has written', async () => {
    await put({ ...decided(l, 'old'), schema: 99 });
    expect(await heard(decided(k, 'w'), [k, l])).toEqual({
      outcome: 'undecided',
      reason: 'record_unreadable',
    });
    expect(await standsUnder(l)).toMatchObject({ writeId: 'old', schema: 99 });
  });
  it('is recorded once where the answer to that was lost', async () => {
    fates = [
      async (send) => {
        await send();
        throw named('TimeoutError');
      },
    ];
    expect(await heard(decided(k, 'w'), [k, l])).toBeUndefined();
    expect(writes).toEqual([[l], [l]]);
    expect(await standsUnder(l)).toMatchObject({ writeId: 'new-1' });
  });
});

describe('a command that is pending', () => {
  it('is pending under its further keys too, and names every key once', async () => {
    const record = pending(l, 'w', [l, m]);
    expect(await heard(record, [k, l])).toBeUndefined();
    expect(writes).toEqual([[k]]);
    expect(await standsUnder(k)).toEqual({ ...record, key: k, keys: [l, m, k] });
  });
  it('is left as it is under a key where it is pending or decided already', async () => {
    await put(pending(l, 'other'));
    await put(decided(m, 'old'));
    expect(await heard(pending(k, 'w'), [k, l, m])).toBeUndefined();
    expect(writes).toEqual([[l, m]]);
    expect(await standsUnder(l)).toEqual(pending(l, 'other'));
    expect(await standsUnder(m)).toEqual(decided(m, 'old'));
  });
  it('takes the place of the copy of it that was given up', async () => {
    await put(givenUp(l, 'old'));
    expect(await heard(pending(k, 'w'), [k, l])).toBeUndefined();
    expect(await standsUnder(l)).toEqual(pending(l, 'w', [k, l]));
  });
});

describe('where it is not known that a command has all its keys, it is undecided:', () => {
  const undecided = (reason: string) => ({ outcome: 'undecided', reason });

  it('unavailable, and nothing is sent, where the time is up', async () => {
    now = DEADLINE;
    expect(await heard(decided(k, 'w'), [k, l])).toEqual(undecided('unavailable'));
    expect(writes).toEqual([]);
  });
  it('unavailable where the time is up before what was given up can be replaced', async () => {
    await put(givenUp(l, 'old'));
    fates = [
      (send) => {
        now = DEADLINE;
        return send();
      },
    ];
    expect(await heard(decided(k, 'w'), [k, l])).toEqual(undecided('unavailable'));
    expect(await standsUnder(l)).toMatchObject({ outcome: 'given_up' });
  });
  it('contention where a key is refused, and nothing is said of what stands there', async () => {
    fates = [fails('ConditionalCheckFailedException')];
    expect(await heard(decided(k, 'w'), [k, l])).toEqual(undecided('contention'));
    expect(writes).toEqual([[l]]);
  });
  it.each([
    ['contention', 'TransactionConflictException'],
    ['throttled', 'ThrottlingException'],
    ['unavailable', 'InvalidSignatureException'],
    ['unknown', 'TimeoutError'],
  ])('%s where that is how its last write failed', async (reason, name) => {
    fates = [fails(name)];
    expect(await heard(decided(k, 'w'), [k, l], { deadline: 20 })).toEqual(undecided(reason));
    expect(writes).toEqual([[l]]);
  });
});
