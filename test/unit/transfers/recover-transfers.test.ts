import { describe, expect, it, vi } from 'vitest';
import { AccountId, type Timestamp } from '../../../events/values.ts';
import { createHandler } from '../../../functions/transfers/recover-transfers.ts';
import { TransferInput, type TransferWorkflow } from '../../../functions/transfers/workflow.ts';
import { type TransferRow, transferOf } from '../../../functions/views/transfer-row.ts';
import type { OpenTransfer } from '../../../functions/views/views.ts';
import { createMemoryLedger, type MemoryLedger } from '../projections/memory-ledger.ts';
import { recordedTelemetry } from '../runtime/recorded-telemetry.ts';
import { transfer } from './transfer.ts';

const NOW = Date.parse('2026-11-21T13:00:30.000Z');
/** Minutes since 1970, as executions are named after them. */
const MINUTE = Math.floor(NOW / 60_000).toString(36);

const open = (transferId: string): OpenTransfer => {
  const row: TransferRow = {
    ...transfer,
    ...TransferInput.parse({ ...transfer, transferId }),
    reserved: JSON.parse('{"accountId":"a","version":4,"at":"2026-11-21T12:00:00.000Z"}'),
  };
  return { ...transferOf(row), correlationId: row.correlationId, actor: row.actor };
};

const recovery = ({
  inViews = [],
  ledger = createMemoryLedger(),
  accounts = [],
  start = async () => 'started',
}: {
  inViews?: readonly OpenTransfer[];
  ledger?: Pick<MemoryLedger, 'load' | 'history'>;
  accounts?: readonly string[];
  start?: TransferWorkflow['start'];
}) => {
  const { telemetry, counts, logger } = recordedTelemetry();
  const workflow = { start: vi.fn(start) };
  const openTransfers = vi.fn(async function* (_: Timestamp) {
    yield* inViews;
  });
  const recover = createHandler({
    views: { openTransfers },
    store: ledger,
    accounts: async function* () {
      for (const accountId of accounts) yield AccountId.parse(accountId);
    },
    workflow,
    telemetry,
    clock: () => NOW,
  });
  return { recover, workflow, openTransfers, counts, logger };
};

describe('every minute, from the views', () => {
  const scheduled = { 'detail-type': 'Scheduled Event', source: 'aws.events', detail: {} };

  it('starts again what was reserved more than a minute ago, under a name of this minute', async () => {
    const { recover, workflow, openTransfers, counts } = recovery({ inViews: [open('t1')] });
    expect(await recover(scheduled)).toEqual({ found: 1, started: 1 });
    expect(openTransfers).toHaveBeenCalledExactlyOnceWith('2026-11-21T12:59:30.000Z');
    expect(workflow.start).toHaveBeenCalledExactlyOnceWith(`t1.r${MINUTE}`, transfer);
    expect(counts).toEqual({ TransfersRecovered: 1 });
  });

  it('a transfer that was started again in this minute is in hand', async () => {
    const { recover, counts } = recovery({ inViews: [open('t1')], start: async () => 'already_exists' });
    expect(await recover(scheduled)).toEqual({ found: 1, started: 0 });
    expect(counts).toEqual({});
  });

  it('finds nothing to do where nothing is open', async () => {
    expect(await recovery({}).recover({})).toEqual({ found: 0, started: 0 });
  });

  it('tries all of them, and fails where some could not be started', async () => {
    const { recover, workflow, counts, logger } = recovery({
      inViews: ['t1', 't2', 't3'].map(open),
      start: async (name) => {
        if (name.startsWith('t2')) throw new Error('throttled');
        return 'started';
      },
    });
    await expect(recover(scheduled)).rejects.toThrow('1 failures on the way to 3 open transfers; 2 are started again');
    expect(workflow.start).toHaveBeenCalledTimes(3);
    expect(counts).toEqual({ TransfersRecovered: 2, TransferRecoveryFailures: 1 });
    expect(logger.error).toHaveBeenCalledWith(
      'an open transfer could not be started again',
      expect.objectContaining({ correlation_id: 'k1', transferId: 't2' }),
    );
  });
});

describe('on demand, from the streams', () => {
  const event = { from: 'streams' };
  const bank = () => {
    const ledger = createMemoryLedger();
    for (const accountId of ['a', 'c']) {
      ledger.commit(
        { type: 'open', accountId, owner: 'alice', currency: 'EUR', overdraftLimit: 0 },
        { type: 'deposit', accountId, amount: 100 },
      );
    }
    return ledger;
  };
  const reserve = (accountId: string, transferId: string) => ({
    type: 'reserve',
    accountId,
    transferId,
    to: 'b',
    amount: 5,
  });

  it('starts again what is still reserved there, in the name of who asked for it, and nothing that ended', async () => {
    const ledger = bank();
    ledger.commit(reserve('a', 't1'), reserve('a', 't2'));
    ledger.commit(reserve('c', 't3'));
    ledger.commit({ type: 'settle', accountId: 'a', transferId: 't1' });
    const { recover, workflow, openTransfers } = recovery({ ledger, accounts: ['a', 'c', 'nobody'] });
    expect(await recover(event)).toEqual({ found: 2, started: 2 });
    const terms = { to: 'b', amount: 5, currency: 'EUR', actor: 'alice' };
    expect(workflow.start.mock.calls.sort()).toEqual([
      [`t2.r${MINUTE}`, { ...terms, transferId: 't2', from: 'a', correlationId: 'k2-1' }],
      [`t3.r${MINUTE}`, { ...terms, transferId: 't3', from: 'c', correlationId: 'k3-0' }],
    ]);
    expect(openTransfers).not.toHaveBeenCalled();
  });

  it('leaves alone what was reserved within the last minute', async () => {
    const ledger = bank();
    ledger.commit(reserve('a', 't1'));
    const load: typeof ledger.load = async (accountId) => {
      const tail = await ledger.load(accountId);
      const at = new Date(NOW - 60_000).toISOString();
      return JSON.parse(JSON.stringify(tail).replaceAll(/"at":"[^"]*"/g, `"at":"${at}"`));
    };
    const { recover, workflow } = recovery({ ledger: { ...ledger, load }, accounts: ['a'] });
    expect(await recover(event)).toEqual({ found: 0, started: 0 });
    expect(workflow.start).not.toHaveBeenCalled();
  });

  it('an account that cannot be read does not keep the others from being recovered', async () => {
    const ledger = bank();
    ledger.commit(reserve('c', 't3'));
    const load: typeof ledger.load = async (accountId) => {
      if (accountId === 'a') throw new Error('no snapshot');
      return ledger.load(accountId);
    };
    const { recover, workflow } = recovery({ ledger: { ...ledger, load }, accounts: ['a', 'c'] });
    await expect(recover(event)).rejects.toThrow('1 failures on the way to 1 open transfers; 1 are started again');
    expect(workflow.start).toHaveBeenCalledOnce();
  });
});

it.each([{ from: 'stream' }, null, 'streams'])('refuses %o', async (event) => {
  await expect(recovery({}).recover(event)).rejects.toThrow('not an input of this function');
});
