import { describe, expect, it } from 'vitest';
import {
  createContentionModel,
  type ModelSettings,
  type Time,
} from '../../../bench/model/contention.ts';
import { createRequestReader, type ModelledRequest } from '../../../bench/model/request.ts';
import type { DynamoDbAnswer } from '../../../local-cloud/dynamodb/answer.ts';

const settings: ModelSettings = {
  requestMs: 4,
  transactionMs: 10,
  writeUnitsPerSecond: 1_000,
  readUnitsPerSecond: 3_000,
  burstMs: 100,
};

/** A time that passes only where it is told to. */
const createTime = () => {
  let now = 0;
  let sleepers: { readonly until: number; readonly wake: () => void }[] = [];
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const time: Time = {
    clock: () => now,
    sleep: (milliseconds) =>
      new Promise<void>((wake) => {
        sleepers.push({ until: now + milliseconds, wake });
      }),
  };
  return {
    ...time,
    pass: async (milliseconds: number) => {
      const end = now + milliseconds;
      await settle();
      for (;;) {
        const [next] = sleepers.toSorted((a, b) => a.until - b.until);
        if (!next || next.until > end) break;
        sleepers = sleepers.filter((sleeper) => sleeper !== next);
        now = next.until;
        next.wake();
        await settle();
      }
      now = end;
    },
  };
};

const fine = (units = 1): DynamoDbAnswer => ({
  status: 200,
  headers: {},
  body: Buffer.from(`{"ConsumedCapacity":{"CapacityUnits":${units}}}`),
});

const item = (name: string, units = 2, partition = name) => ({ partition, key: name, units });
const transaction = (...items: ReturnType<typeof item>[]): ModelledRequest => ({
  kind: 'transaction',
  items,
});
const put = (name: string, units = 1): ModelledRequest => ({
  kind: 'write',
  item: item(name, units),
});
const read: ModelledRequest = { kind: 'read', partitions: ['a'], least: 1 };

/** A model, and what its requests were answered, as they come. */
const given = () => {
  const time = createTime();
  const model = createContentionModel(settings, time);
  let forwarded = 0;
  const ask = (request: ModelledRequest, backend = fine()) => {
    const asked: { answer?: string; reasons?: string[]; at?: number } = {};
    const forward = async () => {
      forwarded += 1;
      return backend;
    };
    void model.answer(request, forward).then(({ status, body }) => {
      const said = JSON.parse(body.toString());
      asked.answer = status === 200 ? 'fine' : String(said.__type).replace(/.*#/, '');
      if (said.CancellationReasons)
        asked.reasons = said.CancellationReasons.map(({ Code }: { Code: string }) => Code);
      asked.at = time.clock();
    });
    return asked;
  };
  return { ask, pass: time.pass, forwarded: () => forwarded };
};

describe('where transactions meet', () => {
  it('refuses a transaction on an item that another holds, and says which item it is', async () => {
    const { ask, pass, forwarded } = given();
    const first = ask(transaction(item('a'), item('b')));
    await pass(9);
    const second = ask(transaction(item('c'), item('b')));
    await pass(20);
    expect(first.answer).toBe('fine');
    expect(second).toMatchObject({
      answer: 'TransactionCanceledException',
      reasons: ['None', 'TransactionConflict'],
    });
    expect(forwarded()).toBe(1);
  });

  it('lets one pass that comes when the other has been answered', async () => {
    const { ask, pass } = given();
    ask(transaction(item('a')));
    await pass(10);
    const second = ask(transaction(item('a')));
    await pass(10);
    expect(second.answer).toBe('fine');
  });

  it('holds nothing for a transaction that was refused', async () => {
    const { ask, pass } = given();
    ask(transaction(item('a')));
    ask(transaction(item('a'), item('b')));
    const other = ask(transaction(item('b')));
    await pass(10);
    expect(other.answer).toBe('fine');
  });

  it('refuses a single write of an item that a transaction holds', async () => {
    const { ask, pass } = given();
    ask(transaction(item('a')));
    const single = ask(put('a'));
    await pass(10);
    expect(single.answer).toBe('TransactionConflictException');
  });

  it('lets reads pass, and other items of the same partition', async () => {
    const { ask, pass } = given();
    ask(transaction(item('a/1', 2, 'a')));
    const reading = ask(read);
    const next = ask(transaction(item('a/2', 2, 'a')));
    await pass(10);
    expect([reading.answer, next.answer]).toEqual(['fine', 'fine']);
  });

  it('lets go of the items when DynamoDB Local does not answer', async () => {
    const { pass, ask } = given();
    const time = createTime();
    const model = createContentionModel(settings, time);
    const lost = model.answer(transaction(item('a')), () => Promise.reject(new Error('lost')));
    const failed = expect(lost).rejects.toThrow('lost');
    await time.pass(10);
    await failed;
    const second = model.answer(transaction(item('a')), async () => fine());
    await time.pass(10);
    await expect(second).resolves.toMatchObject({ status: 200 });
    ask(put('a'));
    await pass(4);
  });
});

describe('where a partition key has used up what it may', () => {
  it('refuses further writes of it, and no others, until there is some again', async () => {
    const { ask, pass } = given();
    ask(put('a', 120));
    const soon = ask(put('a'));
    const elsewhere = ask(put('b'));
    await pass(21);
    const later = ask(put('a'));
    await pass(4);
    expect(soon.answer).toBe('ThrottlingException');
    expect([elsewhere.answer, later.answer]).toEqual(['fine', 'fine']);
  });

  it('says of which items of a transaction', async () => {
    const { ask, pass } = given();
    ask(put('a', 100));
    const both = ask(transaction(item('a'), item('b')));
    await pass(10);
    expect(both.reasons).toEqual(['ThrottlingError', 'None']);
  });

  it('takes nothing of the other partitions of a transaction that it refuses', async () => {
    const { ask, pass } = given();
    ask(put('a', 120));
    ask(transaction(item('a', 2), item('b', 200)));
    const other = ask(put('b'));
    await pass(10);
    expect(other.answer).toBe('fine');
  });

  it('takes 1,000 write units a second', async () => {
    const { ask, pass } = given();
    const asked = [];
    for (let n = 0; n < 2_000; n += 1) {
      asked.push(ask(put('a')));
      await pass(0.5);
    }
    await pass(4);
    const taken = asked.filter(({ answer }) => answer === 'fine').length;
    expect(taken).toBeGreaterThanOrEqual(1_000);
    expect(taken).toBeLessThanOrEqual(1_101);
  });

  it('counts of reads what their answers say', async () => {
    const { ask, pass } = given();
    ask(read, fine(301));
    await pass(4);
    const soon = ask(read);
    await pass(4);
    const later = ask(read);
    await pass(4);
    expect([soon.answer, later.answer]).toEqual(['ThrottlingException', 'fine']);
  });
});

describe('many items read at once', () => {
  const many: ModelledRequest = { kind: 'read', partitions: ['a', 'b', 'b'], least: 1 };

  it('take of the partition of each', async () => {
    const { ask, pass } = given();
    ask(many, fine(600));
    await pass(4);
    const soon = [ask({ ...read, partitions: ['b'] }), ask({ ...read, partitions: ['a'] })];
    await pass(4);
    expect(soon.map(({ answer }) => answer)).toEqual(['ThrottlingException', 'fine']);
  });

  it('take the least that a read takes, where there is nothing to find', async () => {
    const { ask, pass } = given();
    for (let n = 0; n < 151; n += 1) ask(many, fine(0));
    await pass(4);
    const soon = [ask({ ...read, partitions: ['b'] }), ask({ ...read, partitions: ['a'] })];
    await pass(4);
    expect(soon.map(({ answer }) => answer)).toEqual(['ThrottlingException', 'fine']);
  });

  it('are refused together where one partition has used up what it may', async () => {
    const { ask, pass } = given();
    ask({ ...read, partitions: ['b'] }, fine(320));
    await pass(4);
    const all = ask(many);
    await pass(4);
    expect(all.answer).toBe('ThrottlingException');
  });
});

it('answers in the time that a request, or a transaction, takes, also where it refuses', async () => {
  const { ask, pass } = given();
  const asked = [
    ask(transaction(item('a'))),
    ask(transaction(item('a'))),
    ask(put('a')),
    ask(put('b')),
    ask(read),
    ask({ kind: 'other' }),
  ];
  await pass(20);
  expect(asked.map(({ at }) => at)).toEqual([10, 10, 4, 4, 4, 4]);
});

describe('what a request touches', () => {
  const tables = {
    events: { key: ['streamId', 'version'] },
    commands: { key: ['key'] },
  };
  const json = (request: object) => Buffer.from(JSON.stringify(request));
  const of = (operation: string, request: object) =>
    createRequestReader(tables)(operation, json(request));
  const place = { streamId: { S: 'x' }, version: { N: '7' } };

  it('is every item of a transaction, at two units a kilobyte', () => {
    const Item = { key: { S: 'k' }, filler: { S: 'x'.repeat(1_500) } };
    const request = {
      TransactItems: [
        { Put: { TableName: 'events', Item: place } },
        { Put: { TableName: 'commands', Item } },
        { Update: { TableName: 'commands', Key: { key: { S: 'u' } } } },
      ],
    };
    expect(of('TransactWriteItems', request)).toEqual({
      kind: 'transaction',
      items: [
        { partition: 'events/{"S":"x"}', key: 'events/{"S":"x"}/{"N":"7"}', units: 2 },
        { partition: 'commands/{"S":"k"}', key: 'commands/{"S":"k"}', units: 4 },
        { partition: 'commands/{"S":"u"}', key: 'commands/{"S":"u"}', units: 2 },
      ],
    });
  });

  it('is the partition that is read, by the same name as where it is written', () => {
    const query = {
      TableName: 'events',
      KeyConditionExpression: 'streamId = :streamId AND #version <= :notAfter',
      ExpressionAttributeValues: { ':streamId': { S: 'x' }, ':notAfter': { N: '9' } },
      ConsistentRead: true,
    };
    const get = { TableName: 'events', Key: place };
    const partition = 'events/{"S":"x"}';
    expect(of('Query', query)).toEqual({ kind: 'read', partitions: [partition], least: 1 });
    expect(of('GetItem', get)).toEqual({ kind: 'read', partitions: [partition], least: 0.5 });
    expect(of('PutItem', { TableName: 'events', Item: place })).toMatchObject({
      kind: 'write',
      item: { partition, units: 1 },
    });
  });

  it('is the partition of every item of a batch', () => {
    const Keys = [{ key: { S: 'k' } }, { key: { S: 'l' } }];
    expect(
      of('BatchGetItem', { RequestItems: { commands: { Keys, ConsistentRead: true } } }),
    ).toEqual({
      kind: 'read',
      partitions: ['commands/{"S":"k"}', 'commands/{"S":"l"}'],
      least: 1,
    });
  });

  it('is not asked of what reads streams', () => {
    expect(of('GetRecords', {})).toEqual({ kind: 'other' });
  });

  it.each(['TransactGetItems', 'BatchWriteItem', 'Scan'])(
    'is refused by name where the model does not know: %s',
    (operation) => {
      expect(() => of(operation, {})).toThrow(operation);
    },
  );

  it('is refused by name of a table that the model does not know', () => {
    expect(() => of('GetItem', { TableName: 'other', Key: place })).toThrow('other');
  });

  it("is one partition for all of an account's records, where the model is told so", () => {
    const read = createRequestReader({ commands: { key: ['key'], partition: 'accountId' } });
    const record = (key: string) => ({ key: { S: key }, accountId: { S: 'hot' } });
    const partition = 'commands/{"S":"hot"}';
    const put = (key: string) =>
      read('PutItem', json({ TableName: 'commands', Item: record(key) }));
    expect(put('k')).toMatchObject({ item: { partition, key: 'commands/{"S":"k"}' } });
    expect(put('l')).toMatchObject({ item: { partition, key: 'commands/{"S":"l"}' } });
    const get = (key: string) =>
      read('GetItem', json({ TableName: 'commands', Key: { key: { S: key } } }));
    expect(get('l')).toMatchObject({ partitions: [partition] });
    expect(get('never put')).toMatchObject({ partitions: ['commands/{"S":"never put"}'] });
  });
});
