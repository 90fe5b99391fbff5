import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createHandler } from '../../../functions/transfers/start-transfers.ts';
import type { TransferWorkflow } from '../../../functions/transfers/workflow.ts';
import { recordedTelemetry } from '../background/recorded-telemetry.ts';
import { createMemoryLedger, failureOf, type MemoryLedger, streamRecord } from '../projections/memory-ledger.ts';

let ledger: MemoryLedger;

beforeEach(() => {
  ledger = createMemoryLedger();
  ledger.commit(
    { type: 'open', accountId: 'a', owner: 'alice', currency: 'EUR', overdraftLimit: 0 },
    { type: 'deposit', accountId: 'a', amount: 1_000 },
  );
});

const reserve = (transferId: string, more: object = {}) => ({
  type: 'reserve',
  accountId: 'a',
  transferId,
  to: 'b',
  amount: 10,
  ...more,
});

const recordFor = (...commands: object[]) => streamRecord(ledger.commit(...commands)?.item ?? {});

const workflowThat = (start: TransferWorkflow['start']) => {
  const { telemetry, counts, logger } = recordedTelemetry();
  const workflow = { start: vi.fn(start) };
  const handle = createHandler({ workflow, telemetry });
  return { handle: (...Records: ReturnType<typeof streamRecord>[]) => handle({ Records }), workflow, counts, logger };
};

it('starts the workflow of a reservation, named by the transfer, in the name of who asked for it', async () => {
  const { handle, workflow, counts } = workflowThat(async () => 'started');
  expect(await handle(recordFor(reserve('t1', { reference: 'rent' })))).toEqual({ batchItemFailures: [] });
  expect(workflow.start).toHaveBeenCalledExactlyOnceWith('t1', {
    transferId: 't1',
    from: 'a',
    to: 'b',
    amount: 10,
    currency: 'EUR',
    reference: 'rent',
    correlationId: 'k1-0',
    actor: 'alice',
  });
  expect(counts).toEqual({ TransfersStarted: 1 });
});

it('starts every reservation of a commit, each with the correlation id of its own request', async () => {
  const { handle, workflow } = workflowThat(async () => 'started');
  await handle(recordFor({ type: 'deposit', accountId: 'a', amount: 1 }, reserve('t1'), reserve('t2')));
  const started = workflow.start.mock.calls.map(([name, { correlationId }]) => [name, correlationId]);
  expect(started).toEqual([
    ['t1', 'k1-1'],
    ['t2', 'k1-2'],
  ]);
});

it('starts nothing for a commit that reserves nothing', async () => {
  const { handle, workflow } = workflowThat(async () => 'started');
  expect(await handle(recordFor({ type: 'deposit', accountId: 'a', amount: 1 }))).toEqual({ batchItemFailures: [] });
  expect(workflow.start).not.toHaveBeenCalled();
});

it('a workflow that was started before is a success, and not counted again', async () => {
  const { handle, counts } = workflowThat(async () => 'already_exists');
  expect(await handle(recordFor(reserve('t1')))).toEqual({ batchItemFailures: [] });
  expect(counts).toEqual({});
});

describe('what fails is reported for delivery again, and all else is started', () => {
  it('a start that fails', async () => {
    const { handle, workflow, counts, logger } = workflowThat(async (name) => {
      if (name === 't2') throw new Error('throttled');
      return 'started';
    });
    const records = ['t1', 't2', 't3'].map((transferId) => recordFor(reserve(transferId)));
    expect(await handle(...records)).toEqual({ batchItemFailures: [records[1] && failureOf(records[1])] });
    expect(workflow.start).toHaveBeenCalledTimes(3);
    expect(counts).toEqual({ TransfersStarted: 2, TransferStartFailures: 1 });
    expect(logger.error).toHaveBeenCalledWith(
      'the transfer workflow could not be started',
      expect.objectContaining({ correlation_id: 'k2-0', transferId: 't2' }),
    );
  });

  it('a commit of which two reservations fail, once', async () => {
    const { handle } = workflowThat(async () => Promise.reject(new Error('throttled')));
    const record = recordFor(reserve('t1'), reserve('t2'));
    expect(await handle(record)).toEqual({ batchItemFailures: [failureOf(record)] });
  });

  it('a record that is no commit', async () => {
    const { handle, workflow } = workflowThat(async () => 'started');
    const removed = streamRecord({ streamId: 'a', version: 1 }, 'REMOVE');
    expect(await handle(removed, recordFor(reserve('t1')))).toEqual({ batchItemFailures: [failureOf(removed)] });
    expect(workflow.start).toHaveBeenCalledOnce();
  });
});
