import { beforeEach, expect, it } from 'vitest';
import { failureOf } from '../../../functions/runtime/failure.ts';
import { type Look, lookTogether } from '../../../functions/runtime/look-together.ts';
import { keyOn, requests } from '../../../testing/ledger-requests.ts';
import { createLedgerDatabase } from '../../mutants/memory-database.ts';
import { createMeteredStore, type MeteredStore } from '../../setup/metered-store.ts';

let metered: MeteredStore;
let look: Look;

beforeEach(async () => {
  const database = await createLedgerDatabase();
  metered = createMeteredStore(database);
  look = lookTogether({ client: metered.client, table: database.tables.commands });
  await metered.store.execute(requests.open('a', { key: 'there' }));
  metered.requests();
});

const there = { key: keyOn('a', 'there') };
const operations = () => metered.requests().map(({ operation }) => operation);
const named = (name: string) => Object.assign(new Error(name), { name });

it('one alone is a read of its own', async () => {
  expect(await look(there)).toMatchObject(there);
  expect(await look({ key: 'command:none' })).toBeUndefined();
  expect(operations()).toEqual(['GetItem', 'GetItem']);
});

it('those of the same moment are one request, the same key once', async () => {
  const none = Array.from({ length: 60 }, (_, n) => ({ key: `command:none-${n}` }));
  const found = await Promise.all([there, ...none, there].map(look));
  expect(found.map((item) => item?.['key'])).toEqual([
    there.key,
    ...none.map(() => undefined),
    there.key,
  ]);
  expect(operations()).toEqual(['BatchGetItem']);
});

it('a hundred are in a request at the most', async () => {
  await Promise.all(Array.from({ length: 250 }, (_, n) => look({ key: `command:none-${n}` })));
  expect(operations()).toEqual(['BatchGetItem', 'BatchGetItem', 'BatchGetItem']);
});

it('those who come while others are looked up are in the next request', async () => {
  const gate = Promise.withResolvers<void>();
  const sent = Promise.withResolvers<void>();
  metered.inject(async (_, send) => {
    sent.resolve();
    await gate.promise;
    return send();
  });
  const first = look(there);
  await sent.promise;
  const others = [look(there), look({ key: 'command:none' })];
  gate.resolve();
  expect(await first).toMatchObject(there);
  expect(await Promise.all(others)).toMatchObject([there, undefined]);
  expect(operations()).toEqual(['GetItem', 'BatchGetItem']);
});

it('an answer that does not come holds up those who come later for a moment only', async () => {
  const never = Promise.withResolvers<void>();
  const sent = Promise.withResolvers<void>();
  let isFirst = true;
  metered.inject(async (_, send) => {
    if (isFirst) {
      isFirst = false;
      sent.resolve();
      await never.promise;
    }
    return send();
  });
  const first = look(there);
  await sent.promise;
  expect(await look(there)).toMatchObject(there);
  never.resolve();
  expect(await first).toMatchObject(there);
});

it('what fails fails for those who asked, and for nobody else', async () => {
  let isFirst = true;
  metered.inject(async (_, send) => {
    if (!isFirst) return send();
    isFirst = false;
    throw named('TimeoutError');
  });
  const failing = await Promise.allSettled([look(there), look({ key: 'command:none' })]);
  expect(failing.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await look(there)).toMatchObject(there);
});

/** A table whose answers are these. */
const answering = (answer: object) =>
  lookTogether({
    client: Object.assign(Object.create(metered.client), { send: async () => answer }),
    table: 'commands',
  });

it('a key that is left out of a batch is throttled, and not absent', async () => {
  const ask = answering({
    ConsumedCapacity: [],
    Responses: { commands: [{ key: 'a' }] },
    UnprocessedKeys: { commands: { Keys: [{ key: 'b' }] } },
  });
  const [a, b, c] = await Promise.allSettled(['a', 'b', 'c'].map((key) => ask({ key })));
  expect([a, c]).toEqual([
    { status: 'fulfilled', value: { key: 'a' } },
    { status: 'fulfilled', value: undefined },
  ]);
  expect(b?.status === 'rejected' && failureOf(b.reason)).toMatchObject({ kind: 'throttled' });
});

it.each([
  ['nothing', {}],
  ['of no items', { ConsumedCapacity: [] }],
  ['of another table', { ConsumedCapacity: [], Responses: { others: [] } }],
])('an answer that says %s does not say that there are none', async (_, answer) => {
  const ask = answering(answer);
  const results = await Promise.allSettled(['a', 'b'].map((key) => ask({ key })));
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});
