import { describe, expect, it } from 'vitest';
import { AccountId, Amount, Timestamp, Version } from '../../../events/values.ts';
import { createHandler as createDecidePending } from '../../../functions/commands/decide-pending.ts';
import { createHandler as createRequestTransfer } from '../../../functions/commands/request-transfer.ts';
import { createHandler as createProjectViews } from '../../../functions/projections/project-views.ts';
import { createHandler as createRebuild } from '../../../functions/projections/rebuild-views.ts';
import { createViewWriter } from '../../../functions/projections/view-writer.ts';
import { createHandler as createGetAccount } from '../../../functions/queries/get-account.ts';
import { createHandler as createGetCommand } from '../../../functions/queries/get-command.ts';
import { createHandler as createGetTransfer } from '../../../functions/queries/get-transfer.ts';
import { createHandler as createListEntries } from '../../../functions/queries/list-entries.ts';
import { createHandler as createListTransfers } from '../../../functions/queries/list-transfers.ts';
import { budgets } from '../../../functions/runtime/budgets.ts';
import type { CommandRequest } from '../../../functions/store/deciding/command-result.ts';
import { createStore, type Store } from '../../../functions/store/store.ts';
import {
  fingerprint,
  PendingCommand,
  RECORD_SCHEMA,
} from '../../../functions/store/writing/command-record.ts';
import { type RecordKey, recordKey } from '../../../functions/store/writing/record-key.ts';
import { createHandler as createCarryOut } from '../../../functions/transfers/carry-out-transfers.ts';
import { createHandler as createCredit } from '../../../functions/transfers/credit-transfer.ts';
import { createHandler as createExpireHolds } from '../../../functions/transfers/holds/expire-holds.ts';
import { createHandler as createRecovery } from '../../../functions/transfers/recover-transfers.ts';
import { accountsThatReserved } from '../../../functions/transfers/reservations.ts';
import { createHandler as createSettle } from '../../../functions/transfers/settle-transfer.ts';
import { createHandler as createStart } from '../../../functions/transfers/start-transfers.ts';
import { TransferInput } from '../../../functions/transfers/workflow.ts';
import { createViews } from '../../../functions/views/views.ts';
import { definitionOf, type FunctionName } from '../../../infra/constructs/catalogue.ts';
import { requests } from '../../../testing/ledger-requests.ts';
import { plantedCommit } from '../../../testing/planted-commit.ts';
import { createVirtualTime } from '../../setup/virtual-time.ts';
import { send } from '../http/request.ts';
import { createMemoryLedger, streamRecord } from '../projections/memory-ledger.ts';
import { recordedTelemetry, silentHttpWithTokens } from '../runtime/recorded-telemetry.ts';
import { createTroubledTables, type Trouble, type TroubledStream } from './troubled-tables.ts';

/** The accounts' owner, who is no operator: whose they are is asked first. */
const claims = { sub: 'alice', scope: 'ledger:read ledger:write' };

const ACCOUNTS = Array.from({ length: 30 }, (_, n) => AccountId.parse(`a-${n}`));
const [A = AccountId.parse('none'), B = A] = ACCOUNTS;
const depositOfOne = {
  type: 'MoneyDeposited' as const,
  v: 1 as const,
  data: { amount: Amount.parse(1) },
};
/** A start of an execution that is never heard of takes the SDK's three attempts. */
const START_MS = 13_000;

const planted = () => {
  const ledger = createMemoryLedger();
  for (const accountId of ACCOUNTS) {
    ledger.commit({ type: 'open', accountId, owner: 'alice', currency: 'EUR', overdraftLimit: 0 });
    ledger.commit({ type: 'deposit', accountId, amount: 1_000 });
  }
  for (let n = 0; n < 300; n += 1) ledger.commit({ type: 'deposit', accountId: A, amount: 1 });
  for (const [n, accountId] of ACCOUNTS.entries()) {
    const to = ACCOUNTS[(n + 1) % ACCOUNTS.length];
    ledger.commit({ type: 'reserve', accountId, transferId: `r-${n}`, to, amount: 1 });
  }
  return ledger;
};
/** Thirty accounts, the first with a long history: the same in every world, and nothing adds to it. */
const ledger = planted();

/** The accounts in tables that are in trouble, and all that reads or writes them. */
const createWorld = (trouble: Trouble) => {
  const time = createVirtualTime(Date.parse('2026-11-21T13:00:00.000Z'));
  const streams = new Map(
    ACCOUNTS.map((accountId) => {
      const items = ledger.committed
        .filter(({ commit }) => commit.streamId === accountId)
        .map(({ item }) => item);
      const stream: TroubledStream = { tail: ledger.tailOf(accountId), items };
      return [accountId, stream] as const;
    }),
  );
  const records = new Map<string, Readonly<Record<string, unknown>>>();
  const client = createTroubledTables(time, trouble, { streams, records });
  const patience = { clock: time.clock, sleep: time.sleep, random: () => 0.5 };
  let ids = 0;
  const newId = () => {
    ids += 1;
    return `id-${ids}`;
  };
  const { telemetry } = recordedTelemetry();
  const store = (budget: number = budgets.command, queueing = true): Store => {
    const tables = {
      client,
      eventsTable: 'events',
      commandsTable: 'commands',
      queueTable: 'queue',
    };
    return createStore({ ...tables, ...patience, newId, budget, queueing });
  };
  const viewsTable = { client, table: 'views', ...patience };
  const views = (budget: number = budgets.views) =>
    createViews({ ...viewsTable, budget, passOver: () => {} });
  const workflow = {
    start: async () => {
      await time.sleep(START_MS);
      throw new Error('never heard of');
    },
    isRunning: async () => false,
  };
  const leavePending = (request: CommandRequest, more: readonly string[] = []): PendingCommand => {
    const { command, keys = [], actor, correlationId } = request;
    const writeId = newId();
    const pending = PendingCommand.parse({
      ...{
        accountId: command.accountId,
        schema: RECORD_SCHEMA,
        commandSchema: 1,
        fingerprint: fingerprint(command),
      },
      ...{ writeId, at: '2026-11-21T12:30:00.000Z', command, actor, correlationId },
      keys: [...keys, ...more.map(recordKey)],
    });
    for (const key of pending.keys) records.set(key, { ...pending, key, outcome: 'pending' });
    return pending;
  };
  /** The outcome of a pending command, under one of its keys alone. */
  const decided = (key: RecordKey, print: string, pendingId: string) =>
    records.set(key, {
      ...{
        key,
        accountId: A,
        schema: RECORD_SCHEMA,
        fingerprint: print,
        writeId: newId(),
        pendingId,
      },
      ...{ at: '2026-11-21T12:31:00.000Z', outcome: 'accepted', version: 2 },
    });
  /** Two commands in the last commit of the first account, just now. */
  const heat = () => {
    const stream = streams.get(A);
    if (!stream) return;
    const [one, other] = ['one', 'other'].map((commandId) => ({
      commandId,
      events: [depositOfOne],
    }));
    const next = one && other && plantedCommit(stream.tail, 'hot', [one, other], time.clock());
    if (!next || next === 'too_large') throw new Error('the account is full');
    stream.tail = next.tail;
    stream.items.push(next.item);
  };
  return {
    heat,
    decided,
    ledger,
    time,
    clock: time.clock,
    client,
    patience,
    newId,
    telemetry,
    store,
    views,
    viewsTable,
    workflow,
    leavePending,
  };
};
type World = ReturnType<typeof createWorld>;

const TROUBLES: readonly (readonly [string, Trouble])[] = [
  ['everything is answered late', { reads: 'late', records: 'late', writes: 'late' }],
  ['nothing is answered', { reads: 'hangs', records: 'hangs', writes: 'hangs' }],
  [
    'every other request is never answered',
    { reads: 'every other hangs', records: 'every other hangs', writes: 'every other hangs' },
  ],
  ['no write is answered', { reads: 'late', records: 'late', writes: 'hangs' }],
  ['every write is throttled', { reads: 'late', records: 'late', writes: 'throttled' }],
  ['every write is in conflict', { reads: 'late', records: 'late', writes: 'conflict' }],
  ['every race is lost', { reads: 'late', records: 'late', writes: 'lost' }],
  [
    'every write is refused, and nothing is said of why',
    { reads: 'late', records: 'late', writes: 'nothing said' },
  ],
  ['no record can be read', { reads: 'late', records: 'hangs', writes: 'nothing said' }],
  ['everything is throttled', { reads: 'throttled', records: 'throttled', writes: 'throttled' }],
];

const http = silentHttpWithTokens;
const withKeys = (...keys: string[]) => ({ ...requests.deposit(A, 1), keys: keys.map(recordKey) });
const pendingOn = (
  world: World,
  accountId: AccountId,
  count: number,
  prefix: string,
  more = false,
) =>
  Array.from({ length: count }, (_, n) =>
    world.leavePending(
      requests.deposit(accountId, 1, { key: `${prefix}-${n}` }),
      more ? [`${prefix}-more-${n}`] : [],
    ),
  );
const transferOf = (from: AccountId, to: AccountId) =>
  TransferInput.parse({
    transferId: 'r-0',
    from,
    to,
    amount: 1,
    currency: 'EUR',
    correlationId: 'k',
    actor: 'alice',
  });
const image = (item: object) => streamRecord({ ...item });

/** Every path that a request or a batch takes, with the function whose timeout holds for it. */
type Path = readonly [string, FunctionName, (world: World) => Promise<unknown>];
const PATHS: readonly Path[] = [
  ['a command without a key', 'deposit', ({ store }) => store().execute(requests.deposit(A, 1))],
  ['a command with a key', 'deposit', ({ store }) => store().execute(withKeys('k'))],
  ['a command with two keys', 'deposit', ({ store }) => store().execute(withKeys('k', 'l'))],
  [
    'a command that may not queue',
    'open-account',
    ({ store }) => store(budgets.command, false).execute(withKeys('k')),
  ],
  [
    'a command at a version',
    'withdraw',
    ({ store }) =>
      store().execute({ ...withKeys('k', 'l'), expectedVersions: [Version.parse(303)] }),
  ],
  [
    'a command at a version that has passed',
    'withdraw',
    ({ store }) => store().execute({ ...withKeys('k', 'l'), expectedVersions: [Version.parse(1)] }),
  ],
  [
    'a command that queues',
    'deposit',
    (world) => {
      world.heat();
      return world.store().execute(withKeys('k', 'l'));
    },
  ],
  [
    'the repeat of a pending command',
    'deposit',
    (world) => {
      world.leavePending(withKeys('k'));
      return world.store().execute(withKeys('k', 'l'));
    },
  ],
  [
    'thirty commands of an account together',
    'carry-out-transfers',
    ({ store }) =>
      store(budgets.carryOutStep).executeTogether(
        A,
        Array.from({ length: 30 }, (_, n) => withKeys(`k-${n}`)),
      ),
  ],
  [
    'thirty pending commands of an account',
    'decide-pending',
    (world) => world.store().decidePending(A, pendingOn(world, A, 30, 'p')),
  ],
  [
    'thirty pending commands with two keys, one of which has the outcome',
    'decide-pending',
    (world) => {
      const pending = pendingOn(world, A, 30, 'p', true);
      for (const {
        keys: [key],
        fingerprint: print,
        writeId,
      } of pending)
        if (key) world.decided(key, print, writeId);
      return world.store().decidePending(A, pending);
    },
  ],
  [
    'a batch of the queue, of thirty accounts',
    'decide-pending',
    (world) => {
      const { store, telemetry, clock } = world;
      const handler = createDecidePending({
        store: store(),
        telemetry,
        clock,
        budget: budgets.decidePending,
      });
      return handler({ Records: ACCOUNTS.flatMap((id) => pendingOn(world, id, 3, id)).map(image) });
    },
  ],
  [
    'an account',
    'get-account',
    ({ store, clock }) =>
      send(createGetAccount({ store: store(), clock, ...http }), {
        path: { accountId: A },
        claims,
      }),
  ],
  [
    'an account at a version',
    'get-account',
    ({ store }) => store().asOf(A, { version: Version.parse(150) }),
  ],
  [
    'an account at a time',
    'get-account',
    ({ store, ledger }) =>
      store().asOf(A, { at: Timestamp.parse(ledger.committed[100]?.commit.at) }),
  ],
  ['a record', 'get-command', ({ store }) => store(budgets.getCommand).recordOf(recordKey('k'))],
  [
    'a pending command that is overdue',
    'get-command',
    (world) => {
      world.leavePending(withKeys('k', 'l'));
      const handler = createGetCommand({
        store: world.store(budgets.getCommand),
        endOfHold: async () => undefined,
        clock: world.clock,
        ...http,
      });
      return send(handler, { path: { accountId: A, commandId: 'k' }, claims });
    },
  ],
  [
    'a transfer',
    'get-transfer',
    ({ store, views }) =>
      send(
        createGetTransfer({
          store: store(budgets.getTransfer),
          views: views(budgets.getTransfer),
          ...http,
        }),
        { path: { transferId: 't' }, claims },
      ),
  ],
  [
    'a statement',
    'list-entries',
    ({ store }) =>
      send(createListEntries({ store: store(budgets.list), ...http }), {
        path: { accountId: A },
        claims,
      }),
  ],
  [
    'transfers of an account',
    'list-transfers',
    ({ store, views }) =>
      send(
        createListTransfers({
          store: store(budgets.list),
          views: views(budgets.list),
          ...http,
        }),
        {
          path: { accountId: A },
          query: { status: 'released' },
          claims,
        },
      ),
  ],
  [
    'a transfer whose end is waited for',
    'request-transfer',
    ({ store, views, time, newId }) =>
      send(
        createRequestTransfer({
          shortWay: true,
          store: store(),
          views: views(),
          time,
          newId,
          ...http,
        }),
        {
          body: { from: A, to: B, amount: 1 },
          headers: { prefer: 'wait=10', 'idempotency-key': 'k' },
          claims,
        },
      ),
  ],
  [
    'a transfer that queues and whose end is waited for',
    'request-transfer',
    ({ heat, store, views, time, newId }) => {
      heat();
      return send(
        createRequestTransfer({
          shortWay: true,
          store: store(),
          views: views(),
          time,
          newId,
          ...http,
        }),
        {
          body: { from: A, to: B, amount: 1 },
          headers: { prefer: 'wait=10', 'idempotency-key': 'k' },
          claims,
        },
      );
    },
  ],
  [
    'a credit',
    'credit-transfer',
    ({ store, telemetry }) =>
      createCredit({ store: store(budgets.creditTransfer), telemetry })(transferOf(A, B)),
  ],
  [
    'a settlement',
    'settle-transfer',
    ({ store, telemetry }) =>
      createSettle({ store: store(), telemetry })({
        ...transferOf(A, B),
        credit: { outcome: 'credited' },
      }),
  ],
  [
    'a batch of reservations of thirty accounts',
    'carry-out-transfers',
    ({ store, workflow, telemetry, patience, ledger }) => {
      const handler = createCarryOut({
        store: store(budgets.carryOutStep),
        workflow,
        telemetry,
        ...patience,
        budget: budgets.carryOut,
      });
      return handler({
        Records: ledger.committed.slice(-ACCOUNTS.length).map(({ item }) => streamRecord(item)),
      });
    },
  ],
  [
    'a batch of reservations of thirty accounts, to be started',
    'start-transfers',
    ({ workflow, telemetry, patience, ledger }) => {
      const handler = createStart({
        workflow,
        telemetry,
        ...patience,
        budget: budgets.startTransfers,
      });
      return handler({
        Records: ledger.committed.slice(-ACCOUNTS.length).map(({ item }) => streamRecord(item)),
      });
    },
  ],
  [
    'a batch of the views, of thirty accounts',
    'project-views',
    ({ viewsTable, telemetry, clock, ledger }) => {
      const handler = createProjectViews({
        writer: createViewWriter(viewsTable),
        telemetry,
        clock,
        budget: budgets.projectViews,
      });
      return handler({
        Records: ledger.committed.slice(-ACCOUNTS.length).map(({ item }) => streamRecord(item)),
      });
    },
  ],
  [
    'views that are made again, of accounts',
    'rebuild-views',
    (world) => rebuild(world)({ accounts: ACCOUNTS.slice(0, 10) }),
  ],
  ...(['rows', 'streams'] as const).map(
    (phase): Path => [
      `views that are made again, a segment of the ${phase}`,
      'rebuild-views',
      (world) => rebuild(world)({ phase, segment: 0, segments: 1 }),
    ],
  ),
  ['a recovery from the views', 'recover-transfers', (world) => recover(world)({})],
  ['an expiry of holds', 'expire-holds', (world) => expire(world)({})],
  [
    'a recovery from the streams',
    'recover-transfers',
    (world) => recover(world)({ from: 'streams' }),
  ],
];

const rebuild = ({ store, client, viewsTable, telemetry }: World) =>
  createRebuild({
    events: { client, table: 'events' },
    views: viewsTable,
    store: store(),
    writer: createViewWriter(viewsTable),
    telemetry,
    budget: budgets.rebuild.pages,
    grace: budgets.rebuild.lastPage,
  });

const expire = ({ store, views, telemetry, clock }: World) =>
  createExpireHolds({
    views: views(budgets.recoverPage),
    store: store(budgets.carryOutStep),
    telemetry,
    clock,
    budget: budgets.expireHolds,
  });

const recover = ({ store, views, client, patience, workflow, telemetry, clock }: World) =>
  createRecovery({
    ...{
      views: views(budgets.recoverPage),
      store: store(),
      workflow,
      telemetry,
      clock,
      budget: budgets.recover,
    },
    accounts: (after) =>
      accountsThatReserved(
        { client, eventsTable: 'events', ...patience, budget: budgets.recoverPage },
        after,
      ),
  });

/** Of a function behind the HTTP API; what API Gateway waits for is more. */
const timeoutOf = (name: FunctionName) => definitionOf(name).timeout * 1_000;

describe.each(PATHS)('%s stays within the timeout of %s', (_path, name, run) => {
  it.each(TROUBLES)('when %s', async (_trouble, trouble) => {
    const world = createWorld(trouble);
    // What it ends with is tested elsewhere; that it ends in time is here.
    const duration = await world.time.duration(() => run(world).catch(() => {}));
    expect(duration).toBeLessThan(timeoutOf(name));
  });
});
