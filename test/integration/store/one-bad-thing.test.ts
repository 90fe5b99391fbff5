import { GetCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { AccountId, Version } from '../../../events/values.ts';
import { keyOn, requests } from '../../../testing/ledger-requests.ts';
import { leavePending } from '../../setup/leave-pending.ts';
import { createMeteredStore, type MeteredStore } from '../../setup/metered-store.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/tables.ts';
import { createTestTime } from '../../setup/test-time.ts';

// One command, record or stream that this code cannot do anything with stops no other, and no
// answer leaves without the record.

let database: TestDatabase;
let bank: MeteredStore;
const a = AccountId.parse('a');
const b = AccountId.parse('b');
const named = (name: string, fields: object = {}) =>
  Object.assign(new Error(name), { name, ...fields });

beforeEach(async () => {
  database = await createTestDatabase();
  bank = createMeteredStore(database, { queueing: true });
  await bank.store.execute(requests.open('a'));
  await bank.store.execute(requests.deposit('a', 1_000));
  await bank.store.execute(requests.open('b'));
});

const outcomeOf = async (accountId: string, key: string) =>
  (await bank.store.recordOf(keyOn(accountId, key)))?.outcome;

/** Appends a commit to b that only newer code can read. */
const appendUnreadable = async () => {
  const query = new QueryCommand({
    TableName: database.tables.events,
    KeyConditionExpression: 'streamId = :b',
    ExpressionAttributeValues: { ':b': 'b' },
    ScanIndexForward: false,
    ConsistentRead: true,
  });
  const last = (await bank.client.send(query)).Items?.[0];
  const version = Number(last?.['version']) + Number(last?.['count']);
  const Item = { ...last, version, count: 1, events: [{ type: 'Frozen', v: 1, data: {} }] };
  await bank.client.send(new PutCommand({ TableName: database.tables.events, Item }));
};

describe('of an account whose stream this code cannot read', () => {
  it('a pending command is passed over, by its keys, and stays pending', async () => {
    await appendUnreadable();
    const pending = await leavePending(
      bank.client,
      database.tables.commands,
      requests.deposit('b', 7, { key: 'k' }),
    );
    expect(await bank.store.decidePending(b, [pending])).toEqual({
      decided: 0,
      passedOver: [{ keys: [keyOn('b', 'k')], cause: expect.any(Error) }],
    });
    expect(await outcomeOf('b', 'k')).toBe('pending');
  });

  it('a repeat hears what is recorded', async () => {
    const first = await bank.store.execute(requests.deposit('b', 5, { key: 'k' }));
    await appendUnreadable();
    expect(await bank.store.execute(requests.deposit('b', 5, { key: 'k' }))).toEqual({
      ...first,
      replayed: true,
    });
    await expect(bank.store.execute(requests.deposit('b', 5, { key: 'new' }))).rejects.toThrow(
      'not an event',
    );
  });
});

describe('of commands that are decided together', () => {
  it('the one that DynamoDB refuses is passed over, and the others are decided', async () => {
    const pending = [];
    for (const key of ['k1', 'bad', 'k2']) {
      pending.push(
        await leavePending(
          bank.client,
          database.tables.commands,
          requests.deposit('a', 7, { key }),
        ),
      );
    }
    const here = createMeteredStore(database);
    const bad = keyOn('a', 'bad');
    here.inject(async (operation, send, input) => {
      if (operation === 'TransactWriteItems' && JSON.stringify(input).includes(bad))
        throw named('ValidationException');
      return send();
    });
    expect(await here.store.decidePending(a, pending)).toEqual({
      decided: 2,
      passedOver: [
        { keys: [bad], cause: expect.objectContaining({ name: 'ValidationException' }) },
      ],
    });
    expect([
      await outcomeOf('a', 'k1'),
      await outcomeOf('a', 'bad'),
      await outcomeOf('a', 'k2'),
    ]).toEqual(['accepted', 'pending', 'accepted']);
  });

  it('those that were written hear so, although a later batch fails', async () => {
    const here = createMeteredStore(database);
    let batches = 0;
    here.inject(async (operation, send) => {
      if (operation !== 'TransactWriteItems') return send();
      batches += 1;
      if (batches > 1) throw named('AccessDeniedException', { $metadata: { httpStatusCode: 400 } });
      return send();
    });
    const many = Array.from({ length: 150 }, (_, n) => requests.deposit('a', 1, { key: `k${n}` }));
    const results = await here.store.executeTogether(a, many);
    expect(results.filter(({ outcome }) => outcome === 'accepted')).toHaveLength(99);
    expect(results.at(-1)).toMatchObject({
      outcome: 'undecided',
      cause: { name: 'AccessDeniedException' },
    });
    expect((await bank.store.load(a)).account?.balance).toBe(1_099);
  });

  it('one whose record other code has written is passed over, and said', async () => {
    const pending = await leavePending(
      bank.client,
      database.tables.commands,
      requests.deposit('a', 7, { key: 'u' }),
    );
    const key = keyOn('a', 'u');
    const { Item } = await bank.client.send(
      new GetCommand({ TableName: database.tables.commands, Key: { key }, ConsistentRead: true }),
    );
    const other = { ...Item, schema: 2, writeId: 'other' };
    await bank.client.send(new PutCommand({ TableName: database.tables.commands, Item: other }));
    expect(await bank.store.decidePending(a, [pending])).toEqual({
      decided: 0,
      passedOver: [{ keys: [key], cause: expect.any(Error) }],
    });
  });

  it('one of another account is passed over, and moves no money here', async () => {
    const pending = await leavePending(
      bank.client,
      database.tables.commands,
      requests.deposit('b', 7, { key: 'x' }),
    );
    expect(await bank.store.decidePending(a, [pending])).toMatchObject({
      decided: 0,
      passedOver: [{}],
    });
    expect((await bank.store.load(a)).account?.balance).toBe(1_000);
  });
});

it('a copy of a command that was given up is given up too', async () => {
  const pending = await leavePending(
    bank.client,
    database.tables.commands,
    requests.deposit('a', 7, { key: 'k1' }),
  );
  const keys = [keyOn('a', 'k1'), keyOn('a', 'k2')];
  const put = (Item: object) =>
    bank.client.send(new PutCommand({ TableName: database.tables.commands, Item }));
  const copy = { ...pending, keys };
  await put({ ...copy, key: keys[1], outcome: 'pending' });
  const { accountId, schema, fingerprint, at, writeId: pendingId } = pending;
  await put({
    key: keys[0],
    accountId,
    schema,
    fingerprint,
    at,
    writeId: 'g',
    outcome: 'given_up',
    pendingId,
  });
  await bank.store.decidePending(a, [copy]);
  expect(await outcomeOf('a', 'k2')).toBe('given_up');
});

it('a command that has queued unheard, and is refused without a word of what stands there, is not told that nothing was done', async () => {
  await bank.store.executeTogether(a, [requests.deposit('a', 1), requests.deposit('a', 1)]);
  const here = createMeteredStore(database, {
    queueing: true,
    budget: 3_000,
    ...createTestTime(Date.now()),
  });
  let writes = 0;
  here.inject(async (operation, send) => {
    if (operation !== 'TransactWriteItems') return send();
    writes += 1;
    if (writes === 1) {
      await send();
      throw named('TimeoutError');
    }
    const CancellationReasons = [{ Code: 'ConditionalCheckFailed' }, { Code: 'None' }];
    throw named('TransactionCanceledException', { CancellationReasons });
  });
  expect(await here.store.execute(requests.withdraw('a', 30))).toMatchObject({
    outcome: 'pending',
  });
  expect(writes).toBeGreaterThan(1);
});

it('a list of versions is decided within the time of one command', async () => {
  const time = createTestTime(Date.now());
  const here = createMeteredStore(database, { ...time });
  const begun = time.clock();
  here.inject(async (operation, send) => {
    time.pass(2_000);
    if (operation === 'PutItem') await bank.store.execute(requests.deposit('a', 1));
    return send();
  });
  const expectedVersions = Array.from({ length: 30 }, (_, n) => Version.parse(n + 2));
  await here.store.execute({ ...requests.withdraw('a', 1), expectedVersions });
  expect(time.clock() - begun).toBeLessThan(25_000);
});

it('a command without a key whose write may have landed, and is refused without a word, is not decided again', async () => {
  const here = createMeteredStore(database, createTestTime(Date.now()));
  let writes = 0;
  here.inject(async (operation, send) => {
    if (operation !== 'PutItem') return send();
    writes += 1;
    if (writes > 1) throw named('ConditionalCheckFailedException');
    await send();
    throw named('TimeoutError');
  });
  expect(await here.store.execute(requests.withdraw('a', 30))).toEqual({
    outcome: 'undecided',
    reason: 'unknown',
  });
  expect((await bank.store.load(a)).account?.balance).toBe(970);
});

it('a further key of a pending command is claimed with all keys that the command has by then', async () => {
  const request = requests.deposit('a', 7, { key: 'k1' });
  await leavePending(bank.client, database.tables.commands, request);
  const keys = [keyOn('a', 'k1'), keyOn('a', 'k2')];
  const impatient = createMeteredStore(database, { budget: 200, ...createTestTime(Date.now()) });
  expect(await impatient.store.execute({ ...request, keys })).toEqual({ outcome: 'in_progress' });
  expect(await bank.store.recordOf(keyOn('a', 'k2'))).toMatchObject({ outcome: 'pending', keys });
});
