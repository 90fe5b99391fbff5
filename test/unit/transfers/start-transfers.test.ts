import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createHandler } from '../../../functions/transfers/start-transfers.ts';
import type { TransferWorkflow } from '../../../functions/transfers/workflow.ts';
import {
  createMemoryLedger,
  failureOf,
  type MemoryLedger,
  streamRecord,
} from '../projections/memory-ledger.ts';
import { recordedTelemetry } from '../runtime/recorded-telemetry.ts';
import { machine } from './recovery.ts';

const BUDGET_MS = 40_000;

let ledger: MemoryLedger;
let now: number;
let waits: number[];

beforeEach(() => {
  now = 0;
  waits = [];
  ledger = createMemoryLedger();
  openWithMoney('a');
});

const openWithMoney = (accountId: string) =>
  ledger.commit(
    { type: 'open', accountId, owner: 'alice', currency: 'EUR', overdraftLimit: 0 },
    { type: 'deposit', accountId, amount: 1_000 },
  );

const reserved = (...transferIds: readonly string[]) => reservedOn('a', transferIds);

const reservedOn = (accountId: string, transferIds: readonly string[]) =>
  streamRecord(
    ledger.commit(
      ...transferIds.map((transferId) => ({
        type: 'reserve',
        accountId,
        transferId,
        to: 'b',
        amount: 1,
      })),
    )?.item ?? {},
  );

const starter = (start: TransferWorkflow['start'] = machine().start) => {
  const { telemetry, counts, logger } = recordedTelemetry();
  const workflow = { start: vi.fn(start) };
  const handle = createHandler({
    workflow,
    telemetry,
    clock: () => now,
    random: () => 1,
    sleep: async (milliseconds) => {
      waits.push(milliseconds);
      now += milliseconds;
    },
    budget: BUDGET_MS,
  });
  const names = () => workflow.start.mock.calls.map(([name]) => name);
  return {
    handle: (...Records: ReturnType<typeof streamRecord>[]) => handle({ Records }),
    start: workflow.start,
    names,
    counts,
    logger,
  };
};

const nothingFailed = { batchItemFailures: [] };
const throttled = Object.assign(new Error('Rate exceeded'), { name: 'ThrottlingException' });

it('starts an execution for every reservation, named by its transfer, with all that its steps need', async () => {
  const { handle, start, counts, logger } = starter();
  expect(await handle(reserved('t1', 't2'), reserved('t3'))).toEqual(nothingFailed);
  const input = (transferId: string, correlationId: string) => ({
    transferId,
    ...{ from: 'a', to: 'b', amount: 1, currency: 'EUR' },
    ...{ correlationId, actor: 'alice' },
  });
  expect(start.mock.calls).toEqual([
    ['t1', input('t1', 'k1-0')],
    ['t2', input('t2', 'k1-1')],
    ['t3', input('t3', 'k2-0')],
  ]);
  expect(counts).toEqual({ TransfersLeftToWorkflow: 3 });
  expect(logger.info.mock.calls.map(([, fields]) => fields)).toEqual([
    expect.objectContaining({ correlation_id: 'k1-0', transferId: 't1', outcome: 'started' }),
    expect.objectContaining({ correlation_id: 'k1-1', transferId: 't2', outcome: 'started' }),
    expect.objectContaining({ correlation_id: 'k2-0', transferId: 't3', outcome: 'started' }),
  ]);
});

it('starts none for a commit that reserves nothing', async () => {
  const { handle, start } = starter();
  const commit = ledger.commit({ type: 'deposit', accountId: 'a', amount: 1 });
  expect(await handle(streamRecord(commit?.item ?? {}))).toEqual(nothingFailed);
  expect(start).not.toHaveBeenCalled();
});

it('starts nothing twice where a batch comes again, whole or half', async () => {
  const { handle, counts } = starter();
  const records = [reserved('t1', 't2'), reserved('t3')] as const;
  await handle(...records);
  expect(await handle(...records)).toEqual(nothingFailed);
  expect(await handle(records[1], reserved('t4'))).toEqual(nothingFailed);
  expect(counts).toEqual({ TransfersLeftToWorkflow: 4 });
});

it('starts a burst of 10,000, each once, ten at a time, as fast as Step Functions takes them', async () => {
  const taken = machine();
  let underWay = 0;
  let most = 0;
  const { handle, counts } = starter(async (name) => {
    underWay += 1;
    most = Math.max(most, underWay);
    await Promise.resolve();
    underWay -= 1;
    // Its quota of an account: a bucket of 1,300 starts, filled again by 300 a second.
    if (taken.taken.size >= 1_300 + (300 * now) / 1_000) throw throttled;
    return taken.start(name);
  });
  for (let account = 0; account < 100; account += 1) {
    openWithMoney(`account-${account}`);
    const transferIds = Array.from({ length: 100 }, (_, n) => `t${account}-${n}`);
    expect(await handle(reservedOn(`account-${account}`, transferIds))).toEqual(nothingFailed);
  }
  expect(taken.taken.size).toBe(10_000);
  expect(counts).toEqual({ TransfersLeftToWorkflow: 10_000 });
  expect(most).toBe(10);
  expect(waits.length).toBeGreaterThan(100);
});

describe('where Step Functions throttles', () => {
  it('it waits, longer each time, and starts again: nothing is reported', async () => {
    let refusals = 3;
    const { handle, names, counts } = starter(async () => {
      if (refusals-- > 0) throw throttled;
      return 'started';
    });
    expect(await handle(reserved('t1'))).toEqual(nothingFailed);
    expect(names()).toEqual(['t1', 't1', 't1', 't1']);
    expect(waits).toEqual([20, 40, 80]);
    expect(counts).toEqual({ TransfersLeftToWorkflow: 1 });
  });

  it('for longer than it has, the transfer is reported for delivery again, and the others are started', async () => {
    const { handle, counts, logger } = starter(async (name) => {
      if (name === 't2') throw throttled;
      return 'started';
    });
    const records = [reserved('t1'), reserved('t2'), reserved('t3')] as const;
    expect(await handle(...records)).toEqual({ batchItemFailures: [failureOf(records[1])] });
    expect(now).toBeGreaterThan(BUDGET_MS - 1_000);
    expect(now).toBeLessThan(BUDGET_MS);
    expect(counts).toEqual({ TransfersLeftToWorkflow: 2, TransferStartFailures: 1 });
    expect(logger.error).toHaveBeenCalledExactlyOnceWith(
      'the transfer workflow could not be started',
      expect.objectContaining({ transferId: 't2', error: throttled }),
    );
  });
});

it('reports at once what fails for another reason: the client has tried again already', async () => {
  const { handle, names } = starter(async () => {
    throw new Error('no such machine');
  });
  const record = reserved('t1', 't2');
  expect(await handle(record)).toEqual({ batchItemFailures: [failureOf(record)] });
  expect(names()).toEqual(['t1', 't2']);
  expect(waits).toEqual([]);
});

it('reports, once the time is up, what it has not come to', async () => {
  const { handle, names } = starter(async () => {
    now += BUDGET_MS;
    return 'started';
  });
  // The first ten are begun at the same moment.
  const records = Array.from({ length: 12 }, (_, n) => reserved(`t${n}`));
  expect(await handle(...records)).toEqual({
    batchItemFailures: records.slice(1).map((record) => failureOf(record)),
  });
  expect(names()).toEqual(['t0']);
});

describe('a stream record that can never be read', () => {
  it('is passed over in its first delivery, and counted', async () => {
    const { handle, names, counts, logger } = starter();
    const unreadable = streamRecord(ledger.committed[0]?.item ?? {}, 'MODIFY');
    expect(await handle(unreadable, reserved('t1'))).toEqual(nothingFailed);
    expect(names()).toEqual(['t1']);
    expect(counts).toEqual({ TransfersLeftToWorkflow: 1, UnreadableRecords: 1 });
    expect(logger.error).toHaveBeenCalledExactlyOnceWith('a stream record is passed over', {
      accountId: 'a',
      version: 1,
      error: expect.any(Error),
    });
  });

  it('but one that does not say where it stands fails the whole batch', async () => {
    const { handle } = starter();
    expect(await handle({})).toEqual({ batchItemFailures: [{ itemIdentifier: '' }] });
  });
});
