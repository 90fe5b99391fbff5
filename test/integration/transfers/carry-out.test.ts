import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, expect, it } from 'vitest';
import { AccountId } from '../../../events/values.ts';
import { createHandler as createCarryOut } from '../../../functions/transfers/carry-out-transfers.ts';
import { createHandler as createCredit } from '../../../functions/transfers/credit-transfer.ts';
import { createHandler as createSettle } from '../../../functions/transfers/settle-transfer.ts';
import type { TransferInput } from '../../../functions/transfers/workflow.ts';
import { requests } from '../../../testing/ledger-requests.ts';
import { verifyStream } from '../../../testing/verify-stream.ts';
import { createMeteredStore, type Fault, type MeteredStore } from '../../setup/metered-store.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/tables.ts';
import { streamRecord } from '../../unit/projections/memory-ledger.ts';
import { recordedTelemetry } from '../../unit/runtime/recorded-telemetry.ts';

const ACCOUNTS = ['a', 'b', 'c'] as const;
const EACH = 1_000;

let database: TestDatabase;
let bank: MeteredStore;
/** The reservations as the stream brings them: twelve transfers among three accounts, every way. */
let records: ReturnType<typeof streamRecord>[];

const transfers = Array.from({ length: 12 }, (_, n) => {
  const [from = 'a', to = 'b'] = [ACCOUNTS[n % 3], ACCOUNTS[(n + 1 + (n % 2)) % 3]];
  return { transferId: `t${n}`, from, to, amount: n + 1 };
});

/** The same commits, in the tables and as the stream brings them. */
beforeEach(async () => {
  database = await createTestDatabase();
  bank = createMeteredStore(database);
  for (const id of ACCOUNTS) {
    await bank.store.execute(requests.open(id));
    await bank.store.execute(requests.deposit(id, EACH));
  }
  for (const { from, to, amount, transferId } of transfers) {
    await bank.store.execute(requests.reserve(from, to, amount, transferId));
  }
  records = await reservations();
});

const reservations = async () => {
  const { Items = [] } = await bank.client.send(
    new ScanCommand({ TableName: database.tables.events, ConsistentRead: true }),
  );
  return Items.filter((item) => item['reserves'] !== undefined).map((item) => streamRecord(item));
};

/** One environment of the function. */
const environment = (fault?: Fault) => {
  const { store, inject } = createMeteredStore(database, { budget: 3_000 });
  inject(fault);
  const left: TransferInput[] = [];
  const start = async (_: string, transfer: TransferInput) => {
    left.push(transfer);
    return 'started' as const;
  };
  const { telemetry } = recordedTelemetry();
  const budget = { steps: 20_000, starts: 20_000 };
  const carryOut = createCarryOut({
    store,
    workflow: { start },
    telemetry,
    clock: Date.now,
    random: Math.random,
    sleep: async () => {},
    budget,
  });
  return { left, run: (some = records) => carryOut({ Records: some }) };
};

const expectAllSettledOnce = async () => {
  const sum = (side: 'from' | 'to', id: string) =>
    transfers.filter((it) => it[side] === id).reduce((total, { amount }) => total + amount, 0);
  for (const id of ACCOUNTS) {
    const { account, commits } = await verifyStream(bank.store, AccountId.parse(id));
    expect(account).toMatchObject({
      balance: EACH - sum('from', id) + sum('to', id),
      reserved: 0,
      reservations: [],
    });
    const ended = commits
      .flatMap(({ events }) => events)
      .filter(({ type }) => type === 'MoneyWithdrawn');
    expect(ended).toHaveLength(transfers.filter(({ from }) => from === id).length);
  }
};

it('a batch is credited and settled with one commit an account and step, and leaves nothing to the workflow', async () => {
  const { run, left } = environment();
  expect(await run()).toEqual({ batchItemFailures: [] });
  expect(left).toEqual([]);
  await expectAllSettledOnce();
  const { commits } = await verifyStream(bank.store, AccountId.parse('a'));
  expect(commits.slice(-2).map(({ batch }) => batch)).toEqual([4, 4]);
});

it('delivered to five environments at once, in pieces, in other orders and again, it happens once', async () => {
  const deliveries = [
    records,
    records.toReversed(),
    records.slice(0, 5),
    records.slice(5),
    records.slice(3, 9),
  ];
  const answers = await Promise.all(deliveries.map((some) => environment().run(some)));
  answers.push(await environment().run());
  expect(answers.flatMap(({ batchItemFailures }) => batchItemFailures)).toEqual([]);
  await expectAllSettledOnce();
});

it('with the workflow at work on the same transfers, it happens once', async () => {
  const { store } = createMeteredStore(database);
  const { telemetry } = recordedTelemetry();
  const [credit, settle] = [createCredit({ store, telemetry }), createSettle({ store, telemetry })];
  const workflow = async (transfer: object) =>
    settle({ ...transfer, credit: await credit(transfer) });
  const started = transfers.map((transfer) => ({
    ...transfer,
    currency: 'EUR',
    correlationId: 'k',
    actor: 'alice',
  }));
  await Promise.all([environment().run(), ...started.map(workflow)]);
  await expectAllSettledOnce();
});

it('when every answer to a write is lost once, it happens once', async () => {
  const lost = new Set<number>();
  let writes = 0;
  const { run } = environment(async (operation, send) => {
    const answer = await send();
    if (operation === 'Query') return answer;
    writes += 1;
    if (writes % 2 === 0) return answer;
    lost.add(writes);
    throw Object.assign(new Error('timeout'), { name: 'TimeoutError' });
  });
  expect(await run()).toEqual({ batchItemFailures: [] });
  expect(lost.size).toBeGreaterThan(2);
  await expectAllSettledOnce();
});

it('what was cut off after the credits is settled by the next delivery', async () => {
  const cut = environment(async (operation, send) => {
    if (operation === 'PutItem') throw new Error('crashed');
    return send();
  });
  await cut.run();
  expect(cut.left).toHaveLength(transfers.length);
  await environment().run();
  await expectAllSettledOnce();
});

it('a transfer to an account that does not exist is left to the workflow, unsettled, and the others are not held up', async () => {
  await bank.store.execute(requests.reserve('a', 'nobody', 5, 'lost'));
  records = await reservations();
  const { run, left } = environment();
  await run();
  expect(left.map(({ transferId, to }) => [transferId, to])).toEqual([['lost', 'nobody']]);
  const { account } = await verifyStream(bank.store, AccountId.parse('a'));
  expect(account).toMatchObject({ reserved: 5, reservations: [{ transferId: 'lost' }] });
});
