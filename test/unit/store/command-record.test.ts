import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { Timestamp, Version } from '../../../events/values.ts';
import { resultOf } from '../../../functions/store/deciding/command-result.ts';
import {
  type CommandRecord,
  findRecord,
  PendingCommand,
  readRecord,
  recordItem,
} from '../../../functions/store/writing/command-record.ts';
import { commandIdOf, recordKey } from '../../../functions/store/writing/record-key.ts';
import { NOON } from '../ledger/given.ts';

const envelope = {
  key: 'command:k',
  accountId: 'a',
  schema: 1,
  fingerprint: 'f',
  writeId: 'w',
  at: NOON,
};
const queued = {
  accountId: 'a',
  schema: 1,
  commandSchema: 1,
  fingerprint: 'f',
  writeId: 'w',
  at: NOON,
  keys: ['command:k', 'command:k2'],
  command: { type: 'settle', accountId: 'a', transferId: 't1' },
  actor: 'alice',
  correlationId: 'c',
};
const decided = { ...envelope, batch: 2, pendingId: 'p' };
/** One whole record of each kind, as its item. */
const items = {
  accepted: {
    ...decided,
    outcome: 'accepted',
    version: 3,
    answer: '{"balance":5,"accountId":"a"}',
  },
  rejected: {
    ...decided,
    outcome: 'rejected',
    rejection: { code: 'account_not_found', detail: 'No.' },
  },
  given_up: { ...envelope, outcome: 'given_up', pendingId: 'p' },
  pending: { ...queued, key: 'command:k', outcome: 'pending' },
};
type Kind = keyof typeof items;
const kinds: readonly Kind[] = ['accepted', 'rejected', 'given_up', 'pending'];
const OPTIONAL: readonly string[] = ['batch', 'answer'];
const isOptional = (kind: Kind, field: string) =>
  OPTIONAL.includes(field) || (field === 'pendingId' && kind !== 'given_up');

const eachField = kinds.flatMap((kind) =>
  Object.keys(items[kind]).map((field) => ({ kind, field })),
);
const unreadable = { outcome: 'unreadable', key: 'command:k' };

describe('a record of the commands table', () => {
  it.each(kinds)('%s is read as it was written', (kind) => {
    const read = readRecord(items[kind]);
    expect(read).toStrictEqual(
      kind === 'accepted'
        ? { ...items.accepted, answer: { balance: 5, accountId: 'a' } }
        : items[kind],
    );
    if (read.outcome !== 'unreadable') expect(recordItem(read)).toStrictEqual(items[kind]);
  });
  it.each(kinds)('%s is read without an attribute that is not known here', (kind) =>
    expect(readRecord({ ...items[kind], colour: 'red' })).toStrictEqual(readRecord(items[kind])),
  );
  it.each(eachField.filter(({ field }) => field !== 'key'))(
    '$kind cannot be read without its $field, or can',
    ({ kind, field }) => {
      const item = Object.fromEntries(
        Object.entries(items[kind]).filter(([name]) => name !== field),
      );
      const read = readRecord(item);
      if (isOptional(kind, field)) expect(read).toMatchObject({ outcome: kind });
      else expect(read).toStrictEqual(unreadable);
    },
  );
  it.each(eachField.filter(({ field }) => field !== 'key'))(
    '$kind cannot be read with a wrong $field',
    ({ kind, field }) =>
      expect(readRecord({ ...items[kind], [field]: null })).toStrictEqual(unreadable),
  );
  it.each(kinds)('%s of another schema is not acted upon', (kind) =>
    expect(readRecord({ ...items[kind], schema: 2 })).toStrictEqual(unreadable),
  );
  it('that is pending, of a command of a later schema, is not acted upon', () =>
    expect(readRecord({ ...items.pending, commandSchema: 3 })).toStrictEqual(unreadable));
  it('that is pending, of a command of an earlier schema, is read', () =>
    expect(readRecord({ ...items.pending, commandSchema: 1 })).toMatchObject({
      outcome: 'pending',
    }));
  it('whose answer was stored as a map is read, too', () =>
    expect(readRecord({ ...items.accepted, answer: { balance: 5 } })).toMatchObject({
      answer: { balance: 5 },
    }));
  it.each(['{"half', '5', '', ['{"balance":5}']])('whose answer is %o cannot be read', (answer) =>
    expect(readRecord({ ...items.accepted, answer })).toStrictEqual(unreadable),
  );
  it('without an answer is kept as it is', () => {
    const { answer: _, ...item } = items.accepted;
    const read = readRecord(item);
    if (read.outcome === 'unreadable') throw new Error('an answer may be missing');
    expect(recordItem(read)).toEqual(item);
  });
  it.each(['credit:t1', 'command:a.b'])('may stand under %s', (key) =>
    expect(readRecord({ ...items.given_up, key })).toMatchObject({ key, outcome: 'given_up' }),
  );
  it.each([undefined, 5, ['command:k'], 'k', 'command:', 'command:k\nl', 'xcommand:k', 'debit:t1'])(
    'is none under %o, and says so',
    (key) =>
      expect(() => readRecord({ ...items.given_up, key })).toThrow('must be the key of a record'),
  );
});

describe('what is recorded under a key', () => {
  const key = recordKey('k');
  /** Reads from a table that answers this. @returns what is found, and what was asked. */
  const found = async (answer: object) => {
    const asked: object[] = [];
    const client = new DynamoDBClient({ region: 'us-east-1' });
    client.middlewareStack.add(
      () =>
        async ({ input }) => {
          asked.push(input);
          return { response: {}, output: { $metadata: {}, ...answer } };
        },
      { step: 'initialize' },
    );
    const tables = { client: DynamoDBDocumentClient.from(client), commandsTable: 'commands' };
    return { record: await findRecord(tables, key), asked };
  };
  const ConsumedCapacity = {};

  it('is read consistently, and what that consumes is asked for', async () => {
    const { record, asked } = await found({
      ConsumedCapacity,
      Item: items.given_up,
    });
    expect(record).toEqual(items.given_up);
    expect(asked).toEqual([
      {
        TableName: 'commands',
        Key: { key },
        ConsistentRead: true,
        ReturnConsumedCapacity: 'TOTAL',
      },
    ]);
  });
  it('is nothing where the key is free', async () =>
    expect((await found({ ConsumedCapacity })).record).toBeUndefined());
  it('is not known where the answer says nothing', async () => expect(found({})).rejects.toThrow());
});

it('a command in the queue has keys of records', () => {
  expect(PendingCommand.parse(queued)).toStrictEqual(queued);
  expect(PendingCommand.safeParse({ ...queued, keys: ['k'] }).success).toBe(false);
});

describe('what the sender of a decided command hears', () => {
  const at = Timestamp.parse(NOON);
  const accepted = (more: object = {}): CommandRecord => {
    const read = readRecord({ ...items.accepted, ...more });
    if (read.outcome !== 'accepted') throw new Error('it is accepted');
    return read;
  };
  const heard = (record: CommandRecord, replayed: boolean) => {
    if (record.outcome !== 'accepted' && record.outcome !== 'rejected')
      throw new Error('it is decided');
    return resultOf(record, replayed);
  };

  it.each([true, false])('is what was told; replayed: %s', (replayed) => {
    const version = Version.parse(3);
    const answer = { balance: 5, accountId: 'a' };
    expect(heard(accepted(), replayed)).toStrictEqual({
      outcome: 'accepted',
      version,
      at,
      answer,
      replayed,
    });
    const nothing = accepted({ answer: undefined });
    expect(heard(nothing, replayed)).toStrictEqual({ outcome: 'accepted', version, at, replayed });
    const read = readRecord(items.rejected);
    if (read.outcome === 'unreadable') throw new Error('it can be read');
    expect(heard(read, replayed)).toStrictEqual({
      outcome: 'rejected',
      rejection: items.rejected.rejection,
      replayed,
    });
  });
});

it('a command’s id is what its key says after the kind, which is there once', () => {
  expect(recordKey('command:x')).toBe('command:command:x');
  expect(commandIdOf(recordKey('command:x'))).toBe('command:x');
  expect(commandIdOf('credit:command:t1')).toBe('credit:command:t1');
});
