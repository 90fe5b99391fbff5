import { setTimeout } from 'node:timers/promises';
import { beforeAll, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { AccountId, type Timestamp } from '../../../events/values.ts';
import { isLate } from '../../../functions/transfers/attempts.ts';
import { createHandler as createCredit } from '../../../functions/transfers/credit-transfer.ts';
import { createHandler as createRelease } from '../../../functions/transfers/release-transfer.ts';
import {
  accountsThatReserved,
  openReservations,
} from '../../../functions/transfers/reservations.ts';
import { createHandler as createSettle } from '../../../functions/transfers/settle-transfer.ts';
import { TransferInput } from '../../../functions/transfers/workflow.ts';
import { openStateMachine } from '../../../local-cloud/step-functions/state-machine.ts';
import { requests } from '../../../testing/ledger-requests.ts';
import { createMeteredStore, type MeteredStore } from '../../setup/metered-store.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/tables.ts';
import { synthesized } from '../../unit/infra/synthesized.ts';
import { recordedTelemetry } from '../../unit/runtime/recorded-telemetry.ts';

const machine = synthesized('dev').find(({ type }) => type === 'AWS::StepFunctions::StateMachine');
const arnOf = (functionName: string) =>
  `arn:aws:lambda:eu-west-1:000000000000:function:${functionName}`;
const definition: unknown = JSON.parse(
  String(machine?.properties['DefinitionString']).replaceAll(/([\w-]+)\.Arn/g, (_, name) =>
    arnOf(name),
  ),
);

let database: TestDatabase;
let metered: MeteredStore;

beforeAll(async () => {
  database = await createTestDatabase();
  metered = createMeteredStore(database);
});

/** Opens accounts with 100 each, under names that no other test uses. */
const accounts = async (test: string, ...names: string[]): Promise<string[]> => {
  const ids = names.map((name) => `${test}-${name}`);
  for (const id of ids) {
    await metered.store.execute(requests.open(id));
    await metered.store.execute(requests.deposit(id, 100));
  }
  return ids;
};

const reserve = async (
  from: string,
  to: string,
  amount: number,
  transferId: string,
): Promise<TransferInput> => {
  await metered.store.execute(requests.reserve(from, to, amount, transferId));
  return TransferInput.parse({
    transferId,
    from,
    to,
    amount,
    currency: 'EUR',
    correlationId: 'k',
    actor: 'alice',
  });
};

const steps = () => {
  const dependencies = { store: metered.store, telemetry: recordedTelemetry().telemetry };
  return {
    credit: createCredit(dependencies),
    settle: createSettle(dependencies),
    release: createRelease(dependencies),
  };
};

/** The workflow as the app defines it, and the functions that its tasks name. */
const workflow = () => {
  const { credit, settle, release } = steps();
  const called = {
    'credit-transfer': credit,
    'settle-transfer': settle,
    'release-transfer': release,
  };
  const functions = new Map(
    Object.entries(called).map(([name, handler]) => {
      const arn = arnOf(`holdfast-dev-${name}`);
      const invoke = async (input: unknown) => ({
        ok: true as const,
        payload: await handler(input),
      });
      return [arn, { name, arn, invoke }];
    }),
  );
  return openStateMachine(
    { arn: 'workflow', name: 'workflow', type: 'EXPRESS', definition },
    (arn) => functions.get(arn),
  );
};

const Ended = z.object({
  status: z.literal('SUCCEEDED'),
  output: z.object({ credit: z.unknown() }),
});

/** Runs it once. @returns what became of the credit. */
const run = async (transfer: TransferInput): Promise<unknown> => {
  const ending = await workflow().run(transfer, { arn: 'execution', name: transfer.transferId })
    .ended;
  return Ended.parse(ending).output.credit;
};

const money = async (...ids: string[]) => {
  const tails = await Promise.all(ids.map((id) => metered.store.load(AccountId.parse(id))));
  return tails.map(({ account }) => [account?.balance, account?.reserved]);
};

it('a transfer moves its money once, however often its workflow runs, at once and again', async () => {
  const [from = '', to = ''] = await accounts('again', 'a', 'b');
  const transfer = await reserve(from, to, 30, 'again-1');
  await Promise.all([run(transfer), run(transfer), run(transfer)]);
  await run(transfer);
  expect(await money(from, to)).toEqual([
    [70, 0],
    [130, 0],
  ]);
});

it('a transfer to an account that does not exist is released, also if it is opened later', async () => {
  const [from = ''] = await accounts('missing', 'a');
  const transfer = await reserve(from, 'missing-b', 30, 'missing-1');
  expect(await run(transfer)).toEqual({ outcome: 'rejected', reason: 'account_not_found' });
  await metered.store.execute(requests.open('missing-b'));
  expect(await run(transfer)).toEqual({ outcome: 'rejected', reason: 'account_not_found' });
  expect(await money(from, 'missing-b')).toEqual([
    [100, 0],
    [0, 0],
  ]);
});

it('of two sources with the same transfer id one pays and the other is whole again', async () => {
  const [first = '', second = '', to = ''] = await accounts('same', 'a', 'c', 'b');
  const one = await reserve(first, to, 30, 'same-1');
  const other = await reserve(second, to, 40, 'same-1');
  expect(await run(one)).toEqual({ outcome: 'credited' });
  expect(await run(other)).toEqual({ outcome: 'rejected', reason: 'transfer_id_reused' });
  expect(await money(first, second, to)).toEqual([
    [70, 0],
    [100, 0],
    [130, 0],
  ]);
});

it('a credit that was recorded in other words is settled, not released: the money has arrived', async () => {
  const [from = '', to = ''] = await accounts('words', 'a', 'b');
  const transfer = await reserve(from, to, 30, 'words-1');
  await steps().credit(transfer);
  const reworded = TransferInput.parse({
    ...transfer,
    reference: 'a field that the first request did not have',
  });
  expect(await run(reworded)).toEqual({ outcome: 'credited' });
  expect(await money(from, to)).toEqual([
    [70, 0],
    [130, 0],
  ]);
});

it('open reservations are found in the streams, each once, with what their workflow is started with', async () => {
  const { config, tables } = await createTestDatabase();
  const own = createMeteredStore({ config, tables });
  for (const id of ['a', 'b', 'c']) {
    await own.store.execute(requests.open(id));
    await own.store.execute(requests.deposit(id, 100));
  }
  for (const id of ['t1', 't2', 't3']) await own.store.execute(requests.reserve('a', 'b', 10, id));
  await own.store.execute(requests.reserve('b', 'a', 5, 't4'));
  await own.store.execute(requests.settle('a', 't2'));

  const found: string[] = [];
  const patience = { clock: Date.now, random: Math.random, sleep: (ms: number) => setTimeout(ms) };
  const table = {
    client: own.client,
    eventsTable: tables.events,
    budget: 10_000,
    ...patience,
  };
  for await (const { accounts: some } of accountsThatReserved(table)) found.push(...some);
  expect(found.sort()).toEqual(['a', 'b']);

  expect(await openOn(own, 'a')).toMatchObject([
    { transferId: 't1', from: 'a', to: 'b', amount: 10, currency: 'EUR', actor: 'alice' },
    { transferId: 't3', from: 'a', to: 'b', amount: 10, currency: 'EUR', actor: 'alice' },
  ]);
  expect(await openOn(own, 'a', () => false)).toEqual([]);
});

it('of two reservations of one commit both are found in the streams', async () => {
  const [from = '', to = ''] = await accounts('batch', 'a', 'b');
  const reservations = ['batch-1', 'batch-2'].map((id) => requests.reserve(from, to, 10, id));
  await metered.store.executeTogether(AccountId.parse(from), reservations);
  expect((await openOn(metered, from)).map(({ transferId }) => transferId)).toEqual([
    'batch-1',
    'batch-2',
  ]);
});

it('after a commit of a clock that was an hour ahead, what is reserved is found, and due', async () => {
  const [from = '', to = ''] = await accounts('ahead', 'a', 'b');
  const hourAhead = createMeteredStore(database, { clock: () => Date.now() + 3_600_000 });
  await hourAhead.store.execute(requests.deposit(from, 1));
  await metered.store.execute(requests.reserve(from, to, 10, 'ahead-1'));
  const found = await openOn(metered, from, (reservedAt) => isLate(reservedAt, Date.now()));
  expect(found.map(({ transferId }) => transferId)).toEqual(['ahead-1']);
});

it('what is reserved nowhere is not credited, though a workflow is started with it', async () => {
  const [from = '', to = ''] = await accounts('forged', 'a', 'b');
  const transfer = await reserve(from, to, 30, 'forged-1');
  const forged = [
    { ...transfer, transferId: 'forged-2' },
    { ...transfer, amount: 31 },
    { ...transfer, to: from },
  ];
  // The step itself: the workflow would try it again for a minute and a half.
  const { credit } = steps();
  for (const input of forged)
    await expect(credit(TransferInput.parse(input))).rejects.toThrow('is not credited');
  expect(await money(from, to)).toEqual([
    [100, 30],
    [100, 0],
  ]);
  expect(await run(transfer)).toEqual({ outcome: 'credited' });
  expect(await run(transfer)).toEqual({ outcome: 'credited' });
});

/** The open reservations of an account, as its stream has them. */
const openOn = async (
  { store }: MeteredStore,
  accountId: string,
  isDue: (reservedAt: Timestamp) => boolean = () => true,
): Promise<TransferInput[]> => {
  const open: TransferInput[] = [];
  for await (const { transfer } of openReservations(store, AccountId.parse(accountId), isDue))
    open.push(transfer);
  return open;
};
