import { setImmediate } from 'node:timers/promises';
import { marshall } from '@aws-sdk/util-dynamodb';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AccountId } from '../../../events/values.ts';
import { createHandler as decidePending } from '../../../functions/commands/decide-pending.ts';
import { type Telemetry, telemetryFromEnvironment } from '../../../functions/runtime/telemetry.ts';
import type {
  CommandRequest,
  CommandResult,
} from '../../../functions/store/deciding/command-result.ts';
import { createHandler as carryOut } from '../../../functions/transfers/carry-out-transfers.ts';
import { createHandler as creditTransfer } from '../../../functions/transfers/credit-transfer.ts';
import { createHandler as recoverTransfers } from '../../../functions/transfers/recover-transfers.ts';
import { createHandler as releaseTransfer } from '../../../functions/transfers/release-transfer.ts';
import { reservedIn } from '../../../functions/transfers/reservations.ts';
import { createHandler as settleTransfer } from '../../../functions/transfers/settle-transfer.ts';
import { createHandler as startTransfers } from '../../../functions/transfers/start-transfers.ts';
import { definitionOf, functionNames } from '../../../infra/constructs/catalogue.ts';
import { createMemoryLedger, failureOf, streamRecord } from '../projections/memory-ledger.ts';
import { MINUTE, NOW, page } from './recovery.ts';
import { accepted, rejectedFor } from './transfer.ts';

const MANY = 50;

/** Answers after others have had their turn, in another order than they asked. */
const later = async <T>(value: T): Promise<T> => {
  turns += 1;
  for (let left = 1 + (turns % 3); left > 0; left -= 1) await setImmediate();
  return value;
};
let turns = 0;

const asResult = (result: unknown): CommandResult => JSON.parse(JSON.stringify(result));

/** Accounts that have each reserved one transfer, all of them in streams and as stream records. */
const createWorld = () => {
  const ledger = createMemoryLedger();
  const reservations = Array.from({ length: MANY }, (_, n) => {
    const accountId = `a-${n}`;
    ledger.commit(
      { type: 'open', accountId, owner: 'alice', currency: 'EUR', overdraftLimit: 0 },
      { type: 'deposit', accountId, amount: 1_000 },
    );
    const reserve = { type: 'reserve', accountId, transferId: `t-${n}`, to: `b-${n}` };
    const made = ledger.commit({ ...reserve, amount: n + 1 });
    const [transfer] = made ? reservedIn(made.commit) : [];
    if (!made || !transfer) throw new Error('nothing was reserved');
    return { record: streamRecord(made.item), transfer };
  });
  const store = {
    load: async (accountId: AccountId) => later(await ledger.load(accountId)),
    history: ledger.history,
    recordOf: () => later(undefined),
    execute: () => later(asResult(accepted)),
    /** Every third credit is rejected. */
    executeTogether: (accountId: string, requests: readonly CommandRequest[]) =>
      later(
        requests.map(({ command }) =>
          asResult(
            command.type === 'credit' && Number(accountId.slice(2)) % 3 === 0
              ? rejectedFor('account_not_found')
              : accepted,
          ),
        ),
      ),
    /** Every fifth account cannot be decided for. */
    decidePending: async (accountId: AccountId, pending: readonly unknown[]) => {
      await later(undefined);
      if (Number(accountId.slice(2)) % 5 === 0) throw new Error(`no stream of ${accountId}`);
      return { decided: pending.length, passedOver: [] };
    },
  };
  const workflow = { start: () => later('started' as const), isRunning: () => later(false) };
  return { reservations, store, workflow };
};
type World = ReturnType<typeof createWorld>;

const patience = { clock: () => 0, random: () => 1, sleep: async () => {} };

const queued = (n: number) => ({
  eventName: 'INSERT' as const,
  dynamodb: {
    SequenceNumber: `q-${n}`,
    NewImage: JSON.parse(
      JSON.stringify(
        marshall({
          ...{ accountId: `a-${n}`, place: `2026-11-21T10:00:00.000Z#w-${n}`, expiresAt: 1 },
          ...{ schema: 1, commandSchema: 1, fingerprint: 'f', writeId: `w-${n}` },
          ...{ at: '2026-11-21T10:00:00.000Z', keys: [`command:k-${n}`] },
          command: { type: 'withdraw', accountId: `a-${n}`, amount: 1 },
          ...{ actor: 'alice', correlationId: `c-${n}` },
        }),
      ),
    ),
  },
});

/** One invocation of a function: what it is asked, answers, logs of its transfer, and counts. */
interface Case {
  readonly create: (world: World, telemetry: Telemetry) => (event: never) => Promise<unknown>;
  readonly event: (world: World, n: number) => unknown;
  readonly answer: (world: World, n: number) => unknown;
  readonly lines: (n: number) => readonly string[];
  readonly metrics: Readonly<Record<string, number>>;
}

const nothingFailed = () => ({ batchItemFailures: [] });
const recordOf = ({ reservations }: World, n: number) => ({ Records: [reservations[n]?.record] });
const transferOf = ({ reservations }: World, n: number) => reservations[n]?.transfer;
const rejectedCredits = Math.ceil(MANY / 3);

const cases: Readonly<Record<string, Case>> = {
  'decide-pending': {
    create: ({ store }, telemetry) =>
      decidePending({ store, telemetry, clock: () => 0, budget: 1 }),
    event: (_, n) => ({ Records: [queued(n)] }),
    answer: (_, n) => ({ batchItemFailures: n % 5 === 0 ? [failureOf(queued(n))] : [] }),
    lines: (n) => (n % 5 === 0 ? ['the pending commands of an account were not decided'] : []),
    metrics: { CommandsDecidedTogether: 40, DecidePendingFailures: 10 },
  },
  'carry-out-transfers': {
    create: (world, telemetry) =>
      carryOut({ ...world, telemetry, ...patience, budget: { steps: 1, starts: 2 } }),
    event: recordOf,
    answer: nothingFailed,
    lines: (n) => [n % 3 === 0 ? 'left to the transfer workflow' : 'settled'],
    metrics: {
      TransfersCarriedOut: MANY - rejectedCredits,
      TransfersLeftToWorkflow: rejectedCredits,
      TransferTime: 0,
    },
  },
  'start-transfers': {
    create: (world, telemetry) => startTransfers({ ...world, telemetry, ...patience, budget: 1 }),
    event: recordOf,
    answer: nothingFailed,
    lines: () => ['left to the transfer workflow'],
    metrics: { TransfersLeftToWorkflow: MANY },
  },
  'credit-transfer': {
    create: ({ store }, telemetry) => creditTransfer({ store, telemetry }),
    event: transferOf,
    answer: () => ({ outcome: 'credited' }),
    lines: () => ['credited'],
    metrics: {},
  },
  'settle-transfer': {
    create: ({ store }, telemetry) => settleTransfer({ store, telemetry }),
    event: (world, n) => ({ ...transferOf(world, n), credit: { outcome: 'credited' } }),
    answer: () => undefined,
    lines: () => ['settled'],
    metrics: {},
  },
  'release-transfer': {
    create: ({ store }, telemetry) => releaseTransfer({ store, telemetry }),
    event: (world, n) => ({
      ...transferOf(world, n),
      credit: { outcome: 'rejected', reason: `reason-${n}` },
    }),
    answer: () => undefined,
    lines: () => ['released'],
    metrics: {},
  },
  'recover-transfers': {
    create: ({ store, workflow }, telemetry) =>
      recoverTransfers({
        views: { openTransfers: async function* () {} },
        store,
        accounts: async function* (after) {
          yield await later({ ...page(after?.streamId ?? 'none'), after });
        },
        workflow,
        telemetry,
        clock: () => NOW,
        budget: MINUTE,
      }),
    event: (_, n) => ({ from: 'streams', after: { streamId: `a-${n}`, version: 1 } }),
    answer: () => ({ found: 1, started: 1, left: 0 }),
    lines: () => ['an open transfer is started again'],
    metrics: { TransfersRecovered: MANY, OldestOpenTransferAge: expect.any(Number) },
  },
};

let lines: Record<string, unknown>[];

beforeEach(() => {
  lines = [];
  turns = 0;
  vi.stubEnv('POWERTOOLS_METRICS_NAMESPACE', 'Holdfast');
  vi.stubEnv('POWERTOOLS_DEV', 'true');
  vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false');
  vi.stubEnv('POWERTOOLS_SERVICE_NAME', 'many-at-once');
  for (const method of ['log', 'info', 'warn', 'error'] as const)
    vi.spyOn(console, method).mockImplementation((line) => void lines.push(JSON.parse(line)));
});

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

it('every function that no route leads to is among them, but for the two that write views, and for expiry, which looks for the same whatever its event says', () => {
  const behind = functionNames.filter((name) => definitionOf(name).route === undefined);
  const others = ['project-views', 'rebuild-views', 'expire-holds'];
  expect([...Object.keys(cases), ...others].toSorted()).toEqual(behind.toSorted());
});

describe.each(Object.entries(cases))(
  `${MANY} invocations at once in one environment: %s`,
  (_, { create, event, answer, lines: expected, metrics }) => {
    it('each has its own answer and log lines, under its own ids, and its own part in the metrics', async () => {
      const world = createWorld();
      const handler = create(world, telemetryFromEnvironment());
      const answers = await Promise.all(
        Array.from({ length: MANY }, (_, n) =>
          handler(JSON.parse(JSON.stringify(event(world, n))) as never),
        ),
      );

      const said = lines.filter((line) => 'message' in line);
      const counted: Record<string, number> = {};
      for (const line of lines.filter((it) => '_aws' in it)) {
        const [name = ''] = Object.keys(line).filter((key) => /^[A-Z]/.test(key));
        counted[name] = (counted[name] ?? 0) + Number(line[name]);
      }
      expect(counted).toEqual(metrics);
      for (const [n, given] of answers.entries()) {
        expect(given).toEqual(answer(world, n));
        const { transferId, from, to, correlationId } = world.reservations[n]?.transfer ?? {};
        const own = said.filter((line) =>
          'transferId' in line ? line['transferId'] === transferId : line['accountId'] === from,
        );
        expect(own.map(({ message }) => message)).toEqual(expected(n));
        for (const line of own.filter((it) => 'transferId' in it))
          expect(line).toMatchObject({ from, to, correlation_id: correlationId });
      }
      // Apart from what no transfer has part in, there is nothing else.
      expect(said).toHaveLength(answers.flatMap((_, n) => expected(n)).length);
    });
  },
);
